"""Differences between two renderings of a project, file by file."""

import difflib
from collections.abc import Mapping
from typing import Literal, TypedDict

__all__ = ["Difference", "differences"]


class Difference(TypedDict):
    """The difference of one file.

    Attributes:
        path: Its path in the project.
        status: Whether it is added, changed or removed.
        lines: The lines of its unified diff, after the two with the names.
    """

    path: str
    status: Literal["added", "changed", "removed"]
    lines: list[str]


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    """Compare two renderings.

    Args:
        before: The texts by path.
        after: The texts by path of the other rendering.

    Returns:
        The files that differ, sorted by path.
    """
    differing = (path for path in {**before, **after} if before.get(path) != after.get(path))
    return [_difference(path, before.get(path), after.get(path)) for path in sorted(differing)]


def _difference(path: str, before: str | None, after: str | None) -> Difference:
    return Difference(
        path=path,
        status="added" if before is None else "removed" if after is None else "changed",
        lines=list(difflib.unified_diff(_lines(before), _lines(after), lineterm=""))[2:],
    )


def _lines(text: str | None) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
