"""A safety release, such as 0.4.1, is small enough to cause no conflict in any project."""

from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from extensions.maintenance.releases import Release, releases
from tests.support import edits
from tests.support.edits import CLASHES, DELETIONS, EXAMPLE_EDITS, KEPT_EDITS, Edit
from tests.support.history import NOW, History, lines_added, released
from tests.support.projects import BLOCKS, PEOPLE, QUESTIONNAIRE

RELEASES = released()
SAFETY = [entry for entry in releases() if entry.number[-1]]
DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)
EVERYTHING: Answers = DEFAULTS | {
    question.name: True if question.type == "bool" else question.values[-1]
    for question in QUESTIONNAIRE.questions
    if question.name in BLOCKS
}
EDITS: tuple[Edit, ...] = (
    *KEPT_EDITS,
    edits.own_table,
    *EXAMPLE_EDITS,
    *DELETIONS,
    *(edit for edit, _ in CLASHES),
    edits.moved_module,
    edits.renamed_example,
)


def target(safe: Release) -> str:
    """Return a safety release's name among the real ones; the newest may be unreleased."""
    return safe.tag if safe in RELEASES else NOW


def before(safe: Release) -> Release:
    """Return the release that a safety release fixes."""
    return next(entry for entry in RELEASES if entry.number < safe.number)


@pytest.mark.parametrize("safe", SAFETY, ids=lambda safe: safe.version)
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_safety_release_conflicts_with_no_edit(
    real_history: History, tmp_path: Path, safe: Release, edit: Edit
) -> None:
    project = real_history.copy(tmp_path / "my-app", EVERYTHING, before(safe).tag)
    project.edit(edit)
    mine = lines_added(project)

    project.update(target(safe))

    assert not project.conflicts()
    for name, lines in mine.items():
        assert lines <= {*project.read(name).splitlines()}


@pytest.mark.parametrize(
    ("earlier", "safe"),
    [
        pytest.param(earlier, safe, id=f"{earlier.version}-{safe.version}")
        for safe in SAFETY
        for earlier in RELEASES
        if earlier.number < safe.number
    ],
)
def test_safety_release_adds_no_conflict_to_a_jump(
    real_history: History, tmp_path: Path, earlier: Release, safe: Release
) -> None:
    project = real_history.copy(tmp_path / "my-app", DEFAULTS, earlier.tag)
    project.edit(*KEPT_EDITS)
    project.update(before(safe).tag)
    expected = project.conflicts()
    project.give_up()

    project.update(target(safe))

    assert project.conflicts() == expected
