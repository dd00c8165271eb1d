"""The changes that an update brings to one project, by the code of `python -m extensions diff`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, cast, override

import yaml
from yaml.nodes import Node

from extensions.contract.comparison import Change, Comparison, compare
from extensions.contract.projection import project, sources
from extensions.contract.questionnaire import Answers, InvalidAnswersError, Questionnaire, read
from start.differences import Difference

__all__ = [
    "Changes",
    "Listed",
    "MissingReleaseError",
    "Update",
    "between",
    "release_of",
    "source_of",
    "update",
]

_RELEASE = re.compile(r"v?(\d+\.\d+\.\d+)")
_UNREADABLE = (yaml.YAMLError, RecursionError, ValueError)
"""What PyYAML raises for text that is no YAML, too deep, or has an impossible date or number."""


class MissingReleaseError(LookupError):
    """The template of a release is not here yet.

    Attributes:
        version: The release.
    """

    def __init__(self, version: str) -> None:
        """Remember the release."""
        super().__init__(version)
        self.version = version


class Listed(TypedDict):
    """A release, as the page lists it.

    Attributes:
        version: Its version.
        moved: The files that it moves, by old place, with `<package>`.
    """

    version: str
    moved: dict[str, str]


class Changes(TypedDict):
    """The differences between a project's release and a newer one.

    Attributes:
        sections: By kind, one line for each file, package or setting that comes, goes or changes.
        files: The changed lines of each file; all lines of new ones.
    """

    sections: dict[str, list[str]]
    files: list[Difference]


class Update(Changes):
    """An update of a project.

    Attributes:
        versions: The releases that it brings, newest first.
        command: The shell command that updates the project.
        foreign: The address of the project's template, if its name is another one.
    """

    versions: list[str]
    command: str
    foreign: str


def release_of(text: str) -> str:
    """Read the release of a project.

    Args:
        text: Its answers file.

    Returns:
        The version.

    Raises:
        InvalidAnswersError: The text is no answers file, or its project is of no release.
    """
    commit = _parsed(text).get("_commit")
    if not isinstance(commit, str):
        raise InvalidAnswersError(["_commit: Missing. Paste a whole .copier-answers.yml."])
    found = _RELEASE.fullmatch(commit)
    if not found:
        raise InvalidAnswersError(
            [f"_commit: {commit} is not a release. Only releases are compared."]
        )
    return found[1]


def source_of(text: str) -> str:
    """Read the address of a project's template.

    Args:
        text: Its answers file.

    Returns:
        The address; empty if there is none.
    """
    source = _parsed(text).get("_src_path")
    return source if isinstance(source, str) else ""


def between(own: str, target: str, releases: Sequence[Listed]) -> Sequence[Listed]:
    """List the releases that an update brings.

    Args:
        own: The project's release.
        target: The release after the update.
        releases: The releases of the template, newest first.

    Returns:
        The releases after the project's own, up to the target.

    Raises:
        InvalidAnswersError: The project's release is newer, or unknown.
    """
    versions = [each["version"] for each in releases]
    if own not in versions:
        raise InvalidAnswersError([f"_commit: {own} is not a release of this template."])
    if versions.index(own) < versions.index(target):
        raise InvalidAnswersError(
            [f"_commit: The project is newer, of {own}. Copier does not go back to {target}."]
        )
    return releases[versions.index(target) : versions.index(own)]


def update(text: str, moved: Mapping[str, str], old: Path, new: Path) -> Changes:
    """Compare a project with itself after an update.

    Args:
        text: Its answers file.
        moved: The files that the releases move, by old place, with `<package>`.
        old: The template of its release.
        new: The template after the update.

    Returns:
        The differences.

    Raises:
        InvalidAnswersError: One of the releases does not accept the answers.
    """
    given = _parsed(text)
    if not given.keys() & _asked(read(old)):
        raise InvalidAnswersError(["answers: No question of this template is answered."])
    before = _complete(read(old), given)
    after = _complete(read(new), {**given, **before})
    package = str(before["package_name"])
    named = {_named(name, package): _named(place, package) for name, place in moved.items()}
    files = [_files(read(root), each) for root, each in ((old, before), (new, after))]
    found = compare(files[:1], files[1:], named)
    return Changes(sections=dict(_sections(found)), files=list(_lines(found, *files)))


class _Loader(yaml.SafeLoader):
    """Refuses aliases: answers have none, and a short text with many expands without end."""

    @override
    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases")
        return super().compose_node(parent, index)


def _parsed(text: str) -> dict[str, Any]:
    try:
        content: Any = yaml.load(text, _Loader)  # noqa: S506 -- a safe loader
    except _UNREADABLE:
        content = None
    if not isinstance(content, dict):
        raise InvalidAnswersError(["answers: Not an answers file. Paste a .copier-answers.yml."])
    return {str(name): value for name, value in cast("dict[object, Any]", content).items()}


def _complete(questionnaire: Questionnaire, given: Mapping[str, Any]) -> Answers:
    """Complete the answers that a release asks for; it may compute or not know the others."""
    asked = _asked(questionnaire)
    return questionnaire.complete({name: given[name] for name in given if name in asked})


def _asked(questionnaire: Questionnaire) -> set[str]:
    return {each.name for each in questionnaire.questions if not each.is_computed}


def _files(questionnaire: Questionnaire, answers: Answers) -> dict[str, str]:
    rendered = (project(each, answers, questionnaire) for each in sources(questionnaire))
    return dict(filter(None, rendered))


def _named(path: str, package: str) -> str:
    return path.replace("<package>", package)


def _sections(found: Comparison) -> Iterator[tuple[str, list[str]]]:
    kinds: dict[str, tuple[Change, ...]] = {
        "New files": found.new,
        "Removed files": found.gone,
        "Moved files": found.moved,
        "Packages": found.packages,
        "Settings": found.settings,
    }
    for title, changes in kinds.items():
        if changes:
            yield title, [_label(each) for each in changes]


def _label(change: Change) -> str:
    match change.old, change.new:
        case None, None:
            return change.name
        case None, new:
            return f"+ {change.name} {new}".rstrip()
        case old, None:
            return f"− {change.name} {old}".rstrip()
        case old, new if old == change.name:
            return f"{old} → {new}"
        case old, new:
            return f"{change.name} {old or '(empty)'} → {new or '(empty)'}"


def _lines(
    found: Comparison, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Difference]:
    """Yield the lines of each file: changed and moved ones by hunks, others as a whole."""
    changed: dict[str, list[str]] = {}
    for hunk in found.hunks:
        parts = ((" ", hunk.before), ("-", hunk.removed), ("+", hunk.added), (" ", hunk.after))
        lines = [f"{mark}{line}" for mark, part in parts for line in part]
        for place in hunk.places:
            changed.setdefault(place, []).extend(["@@", *lines])
    for place in sorted(changed):
        yield Difference(path=place, status="changed", lines=changed[place])
    for change in found.new:
        lines = [f"+{line}" for line in after[change.name].splitlines()]
        yield Difference(path=change.name, status="added", lines=lines)
    for change in found.gone:
        lines = [f"-{line}" for line in before[change.name].splitlines()]
        yield Difference(path=change.name, status="removed", lines=lines)
