"""Selection of combinations, and the workshop that runs their suites."""

import itertools
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.contract import questionnaire as contract
from extensions.contract.crossing import combinations_of
from extensions.contract.questionnaire import ALONGSIDE, Answers, Question, Questionnaire
from tests.support.delivery import requires
from tests.support.packages import all_packages
from tests.support.projection import FOLDER, sources
from tests.support.projects import (
    PEOPLE,
    QUESTIONNAIRE,
    Workshop,
    clean_environment,
    combinations,
    python_of,
    pythons_here,
    render,
    runnable,
)
from tests.support.suite_servers import suite_servers

TESTS_WITH_REDIS = ("-rs", "tests/integration/cache")


JOBS = Question(
    name="own_jobs",
    type="bool",
    help="Run jobs in the background?",
    default=False,
    when="{{ database == 'postgresql' }}",
)


def with_questions(*added: Question) -> Questionnaire:
    """Return the questionnaire with additional questions."""
    questions = (*QUESTIONNAIRE.questions, *added)
    return Questionnaire(
        root=QUESTIONNAIRE.root, settings=QUESTIONNAIRE.settings, questions=questions
    )


def yes_or_no(*names: str) -> list[Question]:
    return [Question(name=name, type="bool", help="Add it?", default=False) for name in names]


def missing_crossings(questionnaire: Questionnaire, found: Sequence[Answers]) -> Iterator[str]:
    """Name each possible triple of blocks' answers, and each pair, that no combination has."""
    listed = [question.name for question in questionnaire.questions if question.values]
    triples = itertools.combinations(questionnaire.blocks, 3)
    for names in (*triples, *itertools.combinations(listed, 2)):
        occurring = {tuple(answers[name] for name in names) for answers in found}
        over = questionnaire.with_reasons(frozenset(names))
        possible = questionnaire.combinations(over=over, fixed=PEOPLE)
        for values in {tuple(answers[name] for name in names) for answers in possible} - occurring:
            yield ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


@pytest.mark.quick
def test_combinations_contain_every_triple_and_pair() -> None:
    missing = list(missing_crossings(QUESTIONNAIRE, combinations()))

    assert not missing, "\n".join(missing)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("crossing", "named"),
    [
        (
            {"database": "sqlite", "cache": True, "plugins": True},
            "database=sqlite, plugins=True, cache=True",
        ),
        ({"database": "sqlite", "license": "MIT"}, "license=MIT, database=sqlite"),
    ],
)
def test_missing_crossing_is_named(crossing: Answers, named: str) -> None:
    kept = [each for each in combinations() if not crossing.items() <= each.items()]

    missing = list(missing_crossings(QUESTIONNAIRE, kept))

    assert named in missing


@pytest.mark.quick
def test_conditional_block_is_crossed_where_asked() -> None:
    questionnaire = with_questions(JOBS)

    found = combinations_of(questionnaire, PEOPLE)

    asked = sum(answers["database"] == "postgresql" for answers in combinations())
    assert len(found) == len(combinations()) + asked
    assert not list(missing_crossings(questionnaire, found))


@pytest.mark.quick
def test_laid_across_blocks_add_few_combinations(monkeypatch: pytest.MonkeyPatch) -> None:
    laid = (*contract.LAID_ACROSS, "own_ids", JOBS.name)
    monkeypatch.setattr(contract, "LAID_ACROSS", laid)
    questionnaire = with_questions(JOBS, *yes_or_no("own_ids"))

    found = combinations_of(questionnaire, PEOPLE)

    assert len(found) < 1.25 * len(combinations())
    assert not list(missing_crossings(questionnaire, found))
    every = combinations_of(with_questions(JOBS, *yes_or_no("own_ids")), PEOPLE, is_every=True)
    monkeypatch.setattr(contract, "LAID_ACROSS", ())
    crossed = combinations_of(with_questions(JOBS, *yes_or_no("own_ids")), PEOPLE)
    assert len(every) == len(crossed) > 2 * len(found)


@pytest.mark.quick
def test_laid_across_blocks_add_missing_crossings(monkeypatch: pytest.MonkeyPatch) -> None:
    """With almost nothing crossed, triples require additional combinations."""
    monkeypatch.setattr(contract, "LAID_ACROSS", ("b", "c", "d", "e", "f"))
    questionnaire = Questionnaire(
        root=QUESTIONNAIRE.root,
        settings=QUESTIONNAIRE.settings,
        questions=tuple(yes_or_no("a", "b", "c", "d", "e", "f")),
    )

    found = combinations_of(questionnaire)

    assert not list(missing_crossings(questionnaire, found))
    assert 8 <= len(found) < 24
    assert len(combinations_of(questionnaire, is_every=True)) == 64


