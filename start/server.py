"""A static server on loopback, for one machine."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import override

__all__ = ["serving"]


class _Handler(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def serving(folder: Path, port: int = 0) -> Generator[str]:
    """Serve a folder while the block runs.

    Args:
        folder: The folder.
        port: The port; by default a free one.

    Yields:
        The address.
    """
    handler = partial(_Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()
