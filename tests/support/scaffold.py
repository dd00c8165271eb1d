"""Resources written by a project's `scaffold/resource`, and put into use as its message says."""

import subprocess
import sys
from pathlib import Path

from copier import run_copy

__all__ = ["PACKAGE", "put_into_use", "scaffold"]

PACKAGE = "src/my_app"
FASTAPI = "from fastapi import FastAPI\n"


def scaffold(project: Path, **answers: str | bool) -> set[str]:
    """Write a resource without trust, as `uvx copier copy scaffold/resource .` does.

    Returns:
        The new files, relative to the project.
    """
    before = _files(project)
    template = project / "scaffold" / "resource"
    run_copy(str(template), project, data=answers, defaults=True, quiet=True, unsafe=False)
    return _files(project) - before


def put_into_use(project: Path, *plurals: str) -> None:
    """Include routers in `routers/resources.py`, and format the new files."""
    resources = project / PACKAGE / "routers/resources.py"
    text = resources.read_text()
    for plural in plurals:
        text = text.replace(FASTAPI, f"{FASTAPI}from my_app.routers import {plural}\n")
        text += f"    app.include_router({plural}.create_router())\n"
    resources.write_text(text)
    for command in (["check", "--quiet", "--fix"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "src", "tests"]
        subprocess.run(ruff, cwd=project, check=True)


def _files(project: Path) -> set[str]:
    folders = (project / "src", project / "tests")
    return {str(path.relative_to(project)) for each in folders for path in each.rglob("*.py")}
