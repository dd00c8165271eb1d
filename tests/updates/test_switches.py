"""Switches: every listed question answered differently in an existing project, and back.

The questions are read from `copier.yml`, so new ones are tested automatically.
"""

from pathlib import Path

import pytest
import yaml

from extensions.contract.questionnaire import Answer, Answers, InvalidAnswersError
from tests.support import edits
from tests.support.edits import KEPT_EDITS, MAY_CLASH
from tests.support.history import (
    ANSWERS_FILE,
    LISTED,
    MARKERS,
    PRESENT,
    History,
    Project,
    difference,
    given_of,
    lines_added,
    run_copier,
)
from tests.support.projection import project as project_one
from tests.support.projection import sources
from tests.support.projects import PEOPLE, QUESTIONNAIRE, SWITCHES, combinations, covering, name_of

STARTS = covering(1)
CROSSED_STARTS = covering(2)
DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)


def switched(answers: Answers, name: str, value: Answer) -> Answers | None:
    """Return the answers with one changed, or None if it contradicts the others."""
    try:
        return QUESTIONNAIRE.complete({**given_of(answers), name: value})
    except InvalidAnswersError:
        return None


def round_trip(answers: Answers, name: str) -> list[Answers]:
    """Return the answers after each step through all values of a question, ending at the start."""
    values = QUESTIONNAIRE.question(name).values
    here = values.index(answers[name])
    ways = (switched(answers, name, value) for value in (*values[here + 1 :], *values[: here + 1]))
    return [way for way in ways if way]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize by every crossing of two questions' answers, or by all combinations."""
    if "crossed_start" in metafunc.fixturenames:
        starts = combinations() if metafunc.config.getoption("--every") else CROSSED_STARTS
        metafunc.parametrize("crossed_start", starts, ids=name_of)


def test_each_switched_block_equals_a_fresh_copy(
    history: History, tmp_path: Path, crossed_start: Answers
) -> None:
    project = history.copy(tmp_path / "my-app", crossed_start, PRESENT)

    for name in SWITCHES:
        for answers in round_trip(crossed_start, name)[:-1]:
            project.update(data={name: answers[name]})
            assert tree_of(project) == projected(answers), f"{name}: {answers[name]}"
            project.give_up()


def tree_of(project: Project) -> dict[str, str]:
    """Return the project's files, with the answers but not their source."""
    stored = yaml.safe_load(project.read(ANSWERS_FILE))
    return project.without() | {name: str(stored[name]) for name in stored if name in LISTED}


def projected(answers: Answers) -> dict[str, str]:
    """Return the files of a fresh copy, which `test_rendering.py` compares with Copier's."""
    files = filter(None, (project_one(source, answers) for source in sources()))
    asked = QUESTIONNAIRE.asked(answers)
    return dict(files) | {name: str(asked[name]) for name in LISTED if name in asked}


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("start", STARTS, ids=name_of)
def test_switches_there_and_back_restore_the_project(
    history: History, tmp_path: Path, start: Answers, name: str
) -> None:
    project = history.copy(tmp_path / "my-app", start, PRESENT)
    begun = project.git("rev-parse", "HEAD^{tree}")

    for answers in round_trip(start, name):
        project.update(data={name: answers[name]})
        project.commit()
        assert not difference(project.path, history.fresh(answers)), answers[name]

    assert project.git("rev-parse", "HEAD^{tree}") == begun


