"""Rendering by projection: each file for every combination of the answers it reads.

A file that reads three yes-or-no answers has at most eight versions, however many questions exist.
So every crossing of all answers is covered exactly at a fraction of the cost; another test checks
that Copier renders the same whole trees.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from extensions.contract.questionnaire import ROOT, Answers, Questionnaire
from tests.support.projects import PEOPLE, QUESTIONNAIRE

__all__ = ["FOLDER", "Rendered", "files_of", "project", "sources", "text_of", "versions"]

SUFFIX = QUESTIONNAIRE.settings.templates_suffix
SUBDIRECTORY = QUESTIONNAIRE.settings.subdirectory
FOLDER = ROOT / SUBDIRECTORY
COPIER = {"_copier_conf": {"answers_file": ".copier-answers.yml"}}


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One version of one file of the generated project."""

    path: str
    content: str
    answers: frozenset[tuple[str, str | bool]]


@cache
def sources(root: Path = ROOT) -> tuple[Path, ...]:
    """Return every file under `template/` except the answers file, which only Copier can write."""
    files = (path for path in (root / SUBDIRECTORY).rglob("*") if path.is_file())
    return tuple(sorted(path for path in files if "answers_file" not in path.name))


def versions(
    source: Path,
    questionnaire: Questionnaire = QUESTIONNAIRE,
    fixed: Mapping[str, object] = PEOPLE,
) -> Iterator[Rendered]:
    """Render a file for every combination of the answers it reads, and yield distinct results."""
    read = questionnaire.answers_read(source)
    seen: set[tuple[str, str]] = set()
    for answers in questionnaire.combinations(over=read, fixed=fixed):
        rendered = project(source, answers, questionnaire)
        if rendered is not None and rendered not in seen:
            seen.add(rendered)
            path, content = rendered
            chosen = frozenset((name, answers[name]) for name in read)
            yield Rendered(path=path, content=content, answers=chosen)


def files_of(answers: Answers, among: Iterable[Path] | None = None) -> dict[str, str]:
    """Return the path and text of each file of a project.

    Args:
        answers: The answers of the project.
        among: The sources to render; by default all.
    """
    wanted = sources() if among is None else among
    return dict(filter(None, (project(source, answers) for source in wanted)))


def project(
    source: Path, answers: Answers, questionnaire: Questionnaire = QUESTIONNAIRE
) -> tuple[str, str] | None:
    """Render one file for one combination.

    Returns:
        Its path in the project and its text, or None if the answers leave it out.
    """
    context = {**answers, **COPIER}
    name, steps, text = _read(source, questionnaire.root)
    parts = [questionnaire.render(f"the name {step}", step, context) for step in steps]
    path = "/".join(parts).removesuffix(SUFFIX)
    is_named = all(part.removesuffix(SUFFIX) for part in parts)
    if not is_named or questionnaire.excludes(path, answers):
        return None
    return path, text_of(name, text, answers, questionnaire)


def text_of(
    name: str, text: str, answers: Answers, questionnaire: Questionnaire = QUESTIONNAIRE
) -> str:
    """Return the rendered text of a template file with these answers."""
    is_template = name.endswith(SUFFIX)
    return questionnaire.render(name, text, {**answers, **COPIER}) if is_template else text


@cache
def _read(source: Path, root: Path) -> tuple[str, tuple[str, ...], str]:
    """Return the name of a file, with each step of its path, and its text."""
    steps = source.relative_to(root / SUBDIRECTORY).parts
    return str(source.relative_to(root)), steps, source.read_text()
