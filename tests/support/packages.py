"""Step one of every run: each package of each combination comes into uv's cache.

After it, projects are locked and synced without asking the registry, in a tenth of the time.
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
"""The variable that names the folder to a run within a run, which then need not make it again."""

PROJECT = """\
[project]
name = "packages"
version = "0"
requires-python = ">={version}"
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
    """Return why it failed, if it did."""
    wanted = {row.cells[1] for row in rows("packages", ROOT)}
    try:
        for version in pythons_here():
            sync_packages(wanted, version, folder / f"python-{version}", variables)
    except AssertionError as error:
        return f"The packages of all combinations are out of reach: {error}"
    return ""


def sync_packages(
    requirements: Iterable[str], version: str, environment: Path, variables: Mapping[str, str]
) -> None:
    """Lock some packages and make an environment of them.

    Args:
        requirements: What to install.
        version: The Python, which is the oldest that the lock is for, too: what uv's cache then
            holds of each package depends on it.
        environment: Where to make it.
        variables: The environment for uv.

    Raises:
        AssertionError: uv failed; the message is its own.
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
