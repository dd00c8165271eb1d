"""The tests of projects take what they say: combinations that meet, and suites that run whole."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.questionnaire import ALONGSIDE
from tests.packages import all_packages
from tests.projection import FOLDER, project, sources, versions
from tests.projects import (
    BLOCKS,
    PEOPLE,
    QUESTIONNAIRE,
    Workshop,
    clean_environment,
    combinations,
    render,
    runnable,
)
from tests.suite_servers import suite_servers

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


FULL = PEOPLE | {"database": "sqlite", "auth": "jwt", "cache": True, "rate_limit": True}


def test_workshop_next_project_keeps_nothing_of_the_last(
    workshop: Workshop, tmp_path: Path
) -> None:
    last = workshop.make(FULL)
    workshop.run(last, "python", "-c", "import redis, tempfile; tempfile.mkdtemp()")
    (last / "src" / "my_app" / "own.py").touch()

    project = workshop.make(PEOPLE)

    fresh = render(workshop.template, tmp_path / "my-app", runnable(PEOPLE))
    assert files_of(project) == files_of(fresh) | {Path("uv.lock")}
    assert not [*workshop.temporary.iterdir()]
    with pytest.raises(AssertionError, match="No module named 'redis'"):
        workshop.run(project, "python", "-c", "import redis")


def files_of(project: Path) -> set[Path]:
    return {path.relative_to(project) for path in project.rglob("*") if path.is_file()}


def test_workshop_lock_is_shared_only_where_it_fits(workshop: Workshop) -> None:
    first = (workshop.make(PEOPLE) / "uv.lock").read_text()
    other = (workshop.make(PEOPLE | {"rate_limit": True}) / "uv.lock").read_text()
    again = (workshop.make(PEOPLE | {"project_description": "Other."}) / "uv.lock").read_text()

    assert first == again != other


def test_packages_out_of_reach_fail_every_worker(tmp_path: Path) -> None:
    nothing = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}

    for _worker in range(2):
        with pytest.raises(
            AssertionError, match="The packages of all combinations are out of reach"
        ):
            all_packages(tmp_path, clean_environment() | nothing)


def test_suite_servers_notice_a_database_left_behind(packages: Path) -> None:
    assert packages.is_dir()
    with suite_servers() as servers:
        servers.check_empty()
        servers.ask("CREATE DATABASE of_the_project_before")

        with pytest.raises(AssertionError, match="of_the_project_before"):
            servers.check_empty()


def test_missing_redis_is_told_of_and_fails_where_tools_are_required(workshop: Workshop) -> None:
    project = workshop.make(PEOPLE | {"cache": True})
    without = workshop.environment | {"PATH": "/nowhere", "TEST_REDIS_URL": ""}
    without.pop("REQUIRE_TOOLS", None)

    replace(workshop, environment=without).run(project, *TESTS_WITH_REDIS)

    required = replace(workshop, environment=without | {"REQUIRE_TOOLS": "1"})
    with pytest.raises(AssertionError, match=r"SKIPPED .* needs a Redis: set TEST_REDIS_URL"):
        required.run(project, *TESTS_WITH_REDIS)
