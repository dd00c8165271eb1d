"""Reports of a comparison: text for a terminal, Markdown for a pull request, JSON for programs."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from extensions.contract.comparison import Change, Comparison, Hunk
from extensions.contract.selections import Combinations, Selection

__all__ = ["Report", "as_json", "as_markdown", "as_text", "summary"]

_ROOM = 200
"""Bytes for the line that says what was left out."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A comparison, and what is needed to describe it.

    Attributes:
        old: The name of the template's state before.
        new: The name of its state after; None for the working tree.
        combinations: The compared combinations.
        refused: The number of combinations that the new state no longer accepts.
        comparison: The differences.
        answers: The questions that come, go or change their default.
        unannounced: What the release notes must say, one sentence each.
    """

    old: str
    new: str | None
    combinations: Combinations
    refused: int
    comparison: Comparison
    answers: tuple[Change, ...]
    unannounced: tuple[str, ...]

    @property
    def title(self) -> str:
        """One line that names what is compared."""
        return f"Projects from {self.old} to {self.new or 'the working tree'}"

    @property
    def command(self) -> str:
        """The command that shows the whole report."""
        return " ".join(["python -m extensions diff", self.old, *filter(None, [self.new])])

    @property
    def scope(self) -> str:
        """The number of combinations, in one sentence."""
        total, changed = len(self.combinations.listed), self.comparison.where.bit_count()
        if total == 1:
            return "The project changes." if changed else "The project does not change."
        refused = f" {self.refused} others are no longer accepted." if self.refused else ""
        return f"{changed} of {total} combinations of answers change.{refused}"

    @property
    def sections(self) -> dict[str, tuple[Change, ...]]:
        """The differences by kind, without empty kinds."""
        found = self.comparison
        sections = {
            "new files": found.new,
            "removed files": found.gone,
            "moved files": found.moved,
            "changed files": found.changed,
            **_by_kind("packages", "packages with other versions", found.packages),
            **_by_kind("settings", "settings with another default", found.settings),
            **_by_kind("questions", "changed questions", self.answers),
        }
        return {title: changes for title, changes in sections.items() if changes}

    def where(self, selection: Selection) -> str:
        """Describe the combinations of a difference, and count them."""
        if len(self.combinations.listed) == 1:
            return ""
        return f"{self.combinations.describe(selection)} ({selection.bit_count()})"


def _by_kind(name: str, title: str, changes: Sequence[Change]) -> dict[str, tuple[Change, ...]]:
    return {
        f"new {name}": tuple(each for each in changes if each.old is None),
        f"removed {name}": tuple(each for each in changes if each.new is None),
        title: tuple(each for each in changes if None not in (each.old, each.new)),
    }


def _label(change: Change) -> str:
    """Name a change, with its old and new value."""
    if change.old == change.name:
        return f"{change.old} → {change.new}"
    match change.old, change.new:
        case None, None:
            return change.name
        case (None, value) | (value, None):
            return f"{change.name} {value}".strip()
        case _:
            return f"{change.name} {change.old or '(empty)'} → {change.new or '(empty)'}"


def _diff(hunk: Hunk) -> Iterator[str]:
    for mark, lines in (
        (" ", hunk.before),
        ("-", hunk.removed),
        ("+", hunk.added),
        (" ", hunk.after),
    ):
        yield from (f"{mark}{line}" for line in lines)


def _places(report: Report, hunk: Hunk) -> list[str]:
    return [f"{path}  {report.where(where)}".rstrip() for path, where in hunk.places.items()]


def summary(report: Report) -> Iterator[str]:
    """Describe a comparison in a few lines of Markdown.

    Args:
        report: The comparison.

    Yields:
        One line for each kind of difference: names of packages and settings, numbers of files.
    """
    for title, changes in report.sections.items():
        labels = dict.fromkeys(f"`{_label(each)}`" for each in changes)
        is_listed = not title.endswith("files")
        yield f"- {title}: " + (", ".join(labels) if is_listed else str(len(labels)))


def as_text(report: Report) -> str:
    """Describe a comparison for a terminal.

    Args:
        report: The comparison.

    Returns:
        The summary, then each distinct hunk with its files.
    """
    lines = [report.title, report.scope]
    lines += _titled("to be added to releases.toml", report.unannounced)
    for title, changes in report.sections.items():
        rows = [f"{_label(each)}  {report.where(each.where)}".rstrip() for each in changes]
        lines += _titled(f"{title}: {len(rows)}", rows)
    for hunk in report.comparison.hunks:
        lines += ["", *(f"@@ {place}" for place in _places(report, hunk)), *_diff(hunk)]
    return "\n".join([*lines, ""])


def _titled(title: str, rows: Sequence[str]) -> list[str]:
    return ["", title, *(f"    {row}" for row in rows)] if rows else []


def as_markdown(report: Report, limit: int | None = None) -> str:
    """Describe a comparison for a pull request.

    Args:
        report: The comparison.
        limit: The number of bytes that the text may have; hunks that exceed it are left out.

    Returns:
        The summary, then each distinct hunk with its files.
    """
    parts = ["\n".join(_head(report)), *("\n".join(each) for each in _details(report))]
    hunks = ["\n".join(_fenced(report, hunk)) for hunk in report.comparison.hunks]
    kept, room = 0, (limit or 0) - _ROOM - sum(len(part.encode()) + 1 for part in parts)
    for hunk in hunks:
        room -= len(hunk.encode()) + 1
        kept += limit is None or room >= 0
    opening = f"<details><summary>hunks: {len(hunks)}</summary>\n"
    left = len(hunks) - kept
    if hunks:
        parts += [opening, *hunks[:kept], "</details>\n"]
    if left:
        parts.append(f"{left} hunks were left out: `{report.command}` shows them.\n")
    return "\n".join(parts)


def _head(report: Report) -> Iterator[str]:
    yield f"## {report.title}\n\n{report.scope}\n"
    if report.sections:
        yield "| what | number |\n| --- | --- |"
        yield from (f"| {title} | {len(each)} |" for title, each in report.sections.items())
        yield ""
    if report.unannounced:
        yield "**To be added to `releases.toml`:**\n"
        yield from (f"- {sentence}" for sentence in report.unannounced)
        yield ""


def _details(report: Report) -> Iterator[list[str]]:
    for title, changes in report.sections.items():
        rows = [f"| {_code(_label(each))} | {report.where(each.where)} |" for each in changes]
        yield [
            f"<details><summary>{title}: {len(rows)}</summary>\n",
            "| what | with |\n| --- | --- |",
            *rows,
            "\n</details>\n",
        ]


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def _fenced(report: Report, hunk: Hunk) -> list[str]:
    lines = list(_diff(hunk))
    longest = max(map(len, re.findall(r"`+", "\n".join(lines))), default=0)
    fence = "`" * max(3, longest + 1)
    places = [f"- `{path}` {report.where(where)}" for path, where in hunk.places.items()]
    return [*places, "", f"{fence}diff", *lines, fence, ""]


def as_json(report: Report) -> dict[str, Any]:
    """Describe a comparison for programs.

    Args:
        report: The comparison.

    Returns:
        Values for a JSON document. Combinations are numbers of entries in `combinations`.
    """
    listed = range(len(report.combinations.listed))

    def where(selection: Selection) -> dict[str, Any]:
        chosen = [number for number in listed if selection >> number & 1]
        return {"answers": report.combinations.describe(selection), "combinations": chosen}

    return {
        "old": report.old,
        "new": report.new,
        "combinations": list(report.combinations.listed),
        "changed": report.comparison.where.bit_count(),
        "refused": report.refused,
        "unannounced": list(report.unannounced),
        **{
            title.replace(" ", "_"): [
                {"name": each.name, "old": each.old, "new": each.new, **where(each.where)}
                for each in changes
            ]
            for title, changes in report.sections.items()
        },
        "hunks": [
            {
                "removed": hunk.removed,
                "added": hunk.added,
                "before": hunk.before,
                "after": hunk.after,
                "places": [{"file": path, **where(each)} for path, each in hunk.places.items()],
            }
            for hunk in report.comparison.hunks
        ],
    }
