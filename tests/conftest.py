"""Fixtures for all tests, and the final table of the time each tier took."""

import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, cast

import hypothesis
import pytest

from extensions.contract.questionnaire import ROOT, Answers
from extensions.maintenance.command_line import part
from tests.support.budget import BUDGET, SUITES, TYPES, tier_of
from tests.support.changed import Changes, changes_since
from tests.support.history import History, isolated_git
from tests.support.once import kept_for_updates
from tests.support.packages import all_packages
from tests.support.projects import (
    BLOCKS,
    Workshop,
    clean_environment,
    command_of,
    compiled_once,
    memory,
    pythons_here,
    snapshot,
)
from tests.support.suite_servers import SuiteServers, suite_servers

hypothesis.settings.register_profile(
    "here",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("here")

CHANGES = pytest.StashKey[Changes]()


@pytest.fixture(scope="session", autouse=True)
def nobody_else_settings(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Keep the developer's own Copier settings out of the tests."""
    settings = tmp_path_factory.mktemp("settings") / "settings.yml"
    settings.write_text("{}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COPIER_SETTINGS_PATH", str(settings))
        yield


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Generator[None]:
    """Compile each template file once instead of once for each project."""
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the working tree's template, outside its repository."""
    return snapshot(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder shared by the workers of this run only."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if hasattr(pytestconfig, "workerinput") else own


@pytest.fixture(scope="session")
def is_short_loop(pytestconfig: pytest.Config) -> bool:
    """True if only the short loop runs, which takes fewer combinations."""
    return _is_short_loop(pytestconfig)


@pytest.fixture(scope="session")
def packages(shared: Path) -> Path:
    """One environment for each Python version, with every package of every combination."""
    return all_packages(shared, clean_environment())


@pytest.fixture(scope="session")
def every_package(packages: Path) -> Path:
    """The environment with every package of every combination, for type checkers."""
    return packages / f"python-{pythons_here()[0]}"


@pytest.fixture(scope="session")
def temporary() -> Generator[Path]:
    """This worker's folder for projects' temporary files, in memory if possible."""
    with tempfile.TemporaryDirectory(
        prefix="projects-", dir=memory(), ignore_cleanup_errors=True
    ) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def workshop(template: Path, packages: Path, temporary: Path) -> Generator[Workshop]:
    """The workshop in which this worker renders and runs projects.

    It is outside pytest's own folders: each session closes their parent to other users, and
    PostgreSQL under root runs as another user. uv's cache must hold all packages first.
    """
    locks = packages / "locks"
    locks.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="workshop-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Workshop(folder=Path(name), temporary=temporary, template=template, locks=locks)


@pytest.fixture(scope="session")
def servers(packages: Path) -> Generator[SuiteServers]:
    """The PostgreSQL and Redis servers shared by this worker's suites."""
    assert packages.is_dir()  # so that they are in uv's cache, too
    with suite_servers() as servers:
        yield servers


@pytest.fixture(scope="session")
def history(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[History]:
    """This worker's repository of the template, with invented releases."""
    folder = tmp_path_factory.mktemp("history")
    with isolated_git(folder), kept_for_updates(folder):
        yield History.of(template, folder)


@pytest.fixture(scope="session")
def real_history(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[History]:
    """This worker's clone of this repository, with every real release and the working tree."""
    folder = tmp_path_factory.mktemp("releases")
    with isolated_git(folder), kept_for_updates(folder):
        yield History.released(template, folder)


class TierTimes:
    """Total time of each tier over all workers."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.tests: defaultdict[str, int] = defaultdict(int)
        self.measured: dict[str, object] = {}
        self.started = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add the duration of one phase of one test."""
        tier = tier_of(Path(report.location[0]).as_posix())
        self.seconds[tier] += report.duration
        self.tests[tier] += report.when == "call"
        self.measured |= dict(report.user_properties)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, and the measurements that tests recorded."""
        write = terminalreporter.write_line
        terminalreporter.section("minutes of work by tier, and budget")
        for tier, minutes in BUDGET.items():
            if not (tests := self.tests[tier]):
                continue
            seconds = self.seconds[tier]
            over = ", OVER BUDGET" if seconds > minutes * 60 else ""
            shared = f"{tests} tests, {seconds / tests:.2f} s each"
            write(f"{seconds / 60:6.1f} of {minutes:2}  {tier}: {shared}{over}")
        work, budget = sum(self.seconds.values()) / 60, sum(BUDGET.values())
        write(f"{work:6.1f} of {budget}  in total")
        write(f"{(time.monotonic() - self.started) / 60:6.1f}  elapsed")
        if self.tests[SUITES] and self.tests[TYPES]:
            each = (self.seconds[SUITES] + self.seconds[TYPES]) / self.tests[SUITES]
            write(f"{each:6.1f}  seconds of work per combination: suite and both type checkers")
        for name, value in sorted(self.measured.items()):
            write(f"{value!s:>6}  {name}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add options that select combinations and split the run over several machines."""
    parser.addoption(
        "--every",
        action="store_true",
        help="test every combination instead of a covering set",
    )
    parser.addoption(
        "--batch", type=int, metavar="N", help="run the type checkers on N combinations at a time"
    )
    parser.addoption("--shard", type=part, metavar="K/N", help="run only part K of N")
    parser.addoption(
        "--changed",
        nargs="?",
        const="",
        metavar="REV",
        help="run only tests affected by changes since REV (default: the merge base with main)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep tests affected by the change, and of these every N-th, starting with the K-th.

    The short loop drops long tests.
    """
    if _is_short_loop(config):
        _keep(config, items, lambda item: not item.get_closest_marker("long"))
    if changes := config.stash.get(CHANGES, None):
        _keep(config, items, changes.concern)
    shard: tuple[int, int] | None = config.getoption("--shard")
    if shard is not None:
        number, of = shard
        dropped = [item for index, item in enumerate(items) if index % of != number - 1]
        config.hook.pytest_deselected(items=dropped)
        items[:] = items[number - 1 :: of]


def _is_short_loop(config: pytest.Config) -> bool:
    expression: str | None = config.getoption("markexpr")
    return expression == "quick"


def _keep(
    config: pytest.Config, items: list[pytest.Item], is_kept: Callable[[pytest.Item], bool]
) -> None:
    kept = {item for item in items if is_kept(item)}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report of a failing combination the command that renders it."""
    report = yield
    if report.failed and isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        for value in item.callspec.params.values():
            if isinstance(value, dict) and {*BLOCKS} <= value.keys():
                answers = cast("Answers", value)
                report.sections.append((f"to render it, in {ROOT}", command_of(answers)))
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Collect times on the controller, and compute the changes once."""
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        config.pluginmanager.register(TierTimes(), "tier-times")
        revision = cast("str | None", config.getoption("--changed"))
        if revision is not None:
            config.stash[CHANGES] = changes_since(revision)
    elif "changes" in worker:
        config.stash[CHANGES] = Changes(**worker["changes"])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are cores: suites also wait, for servers and time limits."""
    wanted = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return int(wanted) if wanted else (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 -- xdist has no types
    """Send a worker the changes."""
    if changes := node.config.stash.get(CHANGES, None):
        node.workerinput["changes"] = vars(changes)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Print once, for all workers, the tests selected by the change."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and (changes := session.config.stash.get(CHANGES, None)):
        reporter.write_line(str(changes))
