"""The results as a table and a plot."""

import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path

from bench.kinds import Goal, Sample, Scenario
from bench.lab import Lab, Project

__all__ = ["COLUMNS", "Line", "as_svg", "as_table", "circumstances", "lines_of"]

COLUMNS = (
    "scenario",
    "contender",
    "median",
    "unit",
    "spread",
    "CPU µs/request",
    "p50 ms",
    "p99 ms",
    "ratio",
    "ratio by CPU",
    "target",
    "met",
    "remark",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One contender's results over all rounds, compared with at most one of its targets.

    Attributes:
        scenario: The scenario's name.
        who: The contender.
        unit: The unit of the value.
        samples: One for each round.
        goal: The target, if any.
        ratio: The median of the rounds' ratios.
        cpu_ratio: The same ratio, by CPU time per request.
    """

    scenario: str
    who: str
    unit: str
    samples: Sequence[Sample]
    goal: Goal | None = None
    ratio: float | None = None
    cpu_ratio: float | None = None

    @property
    def is_met(self) -> bool:
        """True if the target is met or there is none."""
        if self.goal is None:
            return True
        return self.goal.is_met_by(self.value if self.ratio is None else self.ratio)

    @property
    def value(self) -> float:
        """The median value."""
        return statistics.median(sample.value for sample in self.samples)

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells of its row in the table."""
        values = [sample.value for sample in self.samples]
        return (
            self.scenario,
            self.who,
            _number(self.value),
            self.unit,
            f"{_number(min(values))} to {_number(max(values))}",
            _number(_median(sample.cpu_us for sample in self.samples)),
            _number(_median(sample.p50_ms for sample in self.samples)),
            _number(_median(sample.p99_ms for sample in self.samples)),
            _ratio(self.ratio),
            _ratio(self.cpu_ratio),
            str(self.goal or ""),
            ("yes" if self.is_met else "NO") if self.goal else "",
            self.samples[-1].remark,
        )


def lines_of(scenario: Scenario, rounds: Sequence[Mapping[str, Sample]]) -> list[Line]:
    """Combine the rounds into a line for each contender, or for each of its targets."""
    lines: list[Line] = []
    for who in rounds[0]:
        samples = [each[who] for each in rounds]
        goals: list[Goal | None] = [goal for goal in scenario.goals if goal.of == who]
        for goal in goals or [None]:
            against = goal.against if goal else None
            others = [each[against] for each in rounds] if against else []
            lines.append(
                Line(
                    scenario=scenario.name,
                    who=who,
                    unit=scenario.unit,
                    samples=samples,
                    goal=goal,
                    ratio=_median(
                        mine.value / other.value
                        for mine, other in zip(samples, others, strict=False)
                        if other.value
                    ),
                    cpu_ratio=_median(
                        other.cpu_us / mine.cpu_us
                        for mine, other in zip(samples, others, strict=False)
                        if other.cpu_us and mine.cpu_us
                    ),
                )
            )
    return lines


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def circumstances(lab: Lab, projects: Sequence[Project], rounds: int) -> list[str]:
    """Describe the machine, the versions and the method."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    cores = lab.cores
    return [
        f"{datetime.now(UTC):%Y-%m-%d}, {processor}, {platform.system()} {platform.release()};"
        f" server on core {cores.server}, load on {cores.load}, database on {cores.database}",
        lab.versions(*projects),
        f"copier {version('copier')}; medians of {rounds} interleaved rounds;"
        " ratios are medians of the rounds' ratios",
    ]


def as_table(lines: Iterable[Line]) -> str:
    """Return a Markdown table."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(line.cells for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


_ROW, _LEFT, _WIDTH, _LONGEST = 22, 330, 900, 3.0
_LEAST = 0.01
"""What counts as nothing in the plot, where a target of 0 is met by 0."""


def as_svg(lines: Sequence[Line]) -> str:
    """Plot the result of each target: 1 meets it, longer is better."""
    rows = [line for line in lines if line.goal]
    scale = (_WIDTH - _LEFT - 60) / _LONGEST
    height = _ROW * (len(rows) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{_LEFT}" y="16">result relative to the target: from 1 on, it is met</text>',
    ]
    for number, line in enumerate(rows, start=1):
        top = _ROW * number + 6
        reached = _reached(line)
        colour = "#2a7f4f" if line.is_met else "#b5482a"
        label = escape(f"{line.scenario}: {line.who} ({line.goal})")
        parts += [
            f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{label}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{min(reached, _LONGEST) * scale:.0f}"'
            f' height="{_ROW - 6}" fill="{colour}"/>',
            f'<text x="{_LEFT + min(reached, _LONGEST) * scale + 6:.0f}" y="{top + 12}">'
            f"{reached:.2f}</text>",
        ]
    goal = _LEFT + scale
    parts.append(
        f'<line x1="{goal:.0f}" y1="{_ROW}" x2="{goal:.0f}" y2="{height - 10}" stroke="black"/>'
    )
    return "\n".join([*parts, "</svg>\n"])


def _reached(line: Line) -> float:
    assert line.goal is not None
    value = line.value if line.ratio is None else line.ratio
    if line.goal.at_least is not None:
        return value / line.goal.at_least
    return max(line.goal.at_most or 0, _LEAST) / max(value, _LEAST)
