"""The effect of a template change on projects, from their files before and after.

Only text is compared: no process, no git and no file is needed, so a page in a browser can run this
module too.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from typing import Any

from extensions.contract.selections import Selection

__all__ = ["Change", "Comparison", "Hunk", "compare"]

_ENOUGH = 0.5
"""The part of its lines that a moved file keeps at least, as for git."""

_CONTEXT = 2
_EVERYWHERE: Selection = -1
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SETTING = re.compile(r"^#?\s?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)

type _Files = Mapping[str, str]
type _Places = Mapping[str, Selection]
type _Texts = dict[str, dict[str, Selection]]
"""The combinations with each text of each file."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Something that comes, goes or changes.

    Attributes:
        name: The file, package, setting or answer.
        old: Its old value or place, if it had one.
        new: Its new value or place, if it has one.
        where: The combinations in which it changes.
    """

    name: str
    old: str | None = None
    new: str | None = None
    where: Selection


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """A distinct change of lines.

    Attributes:
        removed: The lines that go.
        added: The lines that come.
        before: Lines above it, in the first place where it occurs.
        after: Lines below it, there.
        places: The combinations in which it occurs, by file.
    """

    removed: tuple[str, ...]
    added: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    places: Mapping[str, Selection]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All differences between projects before and after a change of the template.

    Attributes:
        where: The combinations with any difference.
        new: The files that come.
        gone: The files that go.
        moved: The files that move; `old` and `new` are their places.
        changed: The files that change in their place.
        packages: The packages that come, go or change their version.
        settings: The settings that come, go or change their default.
        hunks: Each distinct change of lines in moved and changed files.
    """

    where: Selection
    new: tuple[Change, ...]
    gone: tuple[Change, ...]
    moved: tuple[Change, ...]
    changed: tuple[Change, ...]
    packages: tuple[Change, ...]
    settings: tuple[Change, ...]
    hunks: tuple[Hunk, ...]


def compare(
    old: Sequence[_Files], new: Sequence[_Files], moved: Mapping[str, str] | None = None
) -> Comparison:
    """Compare projects before and after a change of the template.

    Args:
        old: The files of each project before, by path.
        new: The files of the same projects after, in the same order.
        moved: The known new place of files; other moves are found by their text.

    Returns:
        The differences.
    """
    before, after = _texts(old), _texts(new)
    gone = _without(before, after)
    come = _without(after, before)
    moves = _moves(before, after, gone, come, moved or {})
    hunks = _Hunks()
    for move in moves:
        source, place = move.name, str(move.new)
        gone[source] &= ~move.where
        come[place] &= ~move.where
        hunks.add(f"{source} → {place}", before[source], after[place], move.where)
    both = sorted(before.keys() & after.keys())
    changed = {path: hunks.add(path, before[path], after[path], _EVERYWHERE) for path in both}
    lists = [_changes(each) for each in (come, gone, changed)]
    return Comparison(
        where=_union(change.where for each in (*lists, moves) for change in each),
        new=lists[0],
        gone=lists[1],
        moved=moves,
        changed=lists[2],
        packages=_values(old, new, "pyproject.toml", _packages),
        settings=_values(old, new, ".env.example", _settings),
        hunks=hunks.found(),
    )


# --------------------------------------------------------------------------------------- files


def _texts(projects: Sequence[_Files]) -> _Texts:
    found: _Texts = {}
    for index, files in enumerate(projects):
        for path, text in files.items():
            texts = found.setdefault(path, {})
            texts[text] = texts.get(text, 0) | 1 << index
    return found


def _without(texts: _Texts, others: _Texts) -> dict[str, Selection]:
    """Return where each file exists on one side only."""
    return {path: _having(texts, path) & ~_having(others, path) for path in texts}


def _having(texts: _Texts, path: str) -> Selection:
    return _union(texts.get(path, {}).values())


def _union(selections: Iterable[Selection]) -> Selection:
    found = 0
    for each in selections:
        found |= each
    return found


def _changes(places: Mapping[str, Selection]) -> tuple[Change, ...]:
    return tuple(Change(name=name, where=places[name]) for name in sorted(places) if places[name])


