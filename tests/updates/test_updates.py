"""Updates: changes that a project gets, edits that its owner keeps, and failures."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from copier.errors import UserMessageError

from extensions.contract.questionnaire import ROOT, Answers
from tests.support import edits
from tests.support.edits import CLASHES, DELETIONS, EXAMPLE_EDITS, KEPT_EDITS, Edit
from tests.support.history import (
    ANSWERS_FILE,
    DROPPED,
    LISTED,
    PAST,
    PRESENT,
    PREVIOUS,
    History,
    Project,
    difference,
    empty_folders,
    git,
    lines_added,
    run_copier,
    substitute,
)
from tests.support.projects import PEOPLE, QUESTIONNAIRE, covering, name_of

DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)
COMBINATIONS = covering(2)
NEXT = "v0.4.0"


@pytest.fixture
def project(history: History, tmp_path: Path) -> Project:
    """A project of the previous release, with the example."""
    return history.copy(tmp_path / "my-app", DEFAULTS)


@pytest.fixture
def own_history(history: History, tmp_path: Path) -> History:
    """The releases in a separate repository, which a test may change."""
    return history.fork(tmp_path)


# ---------------------------------------------------------------------------- without any edits


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(each, id=name_of(each), marks=[pytest.mark.quick] if index < 2 else [])
        for index, each in enumerate(COMBINATIONS)
    ],
)
def test_update_equals_a_fresh_copy(history: History, tmp_path: Path, answers: Answers) -> None:
    project = history.copy(tmp_path / "my-app", answers)

    project.update()

    assert not difference(project.path, history.fresh(answers))
    assert not project.conflicts()


@pytest.mark.parametrize("answers", COMBINATIONS, ids=name_of)
def test_git_keeps_every_folder_of_a_copy(history: History, answers: Answers) -> None:
    assert not empty_folders(history.fresh(answers))


def test_update_may_skip_a_release(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS, PAST)

    project.update()

    assert not difference(project.path, history.fresh(DEFAULTS))


def test_update_step_by_step_equals_one_jump(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS, PAST)

    for version in (PREVIOUS, PRESENT):
        project.update(version)
        project.commit()

    assert not difference(project.path, history.fresh(DEFAULTS))


@pytest.mark.quick
def test_update_at_the_same_release_changes_nothing(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS, PRESENT)

    project.update()

    assert project.changes() == []


def test_second_update_changes_nothing(project: Project) -> None:
    project.edit(*KEPT_EDITS)
    project.update()
    project.commit()

    project.update()

    assert project.changes() == []


def test_update_runs_nothing_of_the_template(own_history: History) -> None:
    for version in (PAST, PREVIOUS, PRESENT):
        questionnaire = git(own_history.repository, "show", f"{version}:copier.yml")
        for code in ("_tasks", "_migrations", "_jinja_extensions", "_external_data"):
            assert f"\n{code}:" not in questionnaire


# -------------------------------------------------------------------------------------- answers


def test_questions_of_a_new_release_change_no_old_project(
    own_history: History, tmp_path: Path
) -> None:
    """An answers file without the listed questions stays valid, and gains only those."""
    own_history.release("v0.1.1", _take_all_but_the_questions_of(PREVIOUS))
    project = own_history.copy(tmp_path / "my-app", DEFAULTS, "v0.1.1")
    assert not any(f"\n{name}:" in project.read(ANSWERS_FILE) for name in LISTED)

    project.update(PREVIOUS)

    assert project.changes() == [f" M {ANSWERS_FILE}"]
    asked = QUESTIONNAIRE.asked(DEFAULTS)
    assert all(f"\n{name}:" in project.read(ANSWERS_FILE) for name in LISTED if name in asked)


def _take_all_but_the_questions_of(version: str) -> Callable[[Path], None]:
    def take(root: Path) -> None:
        git(root, "rm", "-r", "--quiet", ".")
        git(root, "checkout", "--quiet", version, "--", ".")
        git(root, "checkout", "--quiet", PAST, "--", "copier.yml")

    return take


def test_renamed_question_keeps_its_answer(own_history: History, tmp_path: Path) -> None:
    project = own_history.copy(tmp_path / "my-app", DEFAULTS, PRESENT)
    own_history.release(NEXT, _rename_description)

    project.update()

    assert f"project_summary: {PEOPLE['project_description']}" in project.read(ANSWERS_FILE)
    assert project.changes() == [f" M {ANSWERS_FILE}"]


def _rename_description(root: Path) -> None:
    """Rename a question as the guide says: the old answer is the new question's default."""
    substitute(root / "copier.yml", r"project_description\b", "project_summary")
    substitute(
        root / "copier.yml",
        r"  default: (A web service .*)",
        r'''  default: "{{ project_description | default('\1') }}"''',
    )
    for path in (root / "template").rglob("*.jinja"):
        path.write_text(path.read_text().replace("project_description", "project_summary"))


