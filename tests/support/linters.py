"""The tools that check files, each of an exact version and in an environment of its own."""

import shlex
from pathlib import Path

import uv

from tests.support.delivery import ran

__all__ = ["check", "isolated"]


def check(*command: str, folder: Path | None = None) -> None:
    """Run a tool, which must find nothing."""
    result = ran(*command, folder=folder)
    assert result.returncode == 0, f"{shlex.join(command)[:200]}\n{result.stdout[-6000:]}"


def isolated(tool: str, package: str) -> tuple[str, ...]:
    """Return the beginning of a command that runs a tool in an environment of its own."""
    return (uv.find_uv_bin(), "tool", "run", "--quiet", "--from", package, tool)
