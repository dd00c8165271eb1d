"""Past, present and future of the template: scratch repositories with releases, and projects.

One repository has the real releases. In the other, past releases are made from the working tree by
reverting small changes typical of releases, so that edits meet every kind of change.
"""

import difflib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from copier import run_copy, run_update
from plumbum import local

from extensions.contract.questionnaire import ROOT, Answer, Answers
from extensions.maintenance.releases import Release, releases
from tests.support.projects import PEOPLE, QUESTIONNAIRE

__all__ = [
    "ANSWERS_FILE",
    "LISTED",
    "MARKERS",
    "NOW",
    "PAST",
    "PRESENT",
    "PREVIOUS",
    "History",
    "Project",
    "assert_whole_clone",
    "commit_of",
    "difference",
    "empty_folders",
    "git",
    "given_of",
    "isolated_git",
    "lines_added",
    "released",
    "run_copier",
    "scratch_copy",
    "substitute",
]

PAST, PREVIOUS, PRESENT = "v0.1.0", "v0.2.0", "v0.3.0"
NOW = "v999.0.0"
"""The version of the working tree among the real releases."""

ANSWERS_FILE = ".copier-answers.yml"
LISTED = tuple(
    question.name
    for question in QUESTIONNAIRE.questions
    if question.values and not question.is_computed
)
"""The questions with enumerable answers, including those added to `copier.yml`."""

PACKAGE = "template/src/{{ package_name }}"
MARKERS = ("<<<<<<< before updating", "=======", ">>>>>>> after updating")


# ------------------------------------------------------------------------------------- releases


@dataclass(frozen=True)
class Reversion:
    """A small change of the template, reverted."""

    path: str
    present: str
    past: str = ""

    def apply(self, root: Path) -> None:
        """Replace the present by the past wherever its pattern matches."""
        substitute(root / self.path, self.present, self.past)


REVERSIONS: Mapping[str, tuple[Reversion, ...]] = {
    # Changes made in PRESENT.
    PREVIOUS: (
        Reversion("extensions/stack.jinja", r"'(fastapi|structlog|ruff)~=[\d.]+'", r"'\1~=0.1'"),
        Reversion("extensions/stack.jinja", r".*'run', 'httptools~=.*\n"),
        Reversion("extensions/stack.jinja", r".*'APP_MAX_CONCURRENT_REQUESTS'.*\n"),
        Reversion("extensions/stack.jinja", r"(actions/checkout)@\w{40} # v[\d.]+", r"\1@v1 # v1"),
        Reversion(f"{PACKAGE}/services/health.py.jinja", r"describe\(error\)", "str(error)"),
        Reversion(
            f"{PACKAGE}/routers/items.py.jinja",
            r"List items, .*\.",
            "List items.",
        ),
        Reversion("template/.pre-commit-config.yaml.jinja", r" +- id: check-toml\n(?:.+\n)+\n"),
        Reversion("template/docker/Dockerfile.jinja", r"--retries=\d", "--retries=9"),
        Reversion(
            "template/docker/docker-compose.yml.jinja",
            r"stop_grace_period: \d+s",
            "stop_grace_period: 9s",
        ),
        Reversion("template/README.md.jinja", r"- Exit codes: .*\n"),
    ),
    # Changes made in PREVIOUS.
    PAST: (
        Reversion("extensions/stack.jinja", r"'(orjson|fastapi)~=[\d.]+'", r"'\1~=0.0'"),
        Reversion("template/CONTRIBUTING.md.jinja", r"4\. Open a pull request", "4. Open one"),
    ),
}
NOT_YET: Mapping[str, tuple[str, ...]] = {
    PREVIOUS: ("template/.vscode/settings.json.jinja", "template/SECURITY.md.jinja"),
    PAST: ("template/.github/pull_request_template.md.jinja",),
}
"""Files added after the release."""

DROPPED = "docker/healthcheck.sh"
STILL: Mapping[str, dict[str, str]] = {
    PREVIOUS: {f"template/{DROPPED}.jinja": "#!/bin/sh\ncurl --fail localhost:8000/health\n"},
}
"""Files dropped by the next release."""


