"""The tests of projects take what they say: combinations that meet, and suites that run whole."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.questionnaire import ALONGSIDE
from tests.delivery import requires
from tests.projection import FOLDER, project, sources, versions
from tests.projects import (
    BLOCKS,
    PEOPLE,
    QUESTIONNAIRE,
    Workshop,
    combinations,
    python_of,
    pythons_here,
)

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


def test_missing_python_fails_where_tools_are_required(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_TOOLS", "1")
    monkeypatch.setattr("tests.projects.pythons_here", lambda: ("3.13",))
    monkeypatch.setattr("tests.projects.python_of", dict[str, Path]().get)

    with pytest.raises(AssertionError, match=r"needs Python 3\.15"):
        workshop.make(PEOPLE | {"python_version": "3.15"})


def test_wrong_python_is_noticed(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    if len(pythons_here()) < 2:
        requires("a second Python")
    oldest, *_, newest = sorted(pythons_here())
    monkeypatch.setattr("tests.projects.python_of", {oldest: python_of(newest)}.get)

    with pytest.raises(AssertionError, match=f"{newest} in place of {oldest}"):
        workshop.make(PEOPLE | {"python_version": oldest})


@pytest.mark.quick
@pytest.mark.parametrize("version", QUESTIONNAIRE.question("python_version").values)
def test_python_of_each_answer_runs_its_projects(workshop: Workshop, version: str) -> None:
    if not python_of(version):
        requires(f"Python {version}")
    project = workshop.make(PEOPLE | {"python_version": version})

    check = f"import sys; assert '%d.%d' % sys.version_info[:2] == '{version}', sys.version"
    workshop.run(project, "python", "-c", check)
