"""The tests of projects take what they say: combinations that meet, and suites that run whole."""

import itertools
from dataclasses import replace

import pytest

from extensions.questionnaire import ALONGSIDE
from tests.projection import FOLDER, project, sources, versions
from tests.projects import BLOCKS, PEOPLE, QUESTIONNAIRE, Workshop, combinations

PAIRS = list(itertools.combinations((*BLOCKS, *ALONGSIDE), 2))
TESTS_WITH_REDIS = ("pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/integration/cache")


@pytest.mark.quick
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_combinations_hold_every_pair_of_answers(pair: tuple[str, str]) -> None:
    found = {tuple(answers[name] for name in pair) for answers in combinations()}

    possible = QUESTIONNAIRE.combinations(over=pair)
    assert {tuple(answers[name] for name in pair) for answers in possible} <= found


@pytest.mark.quick
def test_answers_laid_alongside_change_no_code() -> None:
    code = [
        source
        for source in sources()
        if source.is_relative_to(FOLDER / "src") or source.is_relative_to(FOLDER / "tests")
    ]

    for source in code:
        read = QUESTIONNAIRE.answers_read(source) - {*ALONGSIDE}
        crossed = QUESTIONNAIRE.combinations(over=read, fixed=PEOPLE)
        known = {project(source, answers) for answers in crossed}
        found = {(version.path, version.content) for version in versions(source)}
        assert found <= known, source


def test_missing_redis_is_told_of_and_fails_where_tools_are_required(workshop: Workshop) -> None:
    project = workshop.make(PEOPLE | {"cache": True})
    without = workshop.environment | {"PATH": "/nowhere", "TEST_REDIS_URL": ""}
    without.pop("REQUIRE_TOOLS", None)

    replace(workshop, environment=without).run(project, *TESTS_WITH_REDIS)

    required = replace(workshop, environment=without | {"REQUIRE_TOOLS": "1"})
    with pytest.raises(AssertionError, match=r"SKIPPED .* needs a Redis: set TEST_REDIS_URL"):
        required.run(project, *TESTS_WITH_REDIS)
