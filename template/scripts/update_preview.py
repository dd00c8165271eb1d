"""Show what `copier update` would do to this project, without touching it.

    python scripts/update_preview.py

It updates the last commit in a throw-away worktree. Edits that git does not show are at risk,
because git cannot restore them: their files are listed too.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Preview", "PreviewError", "main", "preview"]

ANSWERS = ".copier-answers.yml"
COPIER = "copier~=9.19"

_SHOWN = 20
"""The number of names in a cell of the table."""

_MARKER = re.compile(r"^(<{7} before|>{7} after) updating\s*$", re.M)
_PACKAGE = re.compile(r'^\s*"([A-Za-z0-9][A-Za-z0-9._-]*)((?:\[[\w,-]+\])?[~=<>!][^"]*)",?', re.M)
_SETTING = re.compile(r"^#?\s?([A-Z][A-Z0-9_]*)=(.*)$", re.M)


class PreviewError(Exception):
    """There is nothing to preview; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The effect of an update on a project. All files are relative to the project.

    Attributes:
        release: The release of the template that the project gets.
        conflicts: The files with conflict markers.
        lost: The files that are overwritten although they have edits.
        deleted_edited: The deleted files that have edits.
        deleted: The deleted files without edits.
        hidden: The files that are changed or deleted with edits that git does not show: it cannot
            restore them.
        new: The new files.
        changed: The files that are changed, with their edits kept.
        packages: The packages that come, go or change, one line each.
        settings: The settings that come, go or change their default, one line each.
        migrations: The new migrations.
    """

    release: str
    conflicts: tuple[str, ...]
    lost: tuple[str, ...]
    deleted_edited: tuple[str, ...]
    deleted: tuple[str, ...]
    hidden: tuple[str, ...]
    new: tuple[str, ...]
    changed: tuple[str, ...]
    packages: tuple[str, ...]
    settings: tuple[str, ...]
    migrations: tuple[str, ...]


TITLES = {
    "conflicts": "Conflicts to resolve",
    "lost": "**Overwritten in spite of your edits**",
    "deleted_edited": "**Deleted with your edits**",
    "hidden": "**Changed or deleted, and hidden from git: save them first**",
    "deleted": "Deleted",
    "new": "New",
    "changed": "Changed",
    "packages": "Packages",
    "settings": "Settings",
    "migrations": "Migrations to run",
}


def main() -> None:
    """Print the preview of this project as a Markdown table or as JSON."""
    parser = argparse.ArgumentParser(description="Show what `copier update` would do.")
    parser.add_argument("--vcs-ref", metavar="RELEASE", help="update to it; by default the newest")
    parser.add_argument(
        "--data", action="append", default=[], metavar="KEY=VALUE", help="change an answer"
    )
    parser.add_argument("--answers-file", default=ANSWERS, metavar="FILE", help="its name")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    given = [word for each in options.data for word in ("--data", each)]
    release = ["--vcs-ref", options.vcs_ref] if options.vcs_ref else []
    try:
        found = preview(Path(), given + release, options.answers_file)
    except PreviewError as error:
        sys.exit(str(error))
    text = json.dumps(asdict(found), indent=2) if options.json else table(found)
    sys.stdout.write(f"{text}\n")


def table(found: Preview) -> str:
    """Return a preview as a Markdown table."""
    rows = [
        f"| {title} | {_cell(names)} |"
        for field, title in TITLES.items()
        if (names := getattr(found, field))
    ]
    if not rows:
        return f"The update to {found.release} changes nothing."
    return "\n".join([f"| update to {found.release} | |", "| --- | --- |", *rows])


def _cell(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{name.replace('|', '&#124;')}`" for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    return f"{len(names)}: {shown}" + (f" and {more} more" if more > 0 else "")


def preview(project: Path, options: Iterable[str] = (), answers: str = ANSWERS) -> Preview:
    """Update the last commit of a project in a worktree, and describe the result.

    Args:
        project: The project's folder, in a git repository.
        options: Further options of `copier update`.
        answers: The name of the answers file.

    Returns:
        What the update does.

    Raises:
        PreviewError: The project cannot be updated.
    """
    folder = project.resolve()
    top, prefix = _place(folder)
    if _git(folder, "status", "--porcelain", "--", "."):
        sys.stderr.write("An update needs a clean working tree. This previews the last commit.\n")
    if not (folder / answers).is_file():
        raise PreviewError(f"{answers} is missing: run this in the project's folder.")
    source, release = _origin(folder / answers)
    with tempfile.TemporaryDirectory(prefix="update-preview-") as name:
        old = Path(name, "old")
        asked = ("--defaults", "--quiet", "--vcs-ref", release, "--data-file", folder / answers)
        _copier(folder, "copy", *asked, "--answers-file", answers, source, old)
        hidden = _untracked(folder, _files(old)) | _flagged(folder, _files(old))
        while True:
            with _worktree(top, Path(name, "new")) as tree:
                updated = _Update(folder, tree / prefix, old, answers)
                copied = updated.copy(hidden, depth=len(prefix.parts))
                named = ("--answers-file", answers, *options)
                _copier(folder, "update", "--defaults", "--quiet", *named, tree / prefix)
                # A file that the release adds may exist here, hidden from git.
                if not (found := updated.hidden_here() - copied):
                    return updated.preview(hidden, copied)
                hidden |= found


def _place(folder: Path) -> tuple[Path, Path]:
    """Return the root of the repository, and the project's path in it."""
    try:
        top = Path(_git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
        _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    except PreviewError as error:
        if "dubious ownership" in str(error):
            raise
        raise PreviewError("This is no git repository with a commit: commit it first.") from error
    return top, folder.relative_to(top.resolve())


def _origin(answers: Path) -> tuple[str, str]:
    """Return the template's location, and the release that the project was made from."""
    text = answers.read_text(encoding="utf-8")
    found = [re.search(rf"^{key}: (.+)$", text, re.M) for key in ("_src_path", "_commit")]
    source, release = (match[1].strip().strip("'\"") if match else "" for match in found)
    if not source or not release:
        raise PreviewError(f"{answers.name} lacks _src_path or _commit: restore it from git.")
    return source, release


def _git(folder: Path, *arguments: str | Path) -> str:
    """Run git without hooks."""
    options = ("-c", "core.hooksPath=/dev/null", "--literal-pathspecs")
    command = ["git", *options, *map(str, arguments)]
    result = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if result.returncode:
        lines = result.stderr.decode(errors="replace").splitlines()
        reason = next((line for line in lines if line.startswith("fatal: ")), "no message")
        raise PreviewError(f"git {arguments[0]} failed: {reason.removeprefix('fatal: ')}")
    return result.stdout.decode(errors="surrogateescape")


def _copier(folder: Path, *arguments: str | Path) -> None:
    """Run Copier in the project's folder, since the template's path may be relative to it."""
    if not shutil.which("uvx"):
        raise PreviewError("uvx, which runs Copier, is not installed: install uv.")
    command = ["uvx", COPIER, *map(str, arguments)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["no message"]
        raise PreviewError(f"copier {arguments[0]} failed: {lines[-1]}")


@contextmanager
def _worktree(top: Path, folder: Path) -> Generator[Path]:
    """Check out the last commit for a while."""
    _git(top, "worktree", "add", "--quiet", "--detach", folder, "HEAD")
    try:
        yield folder
    finally:
        _git(top, "worktree", "remove", "--force", "--force", folder)


def _files(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return {path.relative_to(folder).as_posix() for path in found}


def _untracked(folder: Path, names: Iterable[str]) -> set[str]:
    """Return the existing files among the names that git neither tracks nor shows."""
    shown = _git(folder, "config", "--default=normal", "--get", "status.showUntrackedFiles")
    ignored = () if shown.strip() in {"no", "false"} else ("--ignored", "--exclude-standard")
    return {*_listed(folder, names, "--others", *ignored)}


def _flagged(folder: Path, names: Iterable[str]) -> set[str]:
    """Return the existing files among the names that git tracks, but never compares."""
    marked = _listed(folder, names, "-v")
    flagged = (line[2:] for line in marked if line[0] == "S" or line[0].islower())
    return {name for name in flagged if (folder / name).is_file()}


def _listed(folder: Path, names: Iterable[str], *options: str) -> list[str]:
    """Return what `git ls-files` lists of these files; without names it would list all."""
    names = list(names)
    return _git(folder, "ls-files", *options, "-z", "--", *names).split("\0")[:-1] if names else []


@dataclass(frozen=True)
class _Update:
    """An update of the last commit in a worktree.

    Attributes:
        project: The project's folder.
        tree: Its folder in the worktree.
        old: What its release generated.
        answers: The name of the answers file.
    """

    project: Path
    tree: Path
    old: Path
    answers: str

    def copy(self, names: Iterable[str], depth: int) -> set[str]:
        """Copy files that git hides to the worktree, so that it hides them there, too.

        Args:
            names: The files.
            depth: How many folders of the repository the project is in.

        Returns:
            The files, and those with the rules that ignore them.
        """
        above = (Path(*[".."] * level) for level in range(1, depth + 1))
        folders = {*above, *(parent for name in names for parent in Path(name).parents)}
        rules = {(folder / ".gitignore").as_posix() for folder in folders}
        missing = {name for name in rules if not (self.tree / name).exists()}
        copied = {*names, *(name for name in missing if (self.project / name).is_file())}
        _git(self.tree, "update-index", "--assume-unchanged", "--", *_listed(self.tree, copied))
        for name in copied:
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.project / name, self.tree / name, follow_symlinks=False)
        return copied

    def hidden_here(self) -> set[str]:
        """Return the files of the worktree that exist in the project, hidden from git."""
        unknown = _git(self.tree, "ls-files", "--others", "-z").split("\0")
        return _untracked(self.project, filter(None, unknown))

    def preview(self, hidden: set[str], copied: set[str]) -> Preview:
        """Compare the worktree with the last commit."""
        changes = self._changes()
        lists = {
            "conflicts": {name for name in changes if self._is_marked(name)},
            "new": {name for name in changes if changes[name] == "A"} - copied,
            "deleted": {name for name in changes if changes[name] == "D"} - copied,
            "hidden": {name for name in hidden if self._differs(name)},
        }
        rest = changes.keys() - set().union(*lists.values()) - copied - {self.answers}
        lists["lost"] = {name for name in rest if self._lost(name)}
        lists["changed"] = rest - lists["lost"]
        lists["deleted_edited"] = {name for name in lists["deleted"] if self._is_edited(name)}
        lists["deleted"] -= lists["deleted_edited"]
        lists["migrations"] = {
            name for name in lists["new"] if Path(name).match("versions/[!_]*.py")
        }
        return Preview(
            release=_origin(self.tree / self.answers)[1],
            packages=tuple(self._values("pyproject.toml", _packages)),
            settings=tuple(self._values(".env.example", _settings)),
            **{field: tuple(sorted(names)) for field, names in lists.items()},
        )

    def _changes(self) -> dict[str, str]:
        """Return the changed files with git's letter: A, M or D; also those that git ignores."""
        compared = ("diff", "--no-renames", "--name-status", "--relative", "-z", "HEAD", "--", ".")
        words = _git(self.tree, *compared).split("\0")[:-1]
        changed = {name: letter[0] for letter, name in zip(words[::2], words[1::2], strict=True)}
        added = filter(None, _git(self.tree, "ls-files", "--others", "-z").split("\0"))
        return changed | dict.fromkeys(added, "A")

    def _before(self, name: str) -> str:
        """Return the text of a file as the last commit checks it out; nothing if it has none."""
        listed = _git(self.tree, "ls-tree", "--name-only", "HEAD", "--", name)
        text = _git(self.tree, "cat-file", "--filters", f"HEAD:./{name}") if listed else ""
        return text.replace("\r\n", "\n")

    def _is_marked(self, name: str) -> bool:
        return bool(_MARKER.search(_text(self.tree / name)))

    def _differs(self, name: str) -> bool:
        before, after = self.project / name, self.tree / name
        return not after.exists() or before.read_bytes() != after.read_bytes()

    def _is_edited(self, name: str) -> bool:
        return self._before(name) != _text(self.old / name)

    def _lost(self, name: str) -> bool:
        """Check whether lines are missing that the project had added."""
        before = {*self._before(name).splitlines()}
        return bool(before - {*_text(self.old / name).splitlines()} - {*_lines(self.tree / name)})

    def _values(self, name: str, parse: Callable[[str], Mapping[str, str]]) -> Iterator[str]:
        """Describe the values that come, go or change; of conflicting values, the release's."""
        here, after = parse(self._before(name)), parse(_text(self.tree / name))
        for key in sorted(here.keys() | after.keys()):
            if key not in here:
                yield f"new: {key} {after[key]}".rstrip()
            elif key not in after:
                yield f"removed: {key}"
            elif here[key] != after[key]:
                yield f"{key}: {here[key] or 'empty'} → {after[key] or 'empty'}"


def _text(path: Path) -> str:
    """Return the text of a file; nothing if it does not exist."""
    return path.read_bytes().decode(errors="surrogateescape") if path.is_file() else ""


def _lines(path: Path) -> list[str]:
    return _text(path).splitlines()


def _packages(text: str) -> dict[str, str]:
    return dict(_PACKAGE.findall(text))


def _settings(text: str) -> dict[str, str]:
    return dict(_SETTING.findall(text))


if __name__ == "__main__":
    main()
