"""Projects of every past release update to the working tree."""

import itertools
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from extensions.contract.questionnaire import ALONGSIDE, ROOT, Answer, Answers
from extensions.maintenance.command_line import main
from extensions.maintenance.difference import difference as difference_of
from extensions.maintenance.releases import Release, releases
from tests.support import edits
from tests.support.edits import (
    CLASHES,
    DELETIONS,
    EXAMPLE_EDITS,
    KEPT_EDITS,
    LAST_JOB,
    MAY_CLASH,
    Edit,
)
from tests.support.history import (
    ANSWERS_FILE,
    LISTED,
    NOW,
    History,
    Project,
    assert_whole_clone,
    commit_of,
    difference,
    git,
    lines_added,
    released,
    run_copier,
)
from tests.support.previews import Foreseen
from tests.support.projects import PEOPLE, QUESTIONNAIRE, combinations, covering, name_of
from tests.support.workflows import Runner, recorder

RELEASES = released()
DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)
ALWAYS_ASKED = (*ALONGSIDE, "example")
TABLES = "src/my_app/database/tables.py"
"""Where an owner's table followed the items', which moved to `database/items.py`."""

POOL = [*combinations(), *QUESTIONNAIRE.combinations(over=ALWAYS_ASKED, fixed=PEOPLE)]


def known_to(release: Release) -> list[Answers]:
    """Return the combinations that a release supports; other questions have their defaults."""
    asked = questions_of(release)
    values = {name: _values(asked[name]) if name in asked else (DEFAULTS[name],) for name in LISTED}
    return [each for each in POOL if all(each[name] in values[name] for name in LISTED)]


def questions_of(release: Release) -> dict[str, dict[str, Any]]:
    """Return the questions of a release, and its settings."""
    return _questionnaire(commit_of(release))


@cache
def _questionnaire(commit: str) -> dict[str, dict[str, Any]]:
    content = yaml.safe_load(git(ROOT, "show", f"{commit}:copier.yml"))
    return cast("dict[str, dict[str, Any]]", content)


def _values(question: dict[str, Any]) -> tuple[Answer, ...]:
    return (True, False) if question["type"] == "bool" else tuple(question.get("choices", ()))


def given_to(release: Release, answers: Answers) -> Answers:
    """Leave out answers that a release does not ask for."""
    asked = questions_of(release)
    return {name: answer for name, answer in answers.items() if name in asked}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize by every release with pairs of answers, or with all under --every."""
    if "answers" not in metafunc.fixturenames:
        return
    assert_whole_clone()
    is_every = metafunc.config.getoption("--every")
    strength = 1 if "edits" in metafunc.definition.name else 2
    cases = [
        pytest.param(release, answers, id=f"{release.version}-{name_of(answers)}")
        for release in RELEASES
        for known in [known_to(release)]
        for answers in (known if is_every else covering(strength, known))
    ]
    metafunc.parametrize(("release", "answers"), cases)


def test_update_from_a_release_equals_a_fresh_copy(
    real_history: History, tmp_path: Path, release: Release, answers: Answers
) -> None:
    project = real_history.copy(tmp_path / "my-app", given_to(release, answers), release.tag)
    before = yaml.safe_load(project.read(ANSWERS_FILE))
    assert main(["validate", str(project.path / ANSWERS_FILE)]) == 0

    project.update()

    assert not difference(project.path, real_history.fresh(answers, NOW))
    assert not project.conflicts()
    assert removed(project) <= announced(release), "Name it under `removed` in releases.toml."
    after = yaml.safe_load(project.read(ANSWERS_FILE))
    assert {name: after[name] for name in before} == before | {"_commit": after["_commit"]}
    asked = QUESTIONNAIRE.asked(answers)
    assert {name: after[name] for name in LISTED if name in asked} == {
        name: asked[name] for name in LISTED if name in asked
    }


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_update_from_a_release_changes_what_the_difference_says(
    real_history: History, tmp_path: Path, release: Release
) -> None:
    answers = given_to(release, known_to(release)[0])
    project = real_history.copy(tmp_path / "my-app", answers, release.tag)
    before = project.without()
    said = difference_of(release.version, answers=answers).comparison

    project.update()

    after = project.without()
    moved = {name for each in said.moved for name in (each.name, each.new)}
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    assert {as_announced(name) for name in gone | new} - moved == {
        each.name for each in (*said.gone, *said.new)
    }
    assert {as_announced(name) for name in changed} == {each.name for each in said.changed}


def test_plain_command_line_updates_from_the_newest_release(
    real_history: History, tmp_path: Path
) -> None:
    """Caches no part of Copier's work."""
    project = real_history.copy(tmp_path / "my-app", DEFAULTS, RELEASES[0].tag)

    updated = run_copier("update", "--defaults", folder=project.path)

    assert updated.returncode == 0, updated.stderr
    assert not difference(project.path, real_history.fresh(DEFAULTS, NOW))


