"""Every combination's own tests, in an environment made exactly from its own `pyproject.toml`."""

import pytest

from extensions.questionnaire import Answers
from tests.projects import Workshop, combinations, command_of, covering, name_of, runnable

COMBINATIONS = [runnable(answers) for answers in combinations()]
QUICK = covering(1, COMBINATIONS)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(each, id=name_of(each), marks=[pytest.mark.quick] if each in QUICK else [])
        for each in COMBINATIONS
    ],
)
def test_every_combination_passes_its_own_tests(workshop: Workshop, answers: Answers) -> None:
    project = workshop.make(answers)
    try:
        workshop.run(project, "lint-imports", "--no-logo")
        workshop.run(project, "pytest", "-q", "-p", "no:cacheprovider")
    except AssertionError as error:
        error.add_note(f"To see it: {command_of(answers)}")
        raise
