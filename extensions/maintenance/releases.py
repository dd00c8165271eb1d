"""The template's releases and their notes, read from `releases.toml`.

The tests update from each release, the release workflow creates the tags, and `CHANGELOG.md` is
generated from the notes.
"""

import tomllib
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from extensions.contract.questionnaire import ROOT

__all__ = ["Release", "changelog", "releases"]

_CHANGELOG = """\
# Changelog

What owners of generated projects will notice, newest first. `copier update` brings it to a project.
Generated from `releases.toml` by `python -m extensions docs`.
"""


class Release(BaseModel):
    """One release.

    Attributes:
        version: Its version, without the `v` of the tag.
        date: The date of its tag.
        notes: What owners of projects must know, one or more sentences each.
        topics: The same by topic, for a release with many notes.
        removed: The files that it removes, with `<package>` for the package's name.
        moved: The files that it moves, by old path, with the new path.
        commit: The commit it was made from, unless its tag records it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    date: date
    notes: tuple[str, ...] = ()
    topics: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    removed: tuple[str, ...] = ()
    moved: dict[str, str] = Field(default_factory=dict[str, str])
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None

    @property
    def tag(self) -> str:
        """The name of its tag."""
        return f"v{self.version}"

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes, those of all topics included."""
        return (*self.notes, *chain.from_iterable(self.topics.values()))

    @property
    def number(self) -> tuple[int, ...]:
        """Its version as a sort key."""
        return tuple(map(int, self.version.split(".")))


class _Releases(BaseModel):
    model_config = ConfigDict(extra="forbid")

    releases: tuple[Release, ...]


def releases(root: Path = ROOT) -> tuple[Release, ...]:
    """Read the releases of a template.

    Args:
        root: The folder that holds `releases.toml`.

    Returns:
        The releases, newest first.

    Raises:
        pydantic.ValidationError: An entry is invalid.
    """
    return _Releases.model_validate(tomllib.loads((root / "releases.toml").read_text())).releases


def changelog(entries: tuple[Release, ...], difference: str) -> str:
    """Generate the changelog.

    Args:
        entries: The releases, newest first.
        difference: The lines that summarise what the newest release changes in projects.

    Returns:
        The text of `CHANGELOG.md`.
    """
    newest, *older = ("\n".join(section(entry)) for entry in entries)
    marked = f"<!-- difference -->\n{difference}<!-- end of difference -->\n"
    return "\n".join([_CHANGELOG, newest, marked, *older])


def section(entry: Release) -> list[str]:
    """Generate the changelog section of one release.

    Args:
        entry: The release.

    Returns:
        The lines of its section.
    """
    removed = (f"**Removes `{name}`**, including your edits." for name in entry.removed)
    moved = (
        f"**Moves `{name}`** to `{place}`, without your edits."
        for name, place in entry.moved.items()
    )
    topics = {"": entry.notes} | entry.topics
    files = "Files that move or go" if entry.topics else ""
    topics[files] = (*topics.get(files, ()), *removed, *moved)
    lines = [f"## {entry.version} ({entry.date})", ""]
    for topic, notes in topics.items():
        lines += [f"### {topic}", ""] if topic else []
        lines += [*(f"- {note}" for note in notes), ""] if notes else []
    return lines