def removed(project: Project) -> set[str]:
    """Return the files that an update deleted, as named in the changelog."""
    deleted = project.git("ls-files", "--deleted").splitlines()
    return {as_announced(name) for name in deleted}


def as_announced(name: str) -> str:
    """Return a file's name in the notation of the changelog."""
    return name.replace("src/my_app/", "src/<package>/")


def announced(release: Release) -> set[str]:
    """Return the deletions that later releases announce."""
    later = (entry for entry in releases() if entry.number > release.number)
    return {name for entry in later for name in (*entry.removed, *entry.moved)}


def test_update_from_a_release_keeps_edits(
    real_history: History, tmp_path: Path, release: Release, answers: Answers
) -> None:
    project = real_history.copy(tmp_path / "my-app", given_to(release, answers), release.tag)
    has_database = answers["database"] != "none"
    project.edit(*KEPT_EDITS, *[edits.own_table] * has_database)
    mine = lines_added(project)
    foreseen = Foreseen(project)

    project.update()

    foreseen.assert_true()
    _assert_kept(project, mine)
    may_clash = {*MAY_CLASH, *[TABLES] * has_database, *[LAST_JOB] * (release.number < (0, 5))}
    assert {*project.conflicts()} <= may_clash
    fresh = real_history.fresh(answers, NOW)
    assert {*Project(fresh, fresh).without()} <= {*project.without()}


OTHER_EDITS: tuple[Edit, ...] = (
    *EXAMPLE_EDITS,
    *DELETIONS,
    *(edit for edit, _ in CLASHES),
    edits.moved_module,
    edits.renamed_example,
)


@pytest.mark.parametrize("edit", OTHER_EDITS, ids=lambda edit: edit.__name__)
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_update_from_a_release_loses_no_other_edits(
    real_history: History, tmp_path: Path, release: Release, edit: Edit
) -> None:
    project = real_history.copy(tmp_path / "my-app", given_to(release, DEFAULTS), release.tag)
    before = set(project.without())
    project.edit(edit)
    mine, gone = lines_added(project), before - set(project.without())
    foreseen = Foreseen(project)

    project.update()

    foreseen.assert_true()
    gone_with = announced(release)
    _assert_kept(
        project, {name: mine[name] for name in mine if as_announced(name) not in gone_with}
    )
    assert {*project.conflicts()} <= {*mine}
    assert not gone & set(project.without()), "a deleted file came back"


def _assert_kept(project: Project, mine: dict[str, set[str]]) -> None:
    for name, lines in mine.items():
        lost = lines - {*project.read(name).splitlines()}
        assert not lost, f"{name} lost {lost}"


# ----------------------------------------------------------------------------------- the record