@pytest.mark.quick
def test_answers_laid_alongside_change_no_code() -> None:
    code = [
        source
        for source in sources()
        if source.is_relative_to(FOLDER / "src") or source.is_relative_to(FOLDER / "tests")
    ]

    assert [each for each in code if QUESTIONNAIRE.answers_read(each) & {*ALONGSIDE}] == []


FULL = PEOPLE | {"database": "sqlite", "auth": "jwt", "cache": True, "rate_limit": True}


def test_workshop_next_project_has_no_leftovers(workshop: Workshop, tmp_path: Path) -> None:
    last = workshop.make(FULL)
    workshop.run(last, "python", "-c", "import redis, tempfile; tempfile.mkdtemp()")
    (last / "src" / "my_app" / "own.py").touch()

    project = workshop.make(PEOPLE)

    fresh = render(workshop.template, tmp_path / "my-app", runnable(PEOPLE))
    assert files_of(project) == files_of(fresh) | {Path("uv.lock")}
    assert not [*workshop.temporary.iterdir()]
    with pytest.raises(AssertionError, match="No module named 'redis'"):
        workshop.run(project, "python", "-c", "import redis")


def test_workshop_bytecode_is_reused_for_same_content_only(
    workshop: Workshop, tmp_path: Path
) -> None:
    for word in ("first", "other"):  # of equal size
        template = tmp_path / word
        shutil.copytree(workshop.template, template)
        (module,) = template.glob("template/src/*/__init__.py.jinja")
        module.write_text(f"WORD = {word!r}\n")

        project = workshop.make(PEOPLE, template=template)

        check = f"import my_app; assert my_app.WORD == {word!r}"
        workshop.run(project, "python", "-c", check)


def files_of(project: Path) -> set[Path]:
    return {path.relative_to(project) for path in project.rglob("*") if path.is_file()}


def test_workshop_lock_is_shared_by_equal_dependencies(workshop: Workshop) -> None:
    first = (workshop.make(PEOPLE) / "uv.lock").read_text()
    other = (workshop.make(PEOPLE | {"rate_limit": True}) / "uv.lock").read_text()
    again = (workshop.make(PEOPLE | {"project_description": "Other."}) / "uv.lock").read_text()

    assert first == again != other


def test_packages_unavailable_fail_every_worker(tmp_path: Path) -> None:
    nothing = {"UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "cache")}

    for _worker in range(2):
        with pytest.raises(
            AssertionError, match="The packages of all combinations are unavailable"
        ):
            all_packages(tmp_path, clean_environment() | nothing)


def test_suite_servers_report_a_leftover_database(packages: Path) -> None:
    assert packages.is_dir()
    with suite_servers() as servers:
        servers.check_empty()
        servers.ask("CREATE DATABASE of_the_project_before")

        with pytest.raises(AssertionError, match="of_the_project_before"):
            servers.check_empty()


def test_missing_redis_skips_or_fails_if_tools_are_required(workshop: Workshop) -> None:
    project = workshop.make(PEOPLE | {"cache": True})
    without = workshop.environment | {"PATH": "/nowhere", "TEST_REDIS_URL": ""}
    without.pop("REQUIRE_TOOLS", None)

    replace(workshop, environment=without).test(project, *TESTS_WITH_REDIS)

    required = replace(workshop, environment=without | {"REQUIRE_TOOLS": "1"})
    with pytest.raises(AssertionError, match=r"SKIPPED .* needs a Redis: set TEST_REDIS_URL"):
        required.test(project, *TESTS_WITH_REDIS)


def test_missing_python_fails_if_tools_are_required(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_TOOLS", "1")
    monkeypatch.setattr("tests.support.projects.pythons_here", lambda: ("3.13",))
    monkeypatch.setattr("tests.support.projects.python_of", dict[str, Path]().get)

    with pytest.raises(AssertionError, match=r"needs Python 3\.15"):
        workshop.make(PEOPLE | {"python_version": "3.15"})


def test_wrong_python_is_reported(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    if len(pythons_here()) < 2:
        requires("a second Python")
    oldest, *_, newest = sorted(pythons_here())
    monkeypatch.setattr("tests.support.projects.python_of", {oldest: python_of(newest)}.get)

    with pytest.raises(AssertionError, match=f"{newest} instead of {oldest}"):
        workshop.make(PEOPLE | {"python_version": oldest})


@pytest.mark.quick
@pytest.mark.parametrize("version", QUESTIONNAIRE.question("python_version").values)
def test_python_of_each_answer_runs_its_projects(workshop: Workshop, version: str) -> None:
    if not python_of(version):
        requires(f"Python {version}")
    project = workshop.make(PEOPLE | {"python_version": version})

    check = f"import sys; assert '%d.%d' % sys.version_info[:2] == '{version}', sys.version"
    workshop.run(project, "python", "-c", check)
