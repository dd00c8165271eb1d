"""Selection of the tests that a change affects: `uv run pytest --changed[=REV]`.

Each template file that may render differently from REV is rendered before and after, for every
tested combination of the answers it reads. A test of one combination is selected unless all its
files are equal; all other tests of the template are selected if anything in the template changed.
A changed file that no rule covers selects everything.
"""

import io
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import cast

import pytest

from extensions.contract.crossing import combinations_of
from extensions.contract.questionnaire import (
    ALONGSIDE,
    ROOT,
    Answer,
    Answers,
    InvalidAnswersError,
    Question,
    Questionnaire,
    read,
)
from tests.support.projection import project, sources
from tests.support.projects import BLOCKS, PEOPLE, batches, combinations, runnable

__all__ = ["Changes", "changes_since"]

BASE = ("merge-base", "main", "HEAD")
TEMPLATE = ("template", "extensions", "copier.yml")
RENDERED = ("template/*", "extensions/*.jinja", "copier.yml")
DOCUMENTATION = ("house/test_documentation", "house/test_english", "updates/test_fleet")
CONCERNED: Mapping[str, Sequence[str]] = {
    "*.md": DOCUMENTATION,
    ".agents/*": ("delivery/test_skills", "house/test_agent_files"),
    ".ci/run": ("house/test_changed", "house/test_english"),
    ".claude/*": ("house/test_agent_files",),
    ".github/*": (
        "house/test_changed",
        "house/test_difference",
        "house/test_english",
        "rendering/test_files",
        "updates/test_fleet",
        "updates/test_releases",
    ),
    "CHANGELOG.md": ("house/test_difference",),
    "LICENSE": (),
    "bench/*": ("house/test_bench", "house/test_english", "house/test_front_page"),
    "cliff.toml": (),
    "docs/*": DOCUMENTATION,
    "docs/adopting.md": ("updates/test_adopting",),
    "docs/decisions*": ("house/test_decisions",),
    "docs/blocks*": ("start/test_projects",),
    "docs/blocks/example.md": ("updates/test_resources",),
    "docs/blocks/auth.md": ("updates/test_switches_running",),
    "docs/fleet.md": ("delivery/test_readme",),
    "docs/house-standards.md": ("updates/test_house_standards",),
    "docs/pictures/*": ("house/test_front_page", "delivery/test_pictures"),
    "docs/own-blocks.md": ("updates/test_fleet",),
    "docs/updating.md": (
        "updates/test_updates",
        "updates/test_hidden",
        "updates/test_unusual",
        "delivery/test_readme",
    ),
    "README.md": ("house/test_front_page", "delivery/test_pictures", "delivery/test_readme"),
    "llms.txt": ("house/test_agent_files",),
    "start/*": (
        "house/test_english",
        "house/test_front_page",
        "house/test_layout",
        "start/test_page",
        "start/test_projects",
    ),
    "tests/mutations/*": ("house/test_documentation", "house/test_english", "house/test_mutations"),
    "releases.toml": (
        *DOCUMENTATION,
        "answers/test_command_line",
        "house/test_difference",
        "updates/test_releases",
    ),
}
"""The test modules that read unrendered files, by pattern; all matching patterns apply.

Modules are relative to `tests/`, without suffix.
"""

type Selection = tuple[tuple[str, ...], frozenset[tuple[Answer, ...]]]
"""The questions that changed files read, and the answers that leave all these files unchanged."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Differences from a revision, as plain values that can be sent to pytest's workers.

    Attributes:
        revision: The base revision, as entered.
        paths: The files that changed.
        is_everything: Whether any test may be affected.
        is_template: Whether a rendered file, or one that controls rendering, changed.
        modules: The test modules that read a changed file.
        selections: The unchanged answers of the changed files.
    """

    revision: str
    paths: tuple[str, ...]
    is_everything: bool = False
    is_template: bool = False
    modules: frozenset[str] = frozenset()
    selections: tuple[Selection, ...] = ()

    def concern(self, item: pytest.Item) -> bool:
        """Check for a test that must run again."""
        if self.is_everything or module_of(item) in self.modules:
            return True
        found = list(_combinations_of(item))
        return any(map(self.has_changed, found)) if found else self.is_template

    def has_changed(self, answers: Answers) -> bool:
        """Check for any difference in a combination."""
        return self.is_everything or any(
            tuple(answers[name] for name in names) not in same for names, same in self.selections
        )

    def __str__(self) -> str:
        found = [any(map(self.has_changed, each)) for each in batches()]
        each = [self.has_changed(answers) for answers in combinations()]
        others = self._others()
        shown = [*self.paths[:3], *(["…"] if self.paths[3:] else [])]
        return (
            f"--changed={self.revision}: {sum(each)} of {len(each)} combinations, "
            f"{sum(found)} of {len(found)} batches of types, {others}; "
            + (f"because of {', '.join(shown)}" if shown else "nothing differs")
        )

    def _others(self) -> str:
        if self.is_everything or self.is_template:
            return "all other tests"
        return f"also {', '.join(sorted(self.modules))}" if self.modules else "no other tests"


def module_of(item: pytest.Item) -> str:
    """Return the module of a test, as named in `CONCERNED`."""
    return item.nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")


def _combinations_of(item: pytest.Item) -> Iterator[Answers]:
    """Return the combinations that a test covers, if it depends on nothing else."""
    parameters = getattr(item, "callspec", None)
    for name, value in parameters.params.items() if parameters else ():
        if name in {"answers", "batch"}:
            found = cast("Iterable[Answers]", [value] if name == "answers" else value)
            yield from (each for each in found if {*BLOCKS} <= each.keys())


