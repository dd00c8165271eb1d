"""Run by the interpreter of a project: each of its test files in a process of its own.

The processes are forked from one that has imported what all files need, which spares most of their
start. Arguments: the files. Names on standard output those that fail, after what they wrote.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path

import pytest

IMPORTED_EARLY = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"


def fails(file: str) -> bool:
    """Run one file, and repeat its output if a test of it fails."""
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