def substitute(path: Path, pattern: str, replacement: str) -> None:
    """Replace the matches of a pattern, and fail if there are none."""
    text, count = re.subn(pattern, replacement, path.read_text(), flags=re.MULTILINE)
    assert count, f"Nothing in {path.name} matches {pattern} any more: update the pattern."
    path.write_text(text)


def _go_back(root: Path, version: str) -> None:
    """Turn the working tree's template into that of an older release."""
    for release in (PREVIOUS, PAST):
        if release >= version:
            _take_back(root, release)
    if version == PAST:
        _ask_nothing_listed(root / "copier.yml")


def _take_back(root: Path, release: str) -> None:
    for reversion in REVERSIONS[release]:
        reversion.apply(root)
    for path in NOT_YET[release]:
        (root / path).unlink()
    for path, content in STILL.get(release, {}).items():
        (root / path).write_text(content)


def _ask_nothing_listed(copier_yml: Path) -> None:
    """Give each listed question its default without asking or storing it, as before it existed."""
    for name in LISTED:
        if QUESTIONNAIRE.question(name).when is True:
            substitute(copier_yml, rf"^{name}:\n", f"{name}:\n  when: false\n")


# ------------------------------------------------------------------------------------- projects


@dataclass(frozen=True)
class Project:
    """An owner's project, under version control.

    Attributes:
        path: The project's folder.
        top: The root of its repository; differs from `path` if several projects share one.
    """

    path: Path
    top: Path

    def git(self, *arguments: str) -> str:
        """Run git in the project, and return the output."""
        return git(self.path, *arguments)

    def commit(self) -> None:
        """Commit all changes."""
        git(self.top, "add", "--all")
        git(self.top, "commit", "--quiet", "--allow-empty", "--message=work")

    def update(self, version: str | None = None, data: Mapping[str, Answer] | None = None) -> None:
        """Update the project as `copier update --defaults` does, never with trust."""
        run_update(
            self.path,
            data=dict(data or {}),
            vcs_ref=version,
            defaults=True,
            overwrite=True,
            unsafe=False,
            quiet=True,
        )

    def edit(self, *edits: Callable[[Path], None]) -> None:
        """Make edits and commit them."""
        for edit in edits:
            edit(self.path)
        self.commit()

    def changes(self) -> list[str]:
        """Return the uncommitted changes, one line per file."""
        status = self.git("status", "--porcelain", "--untracked-files=all", "-z")
        return status.rstrip("\0").split("\0") if status else []

    def give_up(self) -> None:
        """Discard the results of an update, as the guide says."""
        self.git("reset", "--quiet", "--hard")
        self.git("clean", "--quiet", "-d", "--force")

    def conflicts(self) -> list[str]:
        """Return the files that git reports as unmerged, which are those with conflict markers."""
        unmerged = [line[3:] for line in self.changes() if line.startswith("UU ")]
        marked = [name for name in self._files() if MARKERS[0] in (self.path / name).read_text()]
        assert sorted(unmerged) == sorted(marked)
        return sorted(unmerged)

    def read(self, name: str) -> str:
        """Return the text of a file."""
        return (self.path / name).read_text()

    def write(self, name: str, text: str) -> None:
        """Write a file, and create its folders."""
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)

    def without(self, *names: str) -> dict[str, str]:
        """Return the project's files except some and the answers, for a later comparison."""
        left_out = {*names, ANSWERS_FILE}
        return {name: self.read(name) for name in self._files() if name not in left_out}

    def _files(self) -> list[str]:
        listed = self.git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
        return sorted({name for name in listed.split("\0") if (self.path / name).is_file()})