def changes_since(revision: str, root: Path = ROOT) -> Changes:
    """Compare the template and its tests in the working tree with a revision.

    Args:
        revision: Any name of a commit; by default the merge base with main.
        root: The repository.

    Returns:
        The differences.

    Raises:
        pytest.UsageError: If there is no such revision.
    """
    commit = _commit(root, revision)
    changed = ("diff", "--name-only", "--no-renames", "-z", commit)
    added = ("ls-files", "--others", "--exclude-standard", "-z")
    paths = sorted(filter(None, (_git(root, *changed) + _git(root, *added)).decode().split("\0")))
    matching = {
        path: [pattern for pattern in (*RENDERED, *CONCERNED) if fnmatchcase(path, pattern)]
        for path in paths
    }
    unknown = [path for path in paths if not matching[path] or "answers_file" in path]
    rendered = [path for path in paths if {*RENDERED} & {*matching[path]}]
    others = [pattern for path in paths if path not in rendered for pattern in matching[path]]
    return Changes(
        revision=revision or commit[:9],
        paths=tuple(unknown or rendered or paths),
        is_everything=bool(unknown),
        is_template=bool(rendered),
        modules=frozenset(module for pattern in others for module in CONCERNED[pattern]),
        selections=() if unknown or not rendered else _selections(root, commit),
    )


def _commit(root: Path, revision: str) -> str:
    named = ["rev-parse", "--verify", f"{revision}^{{commit}}"]
    try:
        return _git(root, *(named if revision else BASE)).decode().strip()
    except subprocess.CalledProcessError as error:
        hint = "Write --changed=REV, or put --changed after the files."
        raise pytest.UsageError(
            f"--changed: There is no revision {revision or 'main'}. {hint}"
        ) from error


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout


# --------------------------------------------------------------------------------- combinations


def _selections(root: Path, commit: str) -> tuple[Selection, ...]:
    with tempfile.TemporaryDirectory(prefix="changed-") as folder:
        archive = io.BytesIO(_git(root, "archive", commit, *TEMPLATE))
        with tarfile.open(fileobj=archive) as files:
            files.extractall(folder, filter="data")
        now, then = _Tree(read(root)), _Tree(read(Path(folder)))
        known = ((answers, then.answers(answers)) for answers in _tested(now.questionnaire))
        tested = [(answers, before) for answers, before in known if before]
        changed = [each for each in now.names | then.names if now.origin(each) != then.origin(each)]
        return tuple(_selection(name, now, then, tested) for name in sorted(changed))


def _tested(questionnaire: Questionnaire) -> Iterator[Answers]:
    """Return the combinations, also with defaults and an available Python as suites use them."""
    alongside = {name: questionnaire.question(name).default for name in ALONGSIDE}
    for answers in combinations_of(questionnaire, PEOPLE):
        yield from (answers, runnable(answers), answers | alongside)


def _selection(
    name: str, now: "_Tree", then: "_Tree", tested: Iterable[tuple[Answers, Answers]]
) -> Selection:
    listed = {question.name for question in now.questionnaire.questions if question.values}
    names = tuple(sorted((now.answers_read(name) | then.answers_read(name)) & listed))
    found: dict[tuple[Answer, ...], bool] = {}
    for answers, before in tested:
        key = tuple(answers[each] for each in names)
        if key not in found:
            found[key] = now.rendered(name, answers) == then.rendered(name, before)
    return names, frozenset(key for key, is_same in found.items() if is_same)


class _Tree:
    """The template at one revision."""

    def __init__(self, questionnaire: Questionnaire) -> None:
        self.questionnaire = questionnaire
        self._questions = {each.name: each for each in questionnaire.questions}
        root = questionnaire.root
        self._files = {str(each.relative_to(root)): each for each in sources(root)}
        self._extensions = {
            str(each.relative_to(root)): each.read_text(encoding="utf-8")
            for each in (root / "extensions").glob("*.jinja")
        }

    @property
    def names(self) -> frozenset[str]:
        """The files, relative to the template's repository."""
        return frozenset(self._files)

    def answers_read(self, name: str) -> frozenset[str]:
        """Return the answers that a file depends on."""
        file = self._files.get(name)
        return self.questionnaire.answers_read(file) if file else frozenset()

    def answers(self, others: Answers) -> Answers | None:
        """Translate answers of the other revision, or return None if they are refused."""
        asked = (each.name for each in self._questions.values() if not each.is_computed)
        try:
            return self.questionnaire.complete(
                {name: others[name] for name in asked if name in others}
            )
        except InvalidAnswersError:
            return None

    def rendered(self, name: str, answers: Answers) -> tuple[str, str] | None:
        """Render a file, if it exists and the answers include it."""
        file = self._files.get(name)
        return project(file, answers, self.questionnaire) if file else None

    def origin(self, name: str) -> object:
        """Return all inputs of a file; equal inputs need no rendering."""
        if name not in self._files:
            return None
        found: dict[str, str] = {}
        waiting = {name: f"{name}\n{self._files[name].read_text(encoding='utf-8')}"}
        while waiting:
            key, text = waiting.popitem()
            found[key] = text
            waiting |= {each: text for each, text in self._named(text) if each not in found}
        return found, self.questionnaire.settings.envops

    def _named(self, text: str) -> Iterator[tuple[str, str]]:
        """Return the extensions that a text imports, and the questions it may name."""
        for name in self._extensions.keys() & {*re.findall(r"extensions/\w+\.jinja", text)}:
            yield name, self._extensions[name]
        for name in self._questions.keys() & {*re.findall(r"\w+", text)}:
            yield name, _definition(self._questions[name])


def _definition(question: Question) -> str:
    """Return the parts of a question that affect answers, without its wording."""
    parts = (question.type, question.default, question.choices, question.when, question.ask)
    return repr(parts)
