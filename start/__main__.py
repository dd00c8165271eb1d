"""`python -m start` builds the start page and serves it; `python -m start build DIR` writes it."""

import argparse
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from start.build import BuildError, build, origin_of
from start.engine import Origin
from start.server import PortError, serving


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The arguments after `python -m start`; by default those of the process.

    Returns:
        The exit code: 0 on success, 1 on an error. Wrong usage exits with 2.
    """
    options = _parser().parse_args(arguments)
    try:
        origin = origin_of(options.source, options.release)
        if options.command == "build":
            build(options.folder, origin)
            return 0
        _serve(origin, options.port)
    except (BuildError, PortError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stdout.write("\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m start", description=__doc__)
    parser.set_defaults(command="serve")
    parser.add_argument(
        "--source", help="the template's address for Copier; by default the remote `origin`"
    )
    parser.add_argument("--release", help="its release; by default the current commit")
    parser.add_argument("--port", type=int, default=8320, help="where to serve (8320)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    written = commands.add_parser("build", help="write the page for a static host")
    written.add_argument("folder", type=Path, metavar="DIR")
    return parser


def _serve(origin: Origin, port: int) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="start-page-") as name,
        serving(Path(name), port) as url,
    ):
        build(Path(name), origin)
        sys.stdout.write(f"The start page is on {url}; press Control-C to stop.\n")
        sys.stdout.flush()
        webbrowser.open(url)
        threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