@dataclass
class History:
    """A repository of the template with its releases.

    Attributes:
        repository: The repository's folder.
        folder: The folder of copies, each rendered once. Their git objects are next to it,
            shared by all projects made from them.
    """

    repository: Path
    folder: Path
    copies: dict[tuple[object, ...], Path] = field(default_factory=dict[tuple[object, ...], Path])

    @classmethod
    def of(cls, template: Path, folder: Path) -> "History":
        """Make the releases PAST, PREVIOUS and PRESENT of the template as it stands.

        Args:
            template: A copy of the template without a repository.
            folder: The working folder.
        """
        history = cls(folder / "template", folder / "copies")
        history.repository.mkdir(parents=True)
        git(history.repository, "init", "--quiet")
        for version in (PAST, PREVIOUS, PRESENT):
            history._empty()
            shutil.copytree(template, history.repository, dirs_exist_ok=True)
            _go_back(history.repository, version)
            history.release(version)
        return history

    @classmethod
    def released(cls, template: Path, folder: Path) -> "History":
        """Clone this repository with a tag for every real release, and release the working tree.

        Args:
            template: A copy of the template without a repository.
            folder: The working folder.
        """
        history = cls(folder / "template", folder / "copies")
        assert_whole_clone()
        git(folder, "clone", "--quiet", "--no-tags", str(ROOT), "template")
        for entry in released():
            git(history.repository, "tag", entry.tag, commit_of(entry))
        git(history.repository, "rm", "-r", "--quiet", "template", "extensions", "copier.yml")
        shutil.copytree(template, history.repository, dirs_exist_ok=True)
        history.release(NOW)
        return history

    def release(self, version: str, change: Callable[[Path], object] | None = None) -> None:
        """Optionally change the template, then commit and tag it."""
        if change:
            change(self.repository)
        git(self.repository, "add", "--all")
        git(self.repository, "commit", "--quiet", "--allow-empty", f"--message={version}")
        git(self.repository, "tag", version)

    def fork(self, folder: Path) -> "History":
        """Return a separate repository with the same releases, to which others can be added."""
        git(folder, "clone", "--quiet", str(self.repository), "fork")
        return History(folder / "fork", folder / "copies")

    def copy(self, into: Path, answers: Mapping[str, Answer], version: str = PREVIOUS) -> Project:
        """Return a new project of a release, committed."""
        shutil.copytree(self.fresh(answers, version), into, symlinks=True)
        return Project(into, into)

    def within(self, repository: Path) -> Project:
        """Put a project of the previous release into a folder of a new, larger repository."""
        folder = repository / "services" / "my-app"
        shutil.copytree(self.fresh(QUESTIONNAIRE.complete(PEOPLE), PREVIOUS), folder)
        shutil.rmtree(folder / ".git")
        (repository / "README.md").write_text("All our services.\n")
        git(repository, "init", "--quiet")
        return Project(folder, repository)

    def fresh(self, answers: Mapping[str, Answer], version: str = PRESENT) -> Path:
        """Return a read-only copy."""
        given = given_of(answers)
        key = (version, *sorted(given.items()))
        if key not in self.copies:
            self._copy(self._place(key), given, version)
        return self.copies[key]

    def edited(
        self, answers: Mapping[str, Answer], edits: Sequence[Callable[[Path], None]]
    ) -> Project:
        """Return a read-only copy of the present with uncommitted edits."""
        key = (PRESENT, *edits, *sorted(given_of(answers).items()))
        if key not in self.copies:
            project = self.copy(self._place(key), answers, PRESENT)
            for edit in edits:
                edit(project.path)
        return Project(self.copies[key], self.copies[key])

    def _place(self, key: tuple[object, ...]) -> Path:
        self.copies[key] = self.folder / str(len(self.copies)) / "my-app"
        return self.copies[key]

    def _copy(self, into: Path, given: Answers, version: str) -> None:
        run_copy(
            str(self.repository),
            into,
            data=dict(given),
            vcs_ref=version,
            defaults=True,
            unsafe=False,
            quiet=True,
        )
        git(into, "init", "--quiet")
        objects = self.folder.with_name("objects")
        objects.mkdir(exist_ok=True)
        (into / ".git/objects/info/alternates").write_text(f"{objects}\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GIT_OBJECT_DIRECTORY", str(objects))
            Project(into, into).commit()

    def _empty(self) -> None:
        for path in self.repository.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def assert_whole_clone() -> None:
    """Fail in a shallow clone: releases are made from the whole history."""
    if git(ROOT, "rev-parse", "--is-shallow-repository") == "true\n":
        raise pytest.UsageError("This clone is shallow: run `git fetch --unshallow --tags` first.")


def released() -> list[Release]:
    """Return the past releases; the newest may not have its tag yet."""
    newest, *older = releases()
    return [newest, *older] if newest.commit or _has_tag(newest) else older


def _has_tag(entry: Release) -> bool:
    # The copies that mutations break are no repositories.
    return (ROOT / ".git").exists() and bool(git(ROOT, "tag", "--list", entry.tag))