def _moves(
    before: _Texts,
    after: _Texts,
    gone: Mapping[str, Selection],
    come: Mapping[str, Selection],
    known: Mapping[str, str],
) -> tuple[Change, ...]:
    """Pair files that go with files that come: the known pairs, then the most similar ones."""
    pairs = [(2.0, path, known[path]) for path in known]
    for path in (path for path in gone if gone[path] and path not in known):
        for place in (place for place in come if gone[path] & come[place]):
            likeness = _likeness(next(iter(before[path])), next(iter(after[place])))
            pairs += [(likeness, path, place)] if likeness >= _ENOUGH else []
    found: dict[str, Change] = {}
    taken: set[str] = set()
    for _, path, place in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:])):
        where = gone.get(path, 0) & come.get(place, 0)
        if where and path not in found and place not in taken:
            found[path] = Change(name=path, old=path, new=place, where=where)
            taken.add(place)
    return tuple(found[path] for path in sorted(found))


def _likeness(text: str, other: str) -> float:
    """Return the part of the lines that two texts share."""
    lines, others = (Counter(filter(str.strip, each.splitlines())) for each in (text, other))
    return 2 * (lines & others).total() / ((lines.total() + others.total()) or 1)


# --------------------------------------------------------------------------------------- lines


class _Hunks:
    """Collects distinct changes of lines."""

    def __init__(self) -> None:
        self._places: dict[tuple[tuple[str, ...], ...], dict[str, Selection]] = {}
        self._context: dict[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]] = {}

    def add(self, name: str, old: _Places, new: _Places, among: Selection) -> Selection:
        """Add the changes of a file, and return the combinations in which it changes."""
        found = 0
        for text, before in old.items():
            for other, after in new.items():
                where = before & after & among
                if where and text != other:
                    self._compare(name, text.splitlines(), other.splitlines(), where)
                    found |= where
        return found

    def _compare(self, name: str, old: list[str], new: list[str], where: Selection) -> None:
        matcher = SequenceMatcher(None, old, new, autojunk=False)
        for kind, start, end, first, last in matcher.get_opcodes():
            if kind != "equal":
                key = (tuple(old[start:end]), tuple(new[first:last]))
                places = self._places.setdefault(key, {})
                places[name] = places.get(name, 0) | where
                context = (new[max(first - _CONTEXT, 0) : first], new[last : last + _CONTEXT])
                self._context.setdefault(key, (tuple(context[0]), tuple(context[1])))

    def found(self) -> tuple[Hunk, ...]:
        """Return the changes in the order of their first file."""
        return tuple(
            Hunk(
                removed=key[0],
                added=key[1],
                before=self._context[key][0],
                after=self._context[key][1],
                places=places,
            )
            for key, places in sorted(self._places.items(), key=lambda item: min(item[1]))
        )


# -------------------------------------------------------------------------------------- values


def _values(
    old: Sequence[_Files],
    new: Sequence[_Files],
    path: str,
    parse: Callable[[str], Mapping[str, str]],
) -> tuple[Change, ...]:
    """Compare the values that a file declares in each project."""
    found: dict[tuple[str, str | None, str | None], Selection] = {}
    for index, files in enumerate(zip(old, new, strict=True)):
        before, after = (parse(each.get(path, "")) for each in files)
        for name in before.keys() | after.keys():
            if before.get(name) != after.get(name):
                key = (name, before.get(name), after.get(name))
                found[key] = found.get(key, 0) | 1 << index
    return tuple(
        Change(name=key[0], old=key[1], new=key[2], where=found[key])
        for key in sorted(found, key=lambda key: (key[0], *map(str, key[1:])))
    )


@cache
def _packages(text: str) -> dict[str, str]:
    """Return the requirements of a project, by package."""
    declared: dict[str, Any] = tomllib.loads(text)
    groups: dict[str, list[Any]] = declared.get("dependency-groups", {})
    listed: list[Any] = declared.get("project", {}).get("dependencies", [])
    found = [*(line for group in groups.values() for line in group), *listed]
    return dict(_split(line) for line in found if isinstance(line, str))


def _split(requirement: str) -> tuple[str, str]:
    name = _PACKAGE.match(requirement)
    assert name, requirement
    return name[0], requirement[name.end() :]


@cache
def _settings(text: str) -> dict[str, str]:
    """Return the defaults of the settings."""
    return dict(_SETTING.findall(text))
