"""`scripts/update_preview.py` of a project, as an oracle of updates, and updates as its oracle."""

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import chdir, redirect_stderr
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from copier._cli import CopierApp

from extensions.contract.questionnaire import ROOT
from tests.support.history import ANSWERS_FILE, Project, git, lines_added

__all__ = ["SCRIPT", "Foreseen", "script"]

SCRIPT = ROOT / "template" / "scripts" / "update_preview.py"
SETTING = re.compile(r"^#?\s?([A-Z][A-Z0-9_]*)=", re.MULTILINE)


@cache
def script() -> Any:  # noqa: ANN401 -- a module of projects
    """Return the script as a module that runs Copier in this process."""
    spec = importlib.util.spec_from_file_location("update_preview", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["update_preview"] = module  # dataclasses look up their module there
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)  # the template would render it
        spec.loader.exec_module(module)
    vars(module)["_copier"] = _copier
    return cast("Any", module)


def _copier(folder: Path, *arguments: str | Path) -> None:
    """Run Copier's command line in this process, which caches its work."""
    with chdir(folder), redirect_stderr(StringIO()):
        try:
            _, code = CopierApp.run(["copier", *map(str, arguments)], exit=False)
        except Exception as error:
            raise script().PreviewError(f"copier {arguments[0]} failed: {error}") from error
    assert code == 0


class Foreseen:
    """A preview of a project's update, made before the update.

    Attributes:
        preview: The preview.
    """

    def __init__(self, project: Project, *options: str) -> None:
        """Preview the update, and check that it leaves no trace."""
        before = _state(project)
        self.preview = script().preview(project.path, options)
        assert _state(project) == before
        self._project = project
        self._edited = {*lines_added(project)} if _has_parent(project) else set[str]()
        self._before = project.without()

    def assert_true(self) -> None:
        """Check that the update did exactly what the preview says."""
        project, preview = self._project, self.preview
        deleted = {*project.git("ls-files", "-z", "--deleted").split("\0")} - {""}
        new = {*project.git("ls-files", "-z", "--others").split("\0")} - {""}
        conflicts = {*project.conflicts()}
        after = project.without()
        changed = {name for name in self._before if after.get(name) != self._before[name]}
        _same(preview.conflicts, conflicts)
        _same(preview.new, new - conflicts)
        _same(preview.deleted_edited, deleted & self._edited)
        _same(preview.deleted, deleted - self._edited)
        _same(preview.changed, changed - deleted - conflicts)
        assert preview.lost == preview.hidden == ()
        modules = {name for name in new if name.startswith("src/") and name.endswith(".py")}
        is_revision = re.compile(r"^down_revision\b", re.MULTILINE).search
        _same(preview.migrations, {name for name in modules if is_revision(after[name])})
        assert f"_commit: {preview.release}\n" in project.read(ANSWERS_FILE)
        self._assert_values(after, conflicts)

    def _assert_values(self, after: Mapping[str, str], conflicts: set[str]) -> None:
        for path, lines, names in (
            ("pyproject.toml", self.preview.packages, _packages),
            (".env.example", self.preview.settings, _settings),
        ):
            if path not in conflicts:
                old, new = names(self._before[path]), names(after[path])
                known = {line.split()[1] for line in lines if line.startswith("new: ")}
                gone = {line.split()[1] for line in lines if line.startswith("removed: ")}
                assert (known, gone) == (new - old, old - new)


def _same(said: Iterable[str], done: set[str]) -> None:
    assert {*said} == done, f"only said: {sorted({*said} - done)}; only done: {done - {*said}}"


def _state(project: Project) -> tuple[str, ...]:
    worktrees = git(project.top, "worktree", "list")
    files = sorted(path for path in project.path.rglob("*") if path.is_file())
    texts = (path.read_bytes().hex() for path in files if ".git" not in path.parts)
    return (worktrees, "\n".join(project.changes()), project.git("rev-parse", "HEAD"), *texts)


def _has_parent(project: Project) -> bool:
    return project.git("rev-list", "--count", "HEAD").strip() != "1"


def _packages(text: str) -> set[str]:
    declared = tomllib.loads(text)
    groups = (line for group in declared["dependency-groups"].values() for line in group)
    listed = [*declared["project"]["dependencies"], *groups]
    return {re.split(r"[\[~=<>!; ]", line)[0] for line in listed}


def _settings(text: str) -> set[str]:
    return {*SETTING.findall(text)}