@pytest.mark.quick
def test_package_name_is_kept_despite_data(project: Project) -> None:
    before = project.without()

    with pytest.raises(ValueError, match="The package cannot be renamed") as refusal:
        project.update(data={"package_name": "other"})

    assert_explained(str(refusal.value))
    assert project.without() == before
    assert project.changes() == []


def test_answers_survive_an_update_with_other_user_defaults(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = project.read(ANSWERS_FILE).splitlines()
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults: {user_name: Somebody, license: Proprietary, cache: true}\n")
    monkeypatch.setenv("COPIER_SETTINGS_PATH", str(settings))

    project.update()

    kept = [line for line in before if not line.startswith("_commit")]
    assert [line for line in project.read(ANSWERS_FILE).splitlines() if line in kept] == kept


# ---------------------------------------------------------------------------------------- edits


def _named(function: object) -> str:
    return getattr(function, "__name__", str(function))


@pytest.mark.parametrize("edit", [*KEPT_EDITS, *EXAMPLE_EDITS, *DELETIONS], ids=_named)
def test_edit_is_kept_and_merged(
    history: History, project: Project, tmp_path: Path, edit: Edit
) -> None:
    project.edit(edit)
    wanted = history.copy(tmp_path / "wanted" / "my-app", DEFAULTS, PRESENT)
    wanted.edit(edit)

    project.update()

    assert project.conflicts() == []
    assert not difference(project.path, wanted.path)


def test_own_table_and_revision_are_kept(history: History, tmp_path: Path) -> None:
    answers = DEFAULTS | {"database": "sqlite"}
    project = history.copy(tmp_path / "my-app", answers)
    project.edit(*KEPT_EDITS, edits.own_table)
    wanted = history.copy(tmp_path / "wanted" / "my-app", answers, PRESENT)
    wanted.edit(*KEPT_EDITS, edits.own_table)

    project.update()

    assert project.conflicts() == []
    assert not difference(project.path, wanted.path)


@pytest.mark.quick
def test_all_edits_together_are_kept_and_merged(
    history: History, project: Project, tmp_path: Path
) -> None:
    project.edit(*KEPT_EDITS)
    wanted = history.copy(tmp_path / "wanted" / "my-app", DEFAULTS, PRESENT)
    wanted.edit(*KEPT_EDITS)

    project.update()

    assert project.conflicts() == []
    assert not difference(project.path, wanted.path)


@pytest.mark.parametrize("answers", COMBINATIONS[1:], ids=name_of)
def test_edits_of_any_combination_are_kept(
    history: History, tmp_path: Path, answers: Answers
) -> None:
    project = history.copy(tmp_path / "my-app", answers)
    project.edit(*KEPT_EDITS)
    mine = lines_added(project)

    project.update()

    assert_kept(project, mine)


def assert_kept(project: Project, mine: dict[str, set[str]]) -> None:
    """Check that every added line is still in its file."""
    for name, lines in mine.items():
        lost = lines - {*project.read(name).splitlines()}
        assert not lost, f"{name} lost {lost}"


@pytest.mark.parametrize(("edit", "place"), CLASHES, ids=_named)
def test_edit_next_to_a_change_is_marked_without_loss(
    history: History, project: Project, edit: Edit, place: str
) -> None:
    project.edit(edit)
    mine = lines_added(project)
    before = project.without(place)

    project.update()

    assert project.conflicts() == [place]
    assert_kept(project, mine)
    ours = (history.fresh(DEFAULTS, PREVIOUS) / place).read_text().splitlines()
    theirs = (history.fresh(DEFAULTS) / place).read_text().splitlines()
    assert {*theirs} - {*ours} <= {*project.read(place).splitlines()}
    assert before != project.without(place)


def test_conflict_goes_away_with_its_markers(project: Project) -> None:
    project.edit(edits.same_line)
    project.update()
    place = "docker/docker-compose.yml"
    substitute(project.path / place, r"^<{7}.*\n(.*\n)={7}\n.*\n>{7}.*\n", r"\1")
    project.commit()

    project.update()

    assert "stop_grace_period: 77s" in project.read(place)
    assert project.changes() == []


def test_renamed_example_is_unchanged(history: History, project: Project) -> None:
    """Copier does not follow moved files: it neither restores the old nor changes the new ones."""
    project.edit(edits.renamed_example)
    moved = {name: text for name, text in project.without().items() if "articles" in name}
    assert moved

    project.update()

    assert {name: project.read(name) for name in moved} == moved
    assert not list(project.path.glob("src/**/items.py"))
    assert project.conflicts() == []
    assert project.read("README.md") == (history.fresh(DEFAULTS) / "README.md").read_text()


def test_moved_module_is_unchanged(project: Project) -> None:
    project.edit(edits.moved_module)
    name = "src/my_app/services/readiness.py"
    moved = project.read(name)

    project.update()

    assert project.read(name) == moved
    assert not (project.path / "src/my_app/services/health.py").exists()
    assert project.conflicts() == []


def test_executable_file_stays_executable(project: Project) -> None:
    project.edit(edits.executable)

    project.update()

    assert " M docker/Dockerfile" in project.changes()
    assert os.access(project.path / "docker/Dockerfile", os.X_OK)


# ----------------------------------------------------------------- files that come, go or stay


@pytest.mark.parametrize("is_edited", [False, True], ids=["as-rendered", "edited"])
def test_dropped_file_is_deleted_but_kept_in_git(project: Project, *, is_edited: bool) -> None:
    """Copier deletes dropped files including edits, so the changelog must name them."""
    text = project.read(DROPPED) + "# mine\n" * is_edited
    project.write(DROPPED, text)
    project.commit()

    project.update()

    assert f" D {DROPPED}" in project.changes()
    assert project.git("show", f"HEAD:{DROPPED}") == text


def test_own_file_in_a_dropped_folder_stays(own_history: History, tmp_path: Path) -> None:
    project = own_history.copy(tmp_path / "my-app", DEFAULTS, PRESENT)
    project.edit(edits.own_files)
    own_history.release(NEXT, lambda root: shutil.rmtree(root / "template/docker"))

    project.update()

    assert [path.name for path in (project.path / "docker").iterdir()] == ["seed.sql"]
    assert project.conflicts() == []


def test_new_file_over_an_existing_one_is_marked(project: Project) -> None:
    project.write("SECURITY.md", "Call us.\n")
    project.commit()

    project.update()

    assert project.conflicts() == ["SECURITY.md"]
    assert "Call us.\n" in project.read("SECURITY.md")
    assert "# Security" in project.read("SECURITY.md")


def test_ignored_editor_settings_are_unchanged(project: Project) -> None:
    project.write(".gitignore", f"{project.read('.gitignore')}.vscode/\n")
    project.commit()
    project.write(".vscode/settings.json", "Mine.\n")

    project.update()

    assert project.read(".vscode/settings.json") == "Mine.\n"


def test_skipped_file_is_unchanged_and_restored(own_history: History, tmp_path: Path) -> None:
    """Behaviour of `_skip_if_exists`, for required files that people own."""
    own_history.release(NEXT, _own_by_people)
    edited, deleted = _two_projects(own_history, tmp_path)
    edited.write("CHANGELOG.md", "Mine.\n")
    (deleted.path / "CHANGELOG.md").unlink()
    own_history.release("v0.5.0", lambda root: _append(root, "CHANGELOG.md.jinja", "theirs"))

    for project in (edited, deleted):
        project.commit()
        project.update()

    assert edited.read("CHANGELOG.md") == "Mine.\n"
    assert deleted.read("CHANGELOG.md").endswith("theirs\n")


def test_starter_file_is_never_updated(own_history: History, tmp_path: Path) -> None:
    """Behaviour of an exclusion on update, for code that people are meant to rewrite."""
    own_history.release(NEXT, _own_by_people)
    edited, deleted = _two_projects(own_history, tmp_path)
    edited.write("SECURITY.md", "Mine.\n")
    (deleted.path / "SECURITY.md").unlink()
    own_history.release("v0.5.0", lambda root: _append(root, "SECURITY.md.jinja", "theirs"))

    for project in (edited, deleted):
        project.commit()
        project.update()

    assert edited.read("SECURITY.md") == "Mine.\n"
    assert not (deleted.path / "SECURITY.md").exists()


def _own_by_people(root: Path) -> None:
    on_update = "{% if _copier_operation == 'update' %}/SECURITY.md{% endif %}"
    substitute(root / "copier.yml", r"^(_exclude: .*)\]$", rf'\1, "{on_update}"]')
    substitute(root / "copier.yml", r"^(_skip_if_exists: .*)\]$", r"\1, CHANGELOG.md]")


def _two_projects(history: History, folder: Path) -> tuple[Project, Project]:
    first, second = (history.copy(folder / name, DEFAULTS, NEXT) for name in ("one", "two"))
    return first, second


def _append(root: Path, name: str, text: str) -> None:
    path = root / "template" / name
    path.write_text(f"{path.read_text()}{text}\n")


# -------------------------------------------------------------------------------- where it runs


def test_project_in_a_folder_of_a_larger_repository(history: History, tmp_path: Path) -> None:
    project = history.within(tmp_path)
    project.edit(*KEPT_EDITS)
    wanted = history.copy(tmp_path.with_name(f"{tmp_path.name}-wanted"), DEFAULTS, PRESENT)
    wanted.edit(*KEPT_EDITS)
    (tmp_path / "README.md").write_text("Work of somebody else in progress.\n")

    project.update()

    assert not difference(project.path, wanted.path)
    assert git(tmp_path, "status", "--porcelain", "README.md") == " M README.md\n"
    assert (tmp_path / "README.md").read_text() == "Work of somebody else in progress.\n"


def test_plain_command_line_needs_no_trust(history: History, tmp_path: Path) -> None:
    """Copy, look for a release, and update with a new answer, as a person would from a git URL."""
    url = f"git+file://{history.repository}"
    given = [f"--data={name}={value}" for name, value in PEOPLE.items()]
    copied = run_copier(
        *("copy", "--defaults", f"--vcs-ref={PREVIOUS}", *given, url, "my-app"), folder=tmp_path
    )
    assert copied.returncode == 0, copied.stderr
    project = Project(tmp_path / "my-app", tmp_path / "my-app")
    project.git("init", "--quiet")
    project.edit(*KEPT_EDITS)

    looked = run_copier("check-update", "--quiet", folder=project.path)
    updated = run_copier(
        *("update", "--defaults", "--data", "type_checker=mypy"), folder=project.path
    )

    assert looked.returncode == 2
    assert updated.returncode == 0, updated.stderr
    wanted = history.copy(tmp_path / "wanted", DEFAULTS | {"type_checker": "mypy"}, PRESENT)
    wanted.edit(*KEPT_EDITS)
    assert not difference(project.path, wanted.path)


def test_answer_changes_without_a_new_release(history: History, project: Project) -> None:
    run_copier(
        *("update", "--defaults", "--vcs-ref=:current:", "--data", "type_checker=mypy"),
        folder=project.path,
    )

    assert not difference(
        project.path, history.fresh(DEFAULTS | {"type_checker": "mypy"}, PREVIOUS)
    )


def test_plain_command_line_conflicts_are_shown_by_git(project: Project) -> None:
    project.edit(edits.same_line)

    updated = run_copier("update", "--defaults", folder=project.path)

    assert updated.returncode == 0
    assert project.git("diff", "--name-only", "--diff-filter=U") == "docker/docker-compose.yml\n"
    checked = subprocess.run(
        ["git", "diff", "--check"], cwd=project.path, check=False, capture_output=True, text=True
    )
    assert checked.returncode == 2
    assert "leftover conflict marker" in checked.stdout


# ------------------------------------------------------------------------------------ failures


GUIDE = (ROOT / "docs/updating.md").read_text().partition("## When it goes wrong")[2]
MESSAGES = [
    message.partition("…")[0]
    for line in re.findall(r"^\| (.*?`.*?) \|", GUIDE, re.MULTILINE)
    for message in re.findall(r"`(.+?)`", line)
]
"""Messages that the guide quotes, up to their variable part."""


def refused(project: Project, message: str, version: str | None = None) -> None:
    """Check that an update changes nothing, and is refused with a message from the guide."""
    before, changes = project.without(), project.changes()
    with pytest.raises(Exception, match=message) as refusal:
        project.update(version)
    assert (project.without(), project.changes()) == (before, changes)
    assert_explained(str(refusal.value))


def assert_explained(message: str) -> None:
    assert any(known in message for known in MESSAGES), (
        f"docs/updating.md does not explain: {message}"
    )


@pytest.mark.quick
def test_uncommitted_work_is_not_updated(project: Project) -> None:
    project.write("README.md", "Not committed.\n")
    refused(project, "Destination repository is dirty; cannot continue")


def test_untracked_work_is_not_updated(project: Project) -> None:
    project.write("SECURITY.md", "Not even added.\n")
    refused(project, "Destination repository is dirty; cannot continue")


def test_project_outside_git_is_not_updated(project: Project) -> None:
    shutil.rmtree(project.path / ".git")
    before = {path: path.read_bytes() for path in project.path.rglob("*") if path.is_file()}

    with pytest.raises(UserMessageError, match="only supported in git-tracked") as refusal:
        project.update()

    assert_explained(str(refusal.value))
    assert before == {path: path.read_bytes() for path in before}


def test_downgrade_is_refused(history: History, tmp_path: Path) -> None:
    project = history.copy(tmp_path / "my-app", DEFAULTS, PRESENT)

    refused(project, "You are downgrading", PREVIOUS)


def test_deleted_answers_file_is_reported_and_restored(history: History, project: Project) -> None:
    (project.path / ANSWERS_FILE).unlink()
    project.commit()
    refused(project, "Template not found")

    project.git("checkout", "--quiet", "HEAD~1", "--", ANSWERS_FILE)
    project.commit()
    project.update()

    assert not difference(project.path, history.fresh(DEFAULTS))


def test_project_recopied_shows_its_edits_in_git(history: History, project: Project) -> None:
    project.edit(*KEPT_EDITS)
    mine = lines_added(project)
    (project.path / ANSWERS_FILE).unlink()
    project.commit()

    given = [f"--data={name}={value}" for name, value in PEOPLE.items()]
    copied = run_copier(
        *("copy", "--defaults", "--overwrite", *given, str(history.repository), "."),
        folder=project.path,
    )

    assert copied.returncode == 0, copied.stderr
    for name, lines in mine.items():
        assert lines <= {*project.git("show", f"HEAD:{name}").splitlines()}
    project.commit()
    project.update()
    assert project.changes() == []


def test_answers_file_without_its_release_is_refused(project: Project) -> None:
    substitute(project.path / ANSWERS_FILE, r"^_commit: .*\n", "")
    project.commit()
    refused(project, "Cannot update because cannot obtain old template references")


def test_answers_file_with_markers_is_refused(project: Project) -> None:
    project.write(ANSWERS_FILE, f"<<<<<<< HEAD\n{project.read(ANSWERS_FILE)}")
    project.commit()
    refused(project, r"\.copier-answers\.yml")


def test_answer_edited_by_hand_loses_nothing(project: Project) -> None:
    """Copier trusts the edited answer, so the example stays: only data switches it."""
    project.edit(edits.changed_example)
    substitute(project.path / ANSWERS_FILE, r"^example: true", "example: false")
    project.commit()
    mine = {name: text for name, text in project.without().items() if "items" in name}

    project.update()

    assert {name: project.read(name) for name in mine} == mine


def test_template_missing_on_server_is_refused(project: Project, tmp_path: Path) -> None:
    _taken_from(project, f"git+file://{tmp_path}/gone")

    refused(project, "does not appear to be a git repository")


def _taken_from(project: Project, source: Path | str) -> None:
    """Point the answers file at another location of the template."""
    substitute(project.path / ANSWERS_FILE, r"^_src_path: .*", f"_src_path: {source}")
    project.commit()


def test_moved_template_is_found_at_its_new_location(own_history: History, tmp_path: Path) -> None:
    project = own_history.copy(tmp_path / "my-app", DEFAULTS)
    wanted = own_history.fresh(DEFAULTS)
    moved = own_history.repository.rename(tmp_path / "moved")
    refused(project, "Local template must be a directory")

    _taken_from(project, moved)
    project.update()

    assert not difference(project.path, wanted)


@pytest.mark.parametrize("depth", ["--depth=1", "--no-tags"])
@pytest.mark.filterwarnings("ignore::copier.errors.ShallowCloneWarning")
def test_incomplete_clone_of_the_template_is_refused(
    history: History, project: Project, tmp_path: Path, depth: str
) -> None:
    git(tmp_path, "clone", "--quiet", depth, f"file://{history.repository}", "clone")
    _taken_from(project, tmp_path / "clone")

    refused(project, f"Unknown revision: '{PREVIOUS}'")


def test_template_without_releases_updates_by_commit(own_history: History, tmp_path: Path) -> None:
    commits = git(own_history.repository, "rev-list", "--reverse", "HEAD").split()
    git(own_history.repository, "tag", "--delete", PAST, PREVIOUS, PRESENT)
    project = own_history.copy(tmp_path / "my-app", DEFAULTS, commits[1])

    project.update()

    assert not difference(project.path, own_history.fresh(DEFAULTS, commits[2]))


def sabotaged_git(folder: Path, sabotage: str) -> Path:
    """Make a folder with a `git` that runs a shell line before each command."""
    script = folder / "tools" / "git"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\n{sabotage}\nexec {shutil.which("git")} "$@"\n')
    script.chmod(0o755)
    return script.parent


@pytest.mark.parametrize("moment", ["write-tree", "apply", "update-index"])
def test_killed_update_is_undone_by_git(project: Project, tmp_path: Path, moment: str) -> None:
    """Killed before any file is written, before edits are restored, before conflicts are known."""
    project.edit(*KEPT_EDITS, edits.same_line)
    before = project.without()
    tools = sabotaged_git(tmp_path, f"case $1 in {moment}) kill -KILL $PPID; exit ;; esac")

    killed = run_copier("update", "--defaults", folder=project.path, tools=tools)

    assert killed.returncode == -signal.SIGKILL
    assert bool(project.changes()) is (moment != "write-tree")
    project.give_up()
    assert project.without() == before
    project.update()
    assert project.conflicts() == ["docker/docker-compose.yml"]


@pytest.mark.parametrize(("downloads", "is_whole"), [(0, True), (5, True), (7, False)])
def test_network_failure_is_undone_by_git(
    project: Project, tmp_path: Path, *, downloads: int, is_whole: bool
) -> None:
    """Copier contacts the template eight times; it starts to write before the last two."""
    project.edit(*KEPT_EDITS)
    before = project.without()
    count = tmp_path / "downloads"
    is_over = f"echo >> {count}; [ $(wc -l < {count}) -le {downloads} ] || exit 128"
    tools = sabotaged_git(tmp_path, f"case $1 in ls-remote|clone) {is_over} ;; esac")

    failed = run_copier("update", "--defaults", folder=project.path, tools=tools)

    assert failed.returncode == 1
    assert (project.changes() == []) is is_whole
    project.give_up()
    assert project.without() == before
