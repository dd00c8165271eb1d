"""Edits that git does not show: what an update does to them, and how to lose none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support.history import ANSWERS_FILE, PRESENT, History, Project, git, isolated_git
from tests.support.previews import script
from tests.support.projects import PEOPLE, QUESTIONNAIRE
from tests.support.steps import commands_in

DEFAULTS = QUESTIONNAIRE.complete(PEOPLE)
MINE = "# mine\n"

type Hide = Callable[[Project, str], None]


def _untrack(project: Project, name: str) -> None:
    project.git("rm", "--quiet", "--cached", "--ignore-unmatch", name)
    project.git("commit", "--quiet", "--all", "--allow-empty", "--message=ignore it")
    _edit(project, name)


def _edit(project: Project, name: str) -> None:
    path = project.path / name
    project.write(name, (path.read_text() if path.exists() else "") + MINE)


def ignored(project: Project, name: str) -> None:
    """Ignore it by the project's own rules."""
    project.write(".gitignore", f"{project.read('.gitignore')}/{name}\n")
    _untrack(project, name)


def ignored_by_a_folder(project: Project, name: str) -> None:
    """Ignore it by rules in its folder."""
    rules = Path(name).parent / ".gitignore"
    project.write(str(rules), "*\n")
    project.git("add", "--all")
    _untrack(project, name)


def excluded(project: Project, name: str) -> None:
    """Ignore it by rules of this clone."""
    rules = project.path / ".git/info/exclude"
    rules.parent.mkdir(exist_ok=True)
    with rules.open("a") as lines:
        lines.write(f"/{name}\n")
    _untrack(project, name)


def ignored_everywhere(project: Project, name: str) -> None:
    """Ignore it by rules of this person."""
    _ignore_everywhere(name)
    _untrack(project, name)


def committed_but_ignored_everywhere(project: Project, name: str) -> None:
    """Commit it although this person's rules ignore it."""
    _ignore_everywhere(name)
    _edit(project, name)
    project.git("add", "--force", name)
    project.git("commit", "--quiet", "--message=work")


def _ignore_everywhere(name: str) -> None:
    rules = Path(os.environ["GIT_CONFIG_GLOBAL"]).with_name("ignore")
    with rules.open("a") as lines:
        lines.write(f"{Path(name).name}\n")
    git(Path.cwd(), "config", "--global", "core.excludesFile", str(rules))


def assumed_unchanged(project: Project, name: str) -> None:
    """Tell git to assume that it is unchanged."""
    project.git("update-index", "--assume-unchanged", name)
    _edit(project, name)


def outside_the_worktree(project: Project, name: str) -> None:
    """Tell git to skip it in this worktree."""
    project.git("update-index", "--skip-worktree", name)
    _edit(project, name)


def never_added(project: Project, name: str) -> None:
    """Tell git to list no new files."""
    project.git("config", "status.showUntrackedFiles", "no")
    _untrack(project, name)


HIDDEN: Mapping[Hide, tuple[str, str]] = {
    ignored: ("docker/nginx.conf", "docker/docker-compose.yml"),
    ignored_by_a_folder: (".devcontainer/devcontainer.json", "docs/settings.md"),
    excluded: ("CONTRIBUTING.md", ".env.example"),
    ignored_everywhere: ("LICENSE", "pyproject.toml"),
    committed_but_ignored_everywhere: (".github/CODEOWNERS", "docker/Dockerfile"),
    assumed_unchanged: ("AGENTS.md", "README.md"),
    outside_the_worktree: (".editorconfig", ".pre-commit-config.yaml"),
    never_added: (".dockerignore", ".github/workflows/release.yml"),
}
"""For each way, a file that the newest release leaves alone and one that it changes."""


GUIDE = (ROOT / "docs/updating.md").read_text().partition("### Edits that git does not show")[2]
UNTRACKED, TRACKED, FLAGGED, WORKTREE, UPDATE, MERGE, *_ = commands_in(GUIDE)
LISTED_BY: Mapping[Hide, str] = {
    committed_but_ignored_everywhere: TRACKED,
    assumed_unchanged: FLAGGED,
    outside_the_worktree: FLAGGED,
}
"""The command that lists each, if it is not that for untracked files."""


@pytest.fixture(autouse=True)
def own_git(tmp_path: Path) -> Generator[None]:
    """Rules of one person, for each test its own."""
    (tmp_path / "person").mkdir()
    with isolated_git(tmp_path / "person"):
        yield


def test_hidden_edits_are_lost_unless_the_guide_is_followed(
    history: History, tmp_path: Path
) -> None:
    """Copier overwrites or deletes them: should it keep them one day, the guide need not warn."""
    project = history.copy(tmp_path / "my-app", DEFAULTS)
    for hide, names in HIDDEN.items():
        for name in names:
            hide(project, name)
    before = {name: project.read(name) for names in HIDDEN.values() for name in names}
    assert project.git("status", "--porcelain") == ""

    careless = Project(shutil.copytree(project.path, tmp_path / "careless"), tmp_path / "careless")
    for hide, names in HIDDEN.items():
        assert {*names} <= {*_shell(project, LISTED_BY.get(hide, UNTRACKED)).split()}, hide
    _shell(project, WORKTREE)
    _shell(project, UPDATE)
    beside = Project(project.path.with_name("template-update"), project.path)
    assert f"_commit: {PRESENT}" in beside.read(ANSWERS_FILE)
    assert all(MINE in beside.read(name) for name in HIDDEN[committed_but_ignored_everywhere])
    assert {name: project.read(name) for name in before} == before
    git(beside.path, "add", "--all")
    git(beside.path, "commit", "--quiet", "--message=update")
    undone = set(_merge(project))
    unchanged = {name for name in before if project.read(name) == before[name]}
    committed = {*HIDDEN[committed_but_ignored_everywhere]}
    assert before.keys() - unchanged <= undone | committed

    foreseen = script().preview(careless.path)
    assert {name: careless.read(name) for name in before} == before
    careless.update()
    kept = {
        name for name in before if (careless.path / name).exists() and MINE in careless.read(name)
    }
    assert kept == set()
    assert {*foreseen.hidden} == before.keys() - {*foreseen.lost}
    assert {*foreseen.lost} == committed


def _merge(project: Project) -> Iterator[str]:
    """Merge as the guide says, and yield the files whose flags that undoes."""
    for flag, hide in {
        "--no-assume-unchanged": assumed_unchanged,
        "--no-skip-worktree": outside_the_worktree,
    }.items():
        with pytest.raises(subprocess.CalledProcessError):
            _shell(project, MERGE)
        assert f"`git update-index {flag} PATH`" in GUIDE
        _, changed = HIDDEN[hide]
        assert MINE in project.read(changed)
        project.git("update-index", flag, changed)
        project.git("checkout", "--", changed)
        yield changed
    _shell(project, MERGE)


def _shell(project: Project, command: str) -> str:
    script = command.replace("uvx copier", f"{sys.executable} -m copier")
    return subprocess.check_output(["bash", "-c", script], cwd=project.path, text=True)
