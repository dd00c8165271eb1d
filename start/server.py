"""A static server on loopback, for one machine."""

import io
import threading
from collections.abc import Buffer, Callable, Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, override

__all__ = ["PortError", "serving"]


class PortError(Exception):
    """A port that cannot be used; the message says why."""


_TYPES = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}
"""Windows may know another type of scripts, which browsers refuse."""


class _Handler(SimpleHTTPRequestHandler):
    """Serves files, and notes what it sends instead of logging."""

    def __init__(self, *arguments: Any, sent: list[tuple[str, int]], **options: Any) -> None:  # noqa: ANN401 -- the server's
        self._sent = sent
        self.extensions_map = _TYPES
        super().__init__(*arguments, **options)

    @override
    def setup(self) -> None:
        super().setup()
        self.wfile = _Noted(self.wfile, lambda size: self._sent.append((self.path, size)))

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


class _Noted(io.BufferedIOBase):
    """A file that tells the size of all that is written to it."""

    def __init__(self, file: io.BufferedIOBase, note: Callable[[int], None]) -> None:
        self._file = file
        self._note = note

    @override
    def write(self, data: Buffer, /) -> int:
        self._note(memoryview(data).nbytes)
        return self._file.write(data)


@contextmanager
def serving(
    folder: Path, port: int = 0, sent: list[tuple[str, int]] | None = None
) -> Generator[str]:
    """Serve a folder while the block runs.

    Args:
        folder: The folder.
        port: The port; by default a free one.
        sent: Takes the path and the number of bytes, with headers, of everything that is sent.

    Yields:
        The address.

    Raises:
        PortError: The port is in use, or not allowed.
    """
    handler = partial(_Handler, directory=str(folder), sent=[] if sent is None else sent)
    with _listening(port, handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()


def _listening(port: int, handler: Callable[..., _Handler]) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise PortError(f"Cannot use port {port}, choose another by --port: {error}") from error
