"""The linters, each pinned and in its own environment."""

import shlex
from pathlib import Path

import uv

from tests.support.delivery import ran

__all__ = ["check", "isolated"]


def check(*command: str, folder: Path | None = None) -> None:
    """Run a tool, and fail if it reports anything."""
    result = ran(*command, folder=folder)
    assert result.returncode == 0, f"{shlex.join(command)[:200]}\n{result.stdout[-6000:]}"


def isolated(tool: str, package: str) -> tuple[str, ...]:
    """Return a command prefix that runs a tool in its own environment."""
    return (uv.find_uv_bin(), "tool", "run", "--quiet", "--from", package, tool)
