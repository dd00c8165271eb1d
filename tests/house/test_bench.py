"""The benchmark runs: every kind of scenario is measured, and every column has a value."""

import tempfile
from pathlib import Path
from xml.etree import ElementTree

from bench.__main__ import measure
from bench.lab import Lab
from bench.report import COLUMNS, Line, as_svg, as_table, circumstances
from bench.scenarios import PROJECTS, SCENARIOS
from tests.support.delivery import requires

SMOKE = {
    "list",
    "job start",
    "steady health",
    "cold start",
    "memory",
    "leak",
    "generating",
    "start page",
}


def test_bench_measures_each_kind_and_fills_every_column() -> None:
    requires("chromedriver", "chromium", "taskset", "wrk")
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in SMOKE]
    assert {type(scenario) for scenario in scenarios} == {type(each) for each in SCENARIOS}

    # Not in pytest's own folders, which are closed to the user that runs PostgreSQL.
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        lab = Lab(Path(name), is_quick=True)
        lines: list[Line] = []
        for scenario in scenarios:
            found = measure(lab, scenario, 1)
            assert all(line.value > 0 for line in found if scenario.name != "leak")
            lines += found
        notes = circumstances(lab, PROJECTS, 1)

    assert "uvicorn" in notes[1]
    filled = {
        column for line in lines for column, cell in zip(COLUMNS, line.cells, strict=True) if cell
    }
    assert filled == set(COLUMNS)
    assert len(as_table(lines).splitlines()) == len(lines) + 2
    assert len(ElementTree.fromstring(as_svg(lines))) > len(lines)  # noqa: S314 -- it is ours
