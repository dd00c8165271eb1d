"""Rendering by projection: each file for every combination of the answers it reads.

A file that reads three yes-or-no answers has at most eight versions, however many questions exist.
So every crossing of all answers is covered exactly at a fraction of the cost; another test checks
that Copier renders the same whole trees.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from extensions.contract import projection
from extensions.contract.questionnaire import ROOT, Answers, Questionnaire, read
from tests.support.projects import PEOPLE, QUESTIONNAIRE

__all__ = ["FOLDER", "Rendered", "files_of", "project", "sources", "text_of", "versions"]

FOLDER = ROOT / QUESTIONNAIRE.settings.subdirectory


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """One version of one file of the generated project."""

    path: str
    content: str
    answers: frozenset[tuple[str, str | bool]]


@cache
def sources(root: Path = ROOT) -> tuple[Path, ...]:
    """Return every file under `template/` except the answers file, which only Copier can write."""
    return projection.sources(read(root))


def versions(
    source: Path,
    questionnaire: Questionnaire = QUESTIONNAIRE,
    fixed: Mapping[str, object] = PEOPLE,
) -> Iterator[Rendered]:
    """Render a file for every combination of the answers it reads, and yield distinct results."""
    names = questionnaire.answers_read(source)
    seen: set[tuple[str, str]] = set()
    for answers in questionnaire.combinations(over=names, fixed=fixed):
        rendered = project(source, answers, questionnaire)
        if rendered is not None and rendered not in seen:
            seen.add(rendered)
            path, content = rendered
            chosen = frozenset((name, answers[name]) for name in names)
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
    """Render one file for one combination, or return None if the answers leave it out."""
    return projection.project(source, answers, questionnaire)


def text_of(
    name: str, text: str, answers: Answers, questionnaire: Questionnaire = QUESTIONNAIRE
) -> str:
    """Return the rendered text of a template file with these answers."""
    return projection.text_of(name, text, answers, questionnaire)
