"""Step one of every run: each package of each combination comes into uv's cache.

After it, projects are locked and synced without asking the registry, in a tenth of the time.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import uv
from filelock import FileLock

from extensions.stack import rows
from tests.projects import python_of, pythons_here

__all__ = ["all_packages"]

PROJECT = """\
[project]
name = "every-package"
version = "0"
requires-python = ">={oldest}"
dependencies = {requirements}
"""


def all_packages(shared: Path, variables: Mapping[str, str]) -> Path:
    """Sync what any combination asks for, once a run, for each Python of this machine.

    Args:
        shared: The folder that the workers of this run share.
        variables: The environment for uv.

    Returns:
        The folder of the environments, `python-3.13` and so on.

    Raises:
        AssertionError: The packages cannot be had; every worker gets the same message.
    """
    folder = shared / "packages"
    failure = folder / "failure.txt"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            failure.write_text(_sync(folder, variables))
    assert not failure.read_text(), failure.read_text()
    return folder


def _sync(folder: Path, variables: Mapping[str, str]) -> str:
    """Return why it failed, if it did."""
    requirements = json.dumps(sorted({row.cells[1] for row in rows("packages")}))
    oldest = min(pythons_here(), key=lambda version: int(version.partition(".")[2]))
    text = PROJECT.format(oldest=oldest, requirements=requirements)
    (folder / "pyproject.toml").write_text(text)
    for version in pythons_here():
        environment = {"UV_PROJECT_ENVIRONMENT": str(folder / f"python-{version}")}
        result = subprocess.run(
            [uv.find_uv_bin(), "sync", "--quiet", "--python", str(python_of(version))],
            cwd=folder,
            env={**os.environ, **variables, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode:
            return f"The packages of all combinations, for Python {version}:\n{result.stdout}"
    return ""
