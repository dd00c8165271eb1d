"""Script for a project's interpreter that runs each test file in a separate process.

The processes are forked from one that has imported the common modules, which saves most of their
startup. Arguments: the files. Prints the names of failed files, after their output.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

import pytest

IMPORTED_EARLY = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"


def fails(file: str) -> bool:
    """Run one file, and print its output if a test fails."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os._exit(pytest.main(["-q", "-p", "no:cacheprovider", "-W", IMPORTED_EARLY, file]))
        _, status = os.waitpid(child, 0)
        failed = os.waitstatus_to_exitcode(status) != pytest.ExitCode.OK
        if failed:
            output.seek(0)
            sys.stdout.write(f"{output.read()}\nalone it fails: {file}\n")
    return failed


if __name__ == "__main__":
    importlib.import_module(f"{next(Path('src').iterdir()).name}.main")
    sys.exit(len([file for file in sys.argv[1:] if fails(file)]))
