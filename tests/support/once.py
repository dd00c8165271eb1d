"""What is kept of Copier's work on updates: clones, and what git and Jinja make of them.

An update renders a project three times: the old release, the new release in its place, and the new
release beside it. Another test has mostly rendered the same release with the same answers before.
What happens to a project is never kept: Copier and git decide each time what is overwritten,
skipped, deleted or merged. Updates by the plain command line run in processes of their own, which
keep nothing.
"""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import cast

import pytest
from copier._jinja_ext import SandboxedEnvironment
from copier._main import Worker
from copier._template import Template
from jinja2 import Environment

from tests.support.projects import memory, remember_anew

__all__ = ["kept_for_updates"]

type Step = Callable[[Worker], None]

clone_anew = cast("Callable[..., str]", import_module("copier._vcs").clone)
find_anew = cast("Callable[[str], str | None]", import_module("copier._vcs").get_repo)
render_anew = cast("Callable[[Worker], None]", vars(Worker)["_render_template"])
operation = import_module("copier._main")._operation

SAID = ("_raw_config", "commit", "commit_hash", "git_index_modes", "version")
"""What Copier reads of a clone, in processes of git or as YAML."""

NO_ANSWERS = ("_external_data", "make_secret", "now")
"""What Copier has beside answers, and the template does not use."""


@dataclass
class Rendering:
    """What Jinja made of a template with some answers.

    Attributes:
        texts: The texts of all renderings, each only once.
        files: The text of each file of the template.
        steps: What to write, by what is excluded.
    """

    texts: dict[str, str]
    files: dict[str, str] = field(default_factory=dict[str, str])
    steps: dict[tuple[str, ...], list[Step]] = field(
        default_factory=dict[tuple[str, ...], list[Step]]
    )

    def text(self, name: str, compute: Callable[[], str]) -> str:
        """Return the text of a file, which is computed if it is not kept."""
        if name not in self.files:
            text = compute()
            self.files[name] = self.texts.setdefault(text, text)
        return self.files[name]


class KeptEnvironment:
    """Stands for Copier's environment of Jinja while it renders files."""

    def __init__(self, environment: Environment, rendering: Rendering) -> None:
        self._environment = environment
        self._rendering = rendering

    def __getattr__(self, name: str) -> object:
        """Be the environment in all else."""
        return getattr(self._environment, name)

    def get_template(self, name: str) -> "KeptFile":
        """Return what renders a file of the template."""
        return KeptFile(name, self._environment, self._rendering)


@dataclass(frozen=True)
class KeptFile:
    """A file of the template."""

    name: str
    environment: Environment
    rendering: Rendering

    def render(self, **context: object) -> str:
        """Return what Jinja makes of it, or has made."""
        template = self.environment.get_template
        return self.rendering.text(self.name, lambda: template(self.name).render(**context))


@dataclass
class Kept:
    """What a worker keeps.

    Attributes:
        folder: Where clones are kept.
        clones: Where each release of each template is cloned.
        said: What there is to know of each clone.
        found: Where git finds each template.
        texts: The texts of all renderings, each only once.
        renderings: What Jinja made, by all that it is made of.
    """

    folder: Path
    clones: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    said: dict[tuple[str, Path], object] = field(default_factory=dict[tuple[str, Path], object])
    found: dict[str, str | None] = field(default_factory=dict[str, str | None])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    renderings: dict[str, Rendering] = field(default_factory=dict[str, Rendering])

    def clone(self, url: str, ref: str, location: str) -> str:
        """Clone the template, but a release only once."""
        if not re.fullmatch(r"v[\d.]+", ref):
            return clone_anew(url, ref, location=location)
        if (url, ref) not in self.clones:
            into = mkdtemp(prefix="clone-", dir=self.folder)
            self.clones[url, ref] = clone_anew(url, ref, location=into)
        return self.clones[url, ref]

    def has(self, template: Template) -> bool:
        """Return whether a template is a clone that nobody changes any more."""
        return template.vcs == "git" and str(template.local_abspath) in self.clones.values()

    def say(self, name: str, compute: Callable[[Template], object], template: Template) -> object:
        """Return what there is to know of a template."""
        if not self.has(template):
            return compute(template)
        key = (name, template.local_abspath)
        if key not in self.said:
            self.said[key] = compute(template)
        return self.said[key]

    def find(self, url: str) -> str | None:
        """Return where git finds a template."""
        found = self.found.get(url)
        if found is None or not Path(url, ".git").exists():
            found = self.found[url] = find_anew(url)
        return found

    def render(self, worker: Worker) -> None:
        """Render a template, of which Jinja's part is kept, and which paths it writes."""
        if not self.has(worker.template):
            render_anew(worker)
            return
        rendering = self.renderings.setdefault(_name(worker), Rendering(self.texts))
        excluded = (operation.get(), *dict.fromkeys(worker.all_exclusions))
        environment = worker.jinja_env
        worker.jinja_env = cast("SandboxedEnvironment", KeptEnvironment(environment, rendering))
        try:
            if excluded not in rendering.steps:
                rendering.steps[excluded] = _recorded(worker)
            else:
                for step in rendering.steps[excluded]:
                    step(worker)
        finally:
            worker.jinja_env = environment


def _name(worker: Worker) -> str:
    """Name all that files and their paths are made of.

    Only a default and a message have the folder in them, so it is left out.
    """
    remembered = remember_anew(worker)
    combined = worker.answers.combined
    answers = {name: combined[name] for name in sorted(combined) if name not in NO_ANSWERS}
    return repr((worker.template.local_abspath, remembered, answers))


def _recorded(worker: Worker) -> list[Step]:
    """Render a template, and return which of Copier's methods did it."""
    steps: list[Step] = []

    def record(name: str) -> Callable[..., None]:
        method = cast("Callable[..., None]", vars(Worker)[name])

        def run(*arguments: object, **named: object) -> None:
            steps.append(lambda other: method(other, *arguments, **named))
            method(worker, *arguments, **named)

        return run

    methods = {name: record(name) for name in ("_render_folder", "_render_file")}
    vars(worker).update(methods)
    try:
        render_anew(worker)
    finally:
        for name in methods:
            del vars(worker)[name]
    return steps


@contextmanager
def kept_for_updates(folder: Path) -> Generator[None]:
    """Keep what updates from releases have in common.

    Copier also asks git after each file whether it sees modes, a quarter of an update's time: the
    answer is always the same.
    """
    kept = Kept(folder.resolve())

    def render(worker: Worker) -> None:
        kept.render(worker)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("copier._template.clone", kept.clone)
        patch.setattr("copier._template.get_repo", kept.find)
        patch.setattr("copier._main.TemporaryDirectory", partial(TemporaryDirectory, dir=memory()))
        patch.setattr(Worker, "_sync_git_index_executable_bit", _nothing)
        patch.setattr(Worker, "_render_template", render)
        for name in SAID:
            compute = cast("cached_property[object]", vars(Template)[name]).func
            once = cached_property(partial(kept.say, name, compute))
            once.__set_name__(Template, name)
            patch.setattr(Template, name, once)
        yield


def _nothing(*_: object) -> None:
    """Do nothing."""
