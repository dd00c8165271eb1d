"""An inventory of generated projects: `python -m extensions fleet`."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from extensions.contract.questionnaire import (
    ROOT,
    Answer,
    InvalidAnswersError,
    Questionnaire,
    answer_text,
    read,
)
from extensions.maintenance.releases import Release, releases
from extensions.maintenance.revisions import is_tagged

__all__ = ["Service", "as_table", "inventory"]

_SKIPPED = frozenset({".git", ".venv", "node_modules"})
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+)")


@dataclass(frozen=True, kw_only=True)
class Service:
    """One generated project.

    Attributes:
        place: The folder of the project, or the name of its repository.
        release: The release that it was made from; None if it is not one of this template.
        behind: The newer releases, oldest first.
        answers: Its answers that differ from the defaults, without free text.
        problems: One line for everything that prevents an update.
    """

    place: str
    release: str | None
    behind: tuple[str, ...]
    answers: Mapping[str, Answer]
    problems: tuple[str, ...]


def inventory(places: Iterable[Path], root: Path = ROOT) -> list[Service]:
    """List the projects in checkouts, or in files of repositories with their answers.

    Args:
        places: Folders that are searched for answers files, and YAML or JSON files that map the
            name of each repository to its answers.
        root: The folder that holds `copier.yml`.

    Returns:
        The projects, those furthest behind first.
    """
    newest, *older = releases(root)
    known = (newest, *older) if is_tagged(newest, root) else tuple(older)
    found = [
        _service(name, content, read(root), known)
        for place in places
        for name, content in _contents(place)
    ]
    return sorted(found, key=lambda each: (-len(each.behind), each.place))


def _contents(place: Path) -> Iterator[tuple[str, object]]:
    if place.is_file():
        listed = _parsed(place)
        repositories = cast("dict[object, object]", listed) if isinstance(listed, dict) else {}
        if not repositories:
            yield str(place), None
        yield from ((str(name), answers) for name, answers in repositories.items())
        return
    files = sorted(_answers_files(place))
    yield from ((str(file.parent), _parsed(file)) for file in files)
    if not files:
        yield str(place), None


def _answers_files(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        yield from (Path(path, name) for name in files if name.startswith(".copier-answers"))


def _parsed(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError):
        return None


def _service(
    place: str, content: object, questionnaire: Questionnaire, known: tuple[Release, ...]
) -> Service:
    if not isinstance(content, dict):
        return Service(
            place=place, release=None, behind=(), answers={}, problems=("no answers file",)
        )
    stored = {str(key): value for key, value in cast("dict[Any, object]", content).items()}
    commit = _VERSION.match(str(stored.get("_commit", "")))
    made = next((each for each in known if commit and each.version == commit[1]), None)
    problems = [] if made else [f"_commit: {stored.get('_commit')} is no release of this template"]
    try:
        answers = questionnaire.complete(stored)
    except InvalidAnswersError as error:
        answers = {}
        problems += error.errors
    return Service(
        place=place,
        release=made.version if made else None,
        behind=tuple(
            each.version for each in reversed(known) if made and each.number > made.number
        ),
        answers={
            each.name: answers[each.name]
            for each in questionnaire.questions
            if each.values and answers.get(each.name, each.default) != each.default
        },
        problems=tuple(problems),
    )


def as_table(services: Iterable[Service]) -> str:
    """Describe an inventory as a Markdown table.

    Args:
        services: The projects.

    Returns:
        The lines of the table.
    """
    rows = [
        (
            each.place,
            each.release or "?",
            f"{len(each.behind)} ({', '.join(each.behind)})" if each.behind else "0",
            ", ".join(f"{name}={answer_text(value)}" for name, value in each.answers.items()),
            "; ".join(each.problems),
        )
        for each in services
    ]
    head = ("project", "release", "behind", "answers", "problems")
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(map(_escape, cells))} |" for cells in lines)


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|")