def commit_of(entry: Release) -> str:
    """Return the commit that a release was made from."""
    assert entry.commit or _has_tag(entry), f"There is no {entry.tag}: run `git fetch --tags`."
    return entry.commit or git(ROOT, "rev-parse", f"{entry.tag}^{{commit}}").strip()


def given_of(answers: Mapping[str, Answer]) -> Answers:
    """Return the answers that a person enters, without computed ones."""
    return PEOPLE | {name: answers[name] for name in answers if name in LISTED}


def difference(found: Path, wanted: Path) -> str:
    """Return the differences between two projects except their release; empty if they are equal."""
    left, right = _contents(wanted), _contents(found)
    differing = [
        name
        for name in sorted({*left, *right} - empty_folders(wanted))
        if left.get(name) != right.get(name)
    ]
    return "\n".join(line for name in differing for line in _explain(name, left, right))


def empty_folders(project: Path) -> set[str]:
    """Return the folders that git would drop."""
    folders = (path for path in project.rglob("*") if path.is_dir() and not any(path.iterdir()))
    names = {folder.relative_to(project).as_posix() for folder in folders}
    return {name for name in names if not name.startswith(".git/")}


def _explain(name: str, left: dict[str, list[str]], right: dict[str, list[str]]) -> Iterator[str]:
    if name not in left or name not in right:
        yield f"{name} {'should not be there' if name in right else 'is missing'}"
        return
    yield from difflib.unified_diff(left[name], right[name], f"wanted {name}", name, "", "", 1, "")


def _contents(project: Path) -> dict[str, list[str]]:
    """Return the lines of each file under its mode, and nothing for folders."""
    paths = (path for path in project.rglob("*") if ".git" not in path.relative_to(project).parts)
    return {path.relative_to(project).as_posix(): _lines(path) for path in paths}


def _lines(path: Path) -> list[str]:
    if path.is_dir():
        return []
    mode = "executable" if os.access(path, os.X_OK) else "file"
    metadata = ("_commit:", "_src_path:") if path.name == ANSWERS_FILE else ()
    lines = path.read_text().split("\n")
    return [mode, *(line for line in lines if not line.startswith(metadata or "\0"))]


def lines_added(project: Project) -> dict[str, set[str]]:
    """Return the lines that the last commit added to each remaining file."""
    plain = ("-c", "core.quotePath=false", "diff", "--no-renames")
    changed = project.git(*plain, "--name-only", "--diff-filter=d", "-z", "HEAD~1").split("\0")
    added: dict[str, set[str]] = {name: set() for name in changed if name}
    name = ""
    for line in project.git(*plain, "--unified=0", "--diff-filter=d", "HEAD~1").splitlines():
        if line.startswith("+++ "):
            name = line.removeprefix("+++ b/").rstrip("\t")
        elif line.startswith("+"):
            added[name].add(line[1:])
    return added


# ---------------------------------------------------------------------------------------- tools


def git(folder: Path, *arguments: str) -> str:
    """Run git, and return its output."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def scratch_copy(folder: Path) -> Path:
    """Copy the files of this repository that git tracks or would add."""
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def run_copier(
    *arguments: str, folder: Path, tools: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Copier's command line, with the programs in `tools` first in PATH."""
    command = [sys.executable, "-m", "copier", *arguments]
    path = os.pathsep.join([*([str(tools)] if tools else []), os.environ["PATH"]])
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        check=False,
        capture_output=True,
        text=True,
    )


@contextmanager
def isolated_git(folder: Path) -> Generator[None]:
    """Isolate the tests from the developer's git configuration and Copier's cache."""
    configuration = folder / "gitconfig"
    configuration.write_text(
        "[user]\nname = Ada Lovelace\nemail = ada@example.org\n"
        "[init]\ndefaultBranch = main\ntemplateDir =\n"
        "[gc]\nauto = 0\n[maintenance]\nauto = false\n[advice]\ndetachedHead = false\n"
    )
    variables = {
        "GIT_CONFIG_GLOBAL": str(configuration),
        "GIT_CONFIG_NOSYSTEM": "1",
        "COPIER_CACHE_DIR": str(folder / "cache"),
    }
    with pytest.MonkeyPatch.context() as patch, local.env(**variables):  # Copier runs git by it
        for name, value in variables.items():
            patch.setenv(name, value)
        yield