def test_many_switches_at_once_restore_the_project(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", STARTS[0], PRESENT)

    for answers in (*STARTS[1:], STARTS[0]):
        project.update(data={name: answers[name] for name in LISTED})
        project.commit()
        assert not difference(project.path, history.fresh(answers))


def test_switch_and_release_in_one_update(history: History, tmp_path: Path) -> None:
    """Uses the plain command line, which caches no part of Copier's work."""
    project = history.copy(tmp_path / "my-app", STARTS[0])
    given = [f"--data={name}={STARTS[-1][name]}" for name in LISTED]

    updated = run_copier("update", "--defaults", *given, folder=project.path)

    assert updated.returncode == 0, updated.stderr
    assert not difference(project.path, history.fresh(STARTS[-1]))


# ---------------------------------------------------------------------------------------- edits


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("start", [DEFAULTS, *STARTS], ids=name_of)
def test_switch_keeps_edits_and_files(
    history: History, tmp_path: Path, start: Answers, name: str
) -> None:
    project = history.copy(tmp_path / "my-app", start, PRESENT)
    project.edit(*KEPT_EDITS)
    mine = lines_added(project)
    resolved: set[str] = set()
    for answers in round_trip(start, name):
        project.update(data={name: answers[name]})
        wanted = history.edited(answers, KEPT_EDITS)
        clashes = project.conflicts()
        resolved.update(clashes)
        assert resolved <= MAY_CLASH
        assert_kept(project, mine)
        assert _lines(project, resolved) == _lines(wanted, resolved)
        _keep_both(project, clashes)
        project.commit()


def assert_kept(project: Project, mine: dict[str, set[str]]) -> None:
    for name, lines in mine.items():
        assert lines <= {*project.read(name).splitlines()}, name


def _lines(project: Project, left_out: set[str]) -> dict[str, list[str]]:
    """Return the lines of each file without order, since merges may reorder lists."""
    files = project.without(*left_out)
    return {name: sorted(filter(None, text.splitlines())) for name, text in files.items()}


def _keep_both(project: Project, names: list[str]) -> None:
    """Resolve conflicts by keeping both sides."""
    for name in names:
        lines = project.read(name).splitlines(keepends=True)
        project.write(name, "".join(line for line in lines if line.strip() not in MARKERS))


@pytest.mark.parametrize("name", [name for name in SWITCHES if name != "database"])
def test_switch_keeps_own_table_and_revision(history: History, tmp_path: Path, name: str) -> None:
    start = DEFAULTS | {"database": "sqlite"}
    project = history.copy(tmp_path / "my-app", start, PRESENT)
    project.edit(edits.own_table)
    mine = lines_added(project)

    for answers in round_trip(start, name):
        project.update(data={name: answers[name]})
        clashes = project.conflicts()
        assert {*clashes} <= {"src/my_app/database/tables.py"}
        assert_kept(project, mine)
        _keep_both(project, clashes)
        project.commit()


def test_database_switched_off_keeps_revision_and_git_history(
    history: History, tmp_path: Path
) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS | {"database": "sqlite"}, PRESENT)
    project.edit(edits.own_table)
    revision = "src/my_app/database/migrations/versions/abc_add_the_orders.py"

    project.update(data={"database": "none"})

    assert "Add the orders" in project.read(revision)
    assert " D src/my_app/database/tables.py" in project.changes()
    assert "OrderRow" in project.git("show", "HEAD:src/my_app/database/tables.py")


def test_example_switched_off_keeps_its_edits_in_git(history: History, tmp_path: Path) -> None:
    """Copier deletes edited files that it no longer renders, so the guide says to commit first."""
    project = history.copy(tmp_path / "my-app", DEFAULTS, PRESENT)
    project.edit(edits.changed_example)
    mine = lines_added(project)

    project.update(data={"example": False})

    for name, lines in mine.items():
        assert f" D {name}" in project.changes()
        assert lines <= {*project.git("show", f"HEAD:{name}").splitlines()}


def test_example_switched_off_keeps_renamed_files(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS, PRESENT)
    project.edit(edits.renamed_example)
    mine = {name: text for name, text in project.without().items() if "articles" in name}

    project.update(data={"example": False})

    assert mine == {name: project.read(name) for name in mine}


@pytest.mark.parametrize("name", SWITCHES)
def test_switch_marks_existing_files_as_conflicts(
    history: History, tmp_path: Path, name: str
) -> None:
    less, more = _fewest_and_most_files(history, name)
    project = history.copy(tmp_path / "my-app", less, PRESENT)
    added = _added(history, less, more)
    for path in added:
        project.write(path, f"Mine: {path}\n")
    project.commit()

    project.update(data={name: more[name]})

    assert project.conflicts() == [*added]
    for path, theirs in added.items():
        lines = project.read(path).splitlines()
        assert f"Mine: {path}" in lines
        assert {*theirs.splitlines()} <= {*lines}


def _fewest_and_most_files(history: History, name: str) -> tuple[Answers, Answers]:
    ways = round_trip(DEFAULTS, name)
    ways.sort(key=lambda answers: len([*history.fresh(answers).rglob("*")]))
    return ways[0], ways[-1]


def _added(history: History, less: Answers, more: Answers) -> dict[str, str]:
    """Return the files that only the larger answers add, by path; empty files cannot conflict."""
    old, new = (Project(path, path).without() for path in map(history.fresh, (less, more)))
    return {path: text for path, text in sorted(new.items()) if text and path not in old}
