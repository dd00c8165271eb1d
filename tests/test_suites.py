"""Every combination's own tests, in an environment made exactly from its own `pyproject.toml`."""

from dataclasses import replace

import pytest

from extensions.questionnaire import Answers
from tests.projects import (
    Workshop,
    combinations,
    covering,
    name_of,
    runnable,
)
from tests.suite_servers import SuiteServers

COMBINATIONS = [runnable(answers) for answers in combinations()]
QUICK = covering(1, COMBINATIONS)
"""Those of the two-minute loop, which also start their servers themselves, as a user's do."""

WITH_PROCESSES = covering(2, COMBINATIONS)
"""Those that also start real server processes; with --every all of them do."""


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(each, id=name_of(each), marks=[pytest.mark.quick] if each in QUICK else [])
        for each in COMBINATIONS
    ],
)
def test_every_combination_passes_its_own_tests(
    workshop: Workshop, servers: SuiteServers, answers: Answers, request: pytest.FixtureRequest
) -> None:
    has_e2e = answers in WITH_PROCESSES or request.config.getoption("--every")
    selection = () if has_e2e else ("-m", "not e2e")
    variables = {} if answers in QUICK else servers.variables
    here = replace(workshop, environment=workshop.environment | variables)
    project = here.make(answers)
    here.run(project, "lint-imports", "--no-logo")
    here.run(project, "pytest", "-q", "-p", "no:cacheprovider", *selection)
    servers.check_empty()
