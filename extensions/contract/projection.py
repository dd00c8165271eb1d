"""Projects rendered file by file, without Copier.

Rendering a file for one combination of answers costs a fraction of a copy, and files that read the
same answers are rendered once. A test compares the result with what Copier writes.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from extensions.contract.questionnaire import Answer, Answers, Questionnaire, read

__all__ = [
    "ANSWERS_FILE",
    "Files",
    "Projection",
    "Reads",
    "answers_file_of",
    "project",
    "reads_of",
    "sources",
    "text_of",
]

ANSWERS_FILE = ".copier-answers.yml"
COPIER = {"_copier_conf": {"answers_file": ANSWERS_FILE}}

type Files = dict[str, str]
"""The text of each file of a project, by its path."""

type Reads = Mapping[Path, tuple[str, ...]]
"""The answers that each file of a template depends on."""


def sources(questionnaire: Questionnaire) -> tuple[Path, ...]:
    """List the files of a template except the answers file, which only Copier can write.

    Args:
        questionnaire: The template's questionnaire.

    Returns:
        The sorted paths.
    """
    folder = questionnaire.root / questionnaire.settings.subdirectory
    files = (path for path in folder.rglob("*") if path.is_file())
    return tuple(sorted(path for path in files if "answers_file" not in path.name))


def project(source: Path, answers: Answers, questionnaire: Questionnaire) -> tuple[str, str] | None:
    """Render one file for one combination.

    Args:
        source: The file, under the template's folder.
        answers: The answers to all questions.
        questionnaire: The template's questionnaire.

    Returns:
        Its path in the project and its text, or None if the answers leave it out.
    """
    context = {**answers, **COPIER}
    suffix = questionnaire.settings.templates_suffix
    name, steps, text = _read(source, questionnaire.root, questionnaire.settings.subdirectory)
    parts = [questionnaire.render(f"the name {step}", step, context) for step in steps]
    path = "/".join(parts).removesuffix(suffix)
    is_named = all(part.removesuffix(suffix) for part in parts)
    if not is_named or questionnaire.excludes(path, answers):
        return None
    return path, text_of(name, text, answers, questionnaire)


def text_of(name: str, text: str, answers: Answers, questionnaire: Questionnaire) -> str:
    """Render the text of a template file.

    Args:
        name: The file's name, which says whether it is a template.
        text: Its text.
        answers: The answers to all questions.
        questionnaire: The template's questionnaire.

    Returns:
        The text in the project.
    """
    is_template = name.endswith(questionnaire.settings.templates_suffix)
    return questionnaire.render(name, text, {**answers, **COPIER}) if is_template else text


def answers_file_of(
    answers: Answers, metadata: Mapping[str, str], questionnaire: Questionnaire
) -> str:
    """Render the answers file of a project as Copier does.

    Args:
        answers: The answers to all questions.
        metadata: `_commit` and `_src_path`: the release and the address of the template.
        questionnaire: The template's questionnaire.

    Returns:
        The text of `.copier-answers.yml`.
    """
    folder = questionnaire.root / questionnaire.settings.subdirectory
    (source,) = folder.glob("*answers_file*")
    name, _, text = _read(source, questionnaire.root, questionnaire.settings.subdirectory)
    stored = {**metadata, **questionnaire.asked(answers)}
    context = {**answers, **COPIER, "_copier_answers": stored}
    return questionnaire.render(name, text, context)


@cache
def _read(source: Path, root: Path, subdirectory: str) -> tuple[str, tuple[str, ...], str]:
    """Return the name of a file, with each step of its path, and its text."""
    steps = source.relative_to(root / subdirectory).parts
    return str(source.relative_to(root)), steps, source.read_text(encoding="utf-8")


@cache
def reads_of(root: Path) -> Reads:
    """Find the answers that each file depends on, also those that decide about its folders.

    Args:
        root: The folder that holds `copier.yml`.

    Returns:
        The sorted names of the stored answers, by file.
    """
    questionnaire = read(root)
    stored = {each.name for each in questionnaire.questions if each.is_stored}
    return {
        source: tuple(sorted(questionnaire.answers_read(source) & stored))
        for source in sources(questionnaire)
    }


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Renders whole projects, each file once for the answers it reads.

    Attributes:
        questionnaire: The template's questionnaire.
        reads: The answers that each file depends on; by default found in the files.
        limit: The number of renderings to keep, the newest ones; by default all.
    """

    questionnaire: Questionnaire
    reads: Reads = field(default_factory=dict[Path, tuple[str, ...]])
    limit: float = math.inf
    _rendered: dict[tuple[Path, tuple[Answer, ...]], tuple[str, str] | None] = field(
        default_factory=dict[tuple[Path, tuple[Answer, ...]], tuple[str, str] | None]
    )

    @property
    def sources(self) -> Iterable[Path]:
        """The files of the template."""
        return self._reads.keys()

    def files(self, answers: Answers, among: Iterable[Path] | None = None) -> Files:
        """Render a project.

        Args:
            answers: The answers to all questions.
            among: The sources to render; by default all.

        Returns:
            Its files.
        """
        wanted = self.sources if among is None else among
        return dict(filter(None, (self.file(source, answers) for source in wanted)))

    def file(self, source: Path, answers: Answers) -> tuple[str, str] | None:
        """Render one file, unless it was rendered for these answers.

        Args:
            source: The file, under the template's folder.
            answers: The answers to all questions.

        Returns:
            Its path in the project and its text, or None if the answers leave it out.
        """
        key = (source, tuple(answers[name] for name in self._reads[source]))
        if key not in self._rendered:
            self._rendered[key] = project(source, answers, self.questionnaire)
            if len(self._rendered) > self.limit:
                del self._rendered[next(iter(self._rendered))]
        return self._rendered[key]

    @cached_property
    def _reads(self) -> Reads:
        return self.reads or reads_of(self.questionnaire.root)