def test_releases_are_listed_newest_first() -> None:
    listed = releases()

    for newer, older in itertools.pairwise(listed):
        assert newer.number > older.number
        assert newer.date >= older.date


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_release_is_part_of_the_history(release: Release) -> None:
    commit = commit_of(release)

    assert commit in git(ROOT, "rev-list", "HEAD").split(), f"{commit} was rewritten"
    tagged = git(ROOT, "tag", "--list", release.tag, "--format=%(objectname) %(*objectname)")
    assert not tagged or commit in tagged.split()


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_release_asks_for_no_trust(release: Release) -> None:
    unsafe = {"_tasks", "_migrations", "_jinja_extensions", "_external_data"}

    assert not unsafe & set(questions_of(release))


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.version)
def test_questions_since_a_release_change_no_project(release: Release) -> None:
    """Questions that a release did not ask add nothing, and no choice disappears."""
    asked = questions_of(release)
    for question in QUESTIONNAIRE.questions:
        if question.name in asked:
            assert set(_values(asked[question.name])) <= set(question.values)
        elif question.name in QUESTIONNAIRE.blocks:
            assert question.default in {False, "none"}, f"{question.name} is on by default."


# ---------------------------------------------------------------------------- the next release


@pytest.fixture
def checkout(real_history: History, tmp_path: Path) -> Path:
    """A clone without tags that has an entry for the next release."""
    git(tmp_path, "clone", "--quiet", "--no-tags", str(real_history.repository), "checkout")
    for name in ("releases.toml", "README.md", ".github"):
        git(tmp_path / "checkout", "rm", "-r", "--quiet", "--ignore-unmatch", name)
    shutil.copytree(ROOT / ".github", tmp_path / "checkout/.github")
    entry = '[[releases]]\nversion = "9.0.0"\ndate = 2030-01-01\nnotes = ["Nine."]\n\n'
    text = (ROOT / "releases.toml").read_text().replace("[[releases]]", f"{entry}[[releases]]", 1)
    (tmp_path / "checkout/releases.toml").write_text(text)
    git(tmp_path / "checkout", "add", "--all")
    git(tmp_path / "checkout", "commit", "--quiet", "--message=feat: nine")
    return tmp_path / "checkout"


@pytest.fixture
def release_runner(checkout: Path, tmp_path: Path) -> Runner:
    """Run the release workflow, with GitHub and git-cliff recorded only."""
    tools = tmp_path / "tools"
    tools.mkdir()
    recorder(tools, "gh")
    recorder(tools, "uvx", "echo '### New'")
    recorder(tools, "uv", f'shift 2 && exec "{sys.executable}" "$@"')
    variables = {**os.environ, "GITHUB_REPOSITORY": "ada/template", "PYTHONPATH": "."}
    return Runner(checkout, tools, variables, {"github.token": "token"})


WORKFLOW = Path(".github/workflows/release.yml")


def test_release_creates_every_tag_and_publishes_the_newest(
    checkout: Path, release_runner: Runner
) -> None:
    release_runner.run(checkout / WORKFLOW, "release")

    commits = [commit_of(entry) for entry in reversed(RELEASES)]
    unreleased = len(releases(checkout)) - len(RELEASES)
    commits += [git(checkout, "rev-parse", "HEAD").strip()] * unreleased
    made = [call.partition("sha=")[2] for call in release_runner.calls if "git/refs" in call]
    assert made == commits
    assert release_runner.calls[-1].startswith("gh release create v9.0.0 --verify-tag")
    notes = (checkout / "notes.md").read_text()
    assert "- Nine." in notes
    assert notes.endswith("### New\n")


def test_release_without_new_tag_is_refused(checkout: Path, release_runner: Runner) -> None:
    release_runner.run(checkout / WORKFLOW, "release")
    published = len(release_runner.calls)
    release_runner.values["steps.tags.outputs.tag"] = ""

    with pytest.raises(subprocess.CalledProcessError):
        release_runner.run(checkout / WORKFLOW, "release")

    assert "Every release already has its tag" in release_runner.printed
    assert "gh" not in "".join(release_runner.calls[published:])
