"""`python -m bench`: runs the benchmarks, prints a table, and writes it to `bench/results`."""

import argparse
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.kinds import Sample, Scenario
from bench.lab import Lab
from bench.report import Line, as_svg, as_table, circumstances, lines_of
from bench.scenarios import PROJECTS, SCENARIOS

_RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Run the selected scenarios."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure the rendered service."
    )
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument(
        "--only", action="append", choices=names, help="run only this scenario; repeatable"
    )
    parser.add_argument("--rounds", type=int, default=5, help="measurements per scenario")
    parser.add_argument(
        "--quick", action="store_true", help="one short round, to check that all work"
    )
    parser.add_argument("--results", type=Path, default=_RESULTS, help="folder for the results")
    parser.add_argument("--lab", type=Path, help="folder that keeps projects between runs")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    with _folder(options.lab) as folder:
        lab = Lab(folder, is_quick=options.quick)
        lines: list[Line] = []
        for scenario in SCENARIOS:
            if scenario.name in (options.only or names):
                found = measure(lab, scenario, rounds)
                sys.stderr.write(as_table(found))
                lines += found
        _write(options.results, lines, circumstances(lab, PROJECTS, rounds))


@contextmanager
def _folder(given: Path | None) -> Generator[Path]:
    if given is None:
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
            Path(name).chmod(0o755)  # root's PostgreSQL runs as another user
            yield Path(name)
    else:
        given.mkdir(parents=True, exist_ok=True)
        yield given.resolve()


def measure(lab: Lab, scenario: Scenario, rounds: int) -> list[Line]:
    """Measure all contenders in turn, round by round, so that disturbances affect all of them."""
    with scenario.open(lab) as contenders:
        measured: list[dict[str, Sample]] = [
            {name: once() for name, once in contenders.items()} for _ in range(rounds)
        ]
    return lines_of(scenario, measured)


def _write(results: Path, lines: Sequence[Line], notes: Sequence[str]) -> None:
    results.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{note}\n\n" for note in notes)
    page = f"# Benchmark results\n\n{text}![The targets](results.svg)\n\n{as_table(lines)}"
    (results / "README.md").write_text(page)
    (results / "results.svg").write_text(as_svg(lines))
    sys.stdout.write(f"{text}{as_table(lines)}")


if __name__ == "__main__":
    main()
