"""Suites of projects pass in any order, in part and on a busy machine; no test leaves a task."""

import itertools
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.delivery import ON_SERVERS
from tests.support.projection import files_of
from tests.support.projects import (
    FAST,
    PEOPLE,
    Workshop,
    combinations,
    covering,
    name_of,
    runnable,
)
from tests.support.suite_servers import SuiteServers

FOLDER = Path(__file__).parents[1] / "support/orders"
ORDERS = ("tests:1", "halves", "tests:2", "tests:3", "files:1", "files:2", "files:3")
"""Orders that reorder.py produces; the numbers are seeds. The fullest projects take the first."""

LEAVING = """\
import asyncio

KEPT = []

async def test_leaves_a_task() -> None:
    KEPT.append(asyncio.create_task(asyncio.sleep(60)))
"""

ALL = ON_SERVERS | {"kubernetes": True}
FULL = {
    "postgresql": runnable(ALL),
    "sqlite": runnable(ALL | {"database": "sqlite", "jobs": False}),
}
COVERING = covering(1, [runnable(answers) for answers in combinations()])
PROJECTS = [*FULL.values(), *COVERING]
BUSY = [FULL["postgresql"], next(each for each in COVERING if each["database"] == "none")]


@pytest.fixture
def on_servers(workshop: Workshop, servers: SuiteServers) -> Generator[Workshop]:
    """A workshop with projects that use this worker's servers."""
    yield replace(workshop, environment=workshop.environment | servers.variables)
    servers.check_empty()


@pytest.mark.parametrize(
    ("order", "answers"),
    [
        pytest.param(order, answers, id=f"{order}-{name_of(answers)}")
        for order, answers in zip(ORDERS, itertools.cycle(PROJECTS), strict=False)
    ],
)
def test_suite_passes_in_another_order(on_servers: Workshop, order: str, answers: Answers) -> None:
    project = on_servers.make(answers)
    here = with_plugins(on_servers)

    here.test(project, "-p", "reorder", "-p", "leftovers", "-m", FAST, f"--order={order}")


def test_task_left_by_a_test_is_named(workshop: Workshop) -> None:
    project = workshop.make(PEOPLE)
    (project / "tests/unit/test_leaving.py").write_text(LEAVING)
    here = with_plugins(workshop)

    with pytest.raises(AssertionError, match=r"still running: .*coroutine object sleep"):
        here.test(project, "-p", "leftovers", "tests/unit/test_leaving.py")


def with_plugins(workshop: Workshop) -> Workshop:
    """Return a workshop whose projects find the plugins."""
    return replace(workshop, environment=workshop.environment | {"PYTHONPATH": str(FOLDER)})


@pytest.mark.parametrize("database", FULL)
def test_suite_passes_one_file_at_a_time(on_servers: Workshop, database: str) -> None:
    """Of the project with SQLite, run only the files that differ from the one with PostgreSQL."""
    project = on_servers.make(FULL[database])
    known = files_of(FULL["postgresql"]) if database == "sqlite" else {}
    tests = {
        str(path.relative_to(project)): path.read_text()
        for path in (project / "tests").rglob("test_*.py")
        if "e2e" not in path.parts
    }
    files = sorted(name for name, text in tests.items() if known.get(name) != text)

    on_servers.run(project, "python", str(FOLDER / "each_alone.py"), *files)


@pytest.fixture
def busy_machine() -> Generator[None]:
    """A background process on every core."""
    with ExitStack() as stack:
        for _core in range(os.cpu_count() or 1):
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while 1: 0"]))
            stack.callback(process.kill)
        yield


@pytest.mark.usefixtures("busy_machine")
@pytest.mark.parametrize("answers", BUSY, ids=name_of)
def test_suite_passes_on_a_busy_machine(workshop: Workshop, answers: Answers) -> None:
    project = workshop.make(answers)

    workshop.test(project, "-m", "not e2e")
