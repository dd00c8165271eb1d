"""The start page in a browser: how fast it paints, loads and answers, and what it receives."""

import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from bench.kinds import Goal, Measure, Sample
from bench.lab import Lab
from extensions.maintenance.browsers import browsing
from start.build import build, origin_of
from start.server import serving

__all__ = ["StartPage"]

_PATIENCE = 60
"""Timeout in seconds for a step, generous for a busy machine."""

_MARK = "return performance.getEntriesByName(arguments[0])[0]?.startTime"

_TIMED = """
const timed = (mark, element) => new Promise((resolve) => {
  performance.clearMarks(mark);
  const started = performance.now();
  new PerformanceObserver((list, observer) => {
    const [found] = list.getEntriesByName(mark);
    if (!found) return;
    observer.disconnect();
    resolve(found.startTime - started);
  }).observe({ type: "mark" });
  element.click();
});
"""
_PACK = f"""{_TIMED}
const [done] = arguments;
timed("packed", document.getElementById("download")).then(done);
"""
_CHANGE = f"""{_TIMED}
const [rolls, done] = arguments;
const answers = "input:is([type=checkbox], [type=radio]:not(:checked))";
(async () => {{
  const took = [];
  for (const roll of rolls) {{
    const shown = document.querySelectorAll(`.field:not([hidden]) ${{answers}}`);
    took.push(await timed("answered", shown[Math.floor(roll * shown.length)]));
    await new Promise((resolve) => setTimeout(resolve, 500));
  }}
  done(took);
}})();
"""
"""Changes answers, one each half second; each counts until the page shows the new project."""


@dataclass(frozen=True, kw_only=True)
class StartPage:
    """Two visits with a new browser profile, of a page on a plain static server.

    Attributes:
        rows: The contenders; each is one figure of the same visits.
        changes: The number of changed answers.
    """

    name: str
    unit: str
    rows: tuple[str, ...]
    goals: tuple[Goal, ...]
    changes: int = 100

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Build and serve the page; the first contender of a round makes the visits."""
        missing = [each for each in ("chromium", "chromedriver") if not shutil.which(each)]
        if missing:
            sys.exit(f"The start page needs {' and '.join(missing)}; .ci/tools installs them.")
        site = lab.folder / "start-page"
        if not site.exists():
            build(site, origin_of())
        sent: list[tuple[str, int]] = []
        with serving(site, sent=sent) as url:
            visits = _Visits(url, sent, 2 if lab.is_quick else self.changes)
            yield {row: partial(visits.sample, row) for row in self.rows}


@dataclass
class _Visits:
    """The figures of the visits of one round."""

    url: str
    sent: list[tuple[str, int]]
    changes: int
    _figures: dict[str, Sample] = field(default_factory=dict[str, Sample])

    def sample(self, row: str) -> Sample:
        """Return a figure of this round, after the visits if it is the first."""
        if row not in self._figures:
            self._figures = self._visit()
        return self._figures.pop(row)

    def _visit(self) -> dict[str, Sample]:
        with (
            tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name,
            browsing(Path(name), "--window-size=1400,1000", is_logged=False) as browser,
        ):
            browser.set_script_timeout(_PATIENCE + self.changes)  # one each half second
            first = self._open(browser)
            received = self._received()
            packed: float = _run(browser, _PACK)
            took: list[float] = _run(browser, _CHANGE, _rolls(self.changes))
            self.sent.clear()
            following = self._open(browser)
            again = self._received()
        quantiles = statistics.quantiles(took, n=100)
        answer = Sample(value=quantiles[94], p50_ms=quantiles[49], p99_ms=quantiles[98])
        return {
            "painted": Sample(value=first["painted"]),
            "live, first visit": Sample(value=first["live"]),
            "live, next visit": Sample(value=following["live"]),
            "changed answer, p95": answer,
            "zip": Sample(value=packed),
            "first visit": Sample(value=received),
            "next visit": Sample(value=again),
        }

    def _open(self, browser: Chrome) -> dict[str, float]:
        """Load the page until it has kept everything; return when it painted and was live."""
        browser.get("about:blank")
        browser.get(self.url)
        kept = "return document.body.dataset.kept"
        WebDriverWait(browser, _PATIENCE, 0.2).until(lambda _: _run(browser, kept))
        return {name: _run(browser, _MARK, name) for name in ("painted", "live")}

    def _received(self) -> float:
        """Return the megabytes since the last call, without the check for a new service worker."""
        sizes = [size for path, size in self.sent if not path.endswith("/sw.js")]
        self.sent.clear()
        return sum(sizes) / 1e6


def _rolls(count: int) -> list[float]:
    dice = random.Random(1)  # noqa: S311 -- the same answers in each round
    return [dice.random() for _ in range(count)]


def _run(browser: Chrome, script: str, *arguments: object) -> Any:  # noqa: ANN401 -- any JSON
    run = cast("Any", browser)
    kind = run.execute_async_script if "done" in script else run.execute_script
    return kind(script, *arguments)
