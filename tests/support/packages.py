"""First step of every run: every package of every combination is put into uv's cache.

Afterwards, projects are locked and synced without the registry, ten times as fast.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import uv
from filelock import FileLock

from extensions.contract.questionnaire import ROOT
from extensions.contract.tables import rows
from tests.support.projects import python_of, pythons_here

__all__ = ["MADE", "all_packages", "sync_packages"]

MADE = "PACKAGES_OF_ALL_COMBINATIONS"
"""The variable with the folder for nested runs, which then reuse it."""

PROJECT = """\
[project]
name = "packages"
version = "0"
requires-python = ">={version}"
dependencies = {requirements}
"""


def all_packages(shared: Path, variables: Mapping[str, str]) -> Path:
    """Sync the packages of all combinations, once per run and Python of this machine.

    Args:
        shared: The folder shared by the workers of this run.
        variables: The environment for uv.

    Returns:
        The folder of the environments, `python-3.13` and so on.

    Raises:
        AssertionError: If the packages are unavailable; every worker gets the same message.
    """
    if made := variables.get(MADE):
        return Path(made)
    folder = shared / "packages"
    failure = folder / "failure.txt"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            folder.mkdir()
            failure.write_text(_sync_all(folder, variables))
    assert not failure.read_text(), failure.read_text()
    return folder


def _sync_all(folder: Path, variables: Mapping[str, str]) -> str:
    """Return the reason for a failure, or an empty string."""
    wanted = {row.cells[1] for row in rows("packages", ROOT)}
    try:
        for version in pythons_here():
            sync_packages(wanted, version, folder / f"python-{version}", variables)
    except AssertionError as error:
        return f"The packages of all combinations are unavailable: {error}"
    return ""


def sync_packages(
    requirements: Iterable[str], version: str, environment: Path, variables: Mapping[str, str]
) -> None:
    """Lock some packages, and build an environment with them.

    Args:
        requirements: The packages.
        version: The Python version, which is also the lower bound of the lock, since the files
            in uv's cache depend on it.
        environment: The environment's folder.
        variables: The environment for uv.

    Raises:
        AssertionError: If uv fails, with uv's message.
    """
    project = environment.with_suffix(f"{environment.suffix}.project")
    project.mkdir()
    text = PROJECT.format(version=version, requirements=json.dumps(sorted(requirements)))
    (project / "pyproject.toml").write_text(text)
    result = subprocess.run(
        [uv.find_uv_bin(), "sync", "--quiet", "--python", str(python_of(version))],
        cwd=project,
        env={**variables, "UV_PROJECT_ENVIRONMENT": str(environment)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"Python {version}:\n{result.stdout}"
