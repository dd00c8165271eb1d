"""Cache of Copier's work on updates: clones, and the results of git and Jinja for them.

An update renders a project three times: the old release, the new release in its place, and the new
release next to it. Usually another test has already rendered the same release and answers.
Changes to a project are never cached: Copier and git decide each time which files to overwrite,
skip, delete or merge. Updates by the plain command line run in separate processes without this
cache.
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
"""Properties that Copier reads from a clone by git processes or YAML."""

NO_ANSWERS = ("_external_data", "make_secret", "now")
"""Context that Copier adds to the answers and the template does not use."""


@dataclass
class Rendering:
    """Jinja's results for a template and some answers.

    Attributes:
        texts: The texts of all renderings, deduplicated.
        files: The text of each file of the template.
        steps: The writing steps, by exclusions.
    """

    texts: dict[str, str]
    files: dict[str, str] = field(default_factory=dict[str, str])
    steps: dict[tuple[str, ...], list[Step]] = field(
        default_factory=dict[tuple[str, ...], list[Step]]
    )

    def text(self, name: str, compute: Callable[[], str]) -> str:
        """Return the text of a file, computed on first use."""
        if name not in self.files:
            text = compute()
            self.files[name] = self.texts.setdefault(text, text)
        return self.files[name]


class KeptEnvironment:
    """Replacement for Copier's Jinja environment while files are rendered."""

    def __init__(self, environment: Environment, rendering: Rendering) -> None:
        self._environment = environment
        self._rendering = rendering

    def __getattr__(self, name: str) -> object:
        """Delegate everything else to the environment."""
        return getattr(self._environment, name)

    def get_template(self, name: str) -> "KeptFile":
        """Return a template file that renders from the cache."""
        return KeptFile(name, self._environment, self._rendering)


@dataclass(frozen=True)
class KeptFile:
    """A file of the template."""

    name: str
    environment: Environment
    rendering: Rendering

    def render(self, **context: object) -> str:
        """Return the cached text, or render it."""
        template = self.environment.get_template
        return self.rendering.text(self.name, lambda: template(self.name).render(**context))


@dataclass
class Kept:
    """The cache of a worker.

    Attributes:
        folder: The folder of clones.
        clones: The clone of each release of each template.
        said: The properties of each clone.
        found: The git URL of each template.
        texts: The texts of all renderings, deduplicated.
        renderings: Jinja's results, by all their inputs.
    """

    folder: Path
    clones: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    said: dict[tuple[str, Path], object] = field(default_factory=dict[tuple[str, Path], object])
    found: dict[str, str | None] = field(default_factory=dict[str, str | None])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    renderings: dict[str, Rendering] = field(default_factory=dict[str, Rendering])

    def clone(self, url: str, ref: str, location: str) -> str:
        """Clone the template, and each release only once."""
        if not re.fullmatch(r"v[\d.]+", ref):
            return clone_anew(url, ref, location=location)
        if (url, ref) not in self.clones:
            into = mkdtemp(prefix="clone-", dir=self.folder)
            self.clones[url, ref] = clone_anew(url, ref, location=into)
        return self.clones[url, ref]

    def has(self, template: Template) -> bool:
        """Check for a cached clone, which no longer changes."""
        return template.vcs == "git" and str(template.local_abspath) in self.clones.values()

    def say(self, name: str, compute: Callable[[Template], object], template: Template) -> object:
        """Return a property of a template."""
        if not self.has(template):
            return compute(template)
        key = (name, template.local_abspath)
        if key not in self.said:
            self.said[key] = compute(template)
        return self.said[key]

    def find(self, url: str) -> str | None:
        """Return the URL at which git finds a template."""
        found = self.found.get(url)
        if found is None or not Path(url, ".git").exists():
            found = self.found[url] = find_anew(url)
        return found

    def render(self, worker: Worker) -> None:
        """Render a template, using cached texts and paths."""
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
    """Return a key of all inputs of the files and their paths.

    The folder affects only a default and a message, so it is left out.
    """
    remembered = remember_anew(worker)
    combined = worker.answers.combined
    answers = {name: combined[name] for name in sorted(combined) if name not in NO_ANSWERS}
    return repr((worker.template.local_abspath, worker.answers_file, remembered, answers))


def _recorded(worker: Worker) -> list[Step]:
    """Render a template, and return the recorded calls of Copier's methods."""
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
    """Cache the parts that updates from releases have in common.

    Copier also queries git's file mode setting after each file, a quarter of an update's time; the
    answer never changes.
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
