"""The releases of the template, read from `releases.toml`: what was, and what its owners must know.

The tests update from every one of them, the release workflow makes their tags, and `CHANGELOG.md`
is written from them.
"""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from extensions.contract.questionnaire import ROOT

__all__ = ["Release", "changelog", "releases"]

_CHANGELOG = """\
# Changelog

What the owners of generated projects will notice, newest first. `copier update` brings it to them.
It is written from `releases.toml` by `python -m extensions docs`.
"""


class Release(BaseModel):
    """One release.

    Attributes:
        version: Its number, without the `v` of its tag.
        date: The day of its tag.
        notes: What the owners of projects must know, one sentence or more each.
        removed: The files that it drops, with `<package>` for the package's name.
        moved: The files that have another place in it, each with the new one.
        commit: The commit it was made from, unless its tag says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    date: date
    notes: Annotated[tuple[str, ...], Field(min_length=1)]
    removed: tuple[str, ...] = ()
    moved: dict[str, str] = Field(default_factory=dict[str, str])
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None

    @property
    def tag(self) -> str:
        """The name of its tag."""
        return f"v{self.version}"

    @property
    def number(self) -> tuple[int, ...]:
        """Its version, to be compared with others."""
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
        pydantic.ValidationError: An entry is not what it should be.
    """
    return _Releases.model_validate(tomllib.loads((root / "releases.toml").read_text())).releases


def changelog(entries: tuple[Release, ...]) -> str:
    """Write the changelog.

    Args:
        entries: The releases, newest first.

    Returns:
        The text of `CHANGELOG.md`.
    """
    return "\n".join([_CHANGELOG, *("\n".join(section(entry)) for entry in entries)])


def section(entry: Release) -> list[str]:
    """Write what one release brings.

    Args:
        entry: The release.

    Returns:
        The lines of its section.
    """
    removed = (f"- **Drops `{name}`**, with your edits of it." for name in entry.removed)
    moved = (
        f"- **Moves `{name}`** to `{place}`, without your edits of it."
        for name, place in entry.moved.items()
    )
    return [
        f"## {entry.version} ({entry.date})",
        "",
        *(f"- {note}" for note in entry.notes),
        *removed,
        *moved,
        "",
    ]
