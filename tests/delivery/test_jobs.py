"""Workers share one queue: the page about jobs, ten thousand jobs, and killed workers."""

import os
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.delivery import ON_SERVERS, free_port, ran, serving, wait_for
from tests.support.projects import Workshop
from tests.support.servers import Postgres, ask, postgres, send, until
from tests.support.steps import commands_in, steps_of

PAGE = "docs/jobs.md"
MAIN = "src/my_app/main.py"
COUNTING = '''\
"""A job that records that it ran."""

import os

from sqlalchemy import text

from my_app.jobs.definitions import JobContext, NoPayload, job

INSERT = text("INSERT INTO done (job, worker) VALUES (:job, :worker)")


@job()
async def count(_payload: NoPayload, context: JobContext) -> None:
    async with context.sessions.begin() as session:
        await session.execute(INSERT, {"job": context.id, "worker": os.getpid()})
'''
ENQUEUE = """\
INSERT INTO jobs (name, payload, headers, state, due_at, attempts, created_at)
SELECT 'count', '{}', '{}', 'waiting', now(), 0, now() FROM generate_series(1, %d)"""
# They pause first, so that asking takes no time from the workers.
UNFINISHED = "SELECT pg_sleep(0.1); SELECT count(*) FROM jobs WHERE finished_at IS NULL"
DONE = "SELECT pg_sleep(0.1); SELECT count(*) FROM done"
MANY = 10_000
CONCURRENCY = 10


@dataclass(frozen=True)
class Worker:
    """A running worker, and the port of its probes."""

    process: subprocess.Popen[bytes]
    port: int


@dataclass(frozen=True)
class Queue:
    """A project with the jobs of its page and one more, and its database.

    Attributes:
        project: The project that has the environment.
        workshop: The workshop of the project.
        page: The page.
        server: The database's server.
        program: The project's command.
        variables: Its environment.
    """

    project: Path
    workshop: Workshop
    page: str
    server: Postgres
    program: Path
    variables: dict[str, str]

    def ask(self, query: str) -> list[int]:
        """Return the numbers in the first row of a query's result."""
        options = ["--tuples-only", "--no-align", "--field-separator= ", "--quiet"]
        result = self.server.run("psql", *options, "--command", query)
        assert result.returncode == 0, result.stderr
        return [int(each) for each in result.stdout.split()]

    def fill(self, number: int) -> None:
        """Enqueue so many jobs, in an empty queue."""
        self.ask("DROP TABLE IF EXISTS done; CREATE TABLE done (job int, worker int)")
        self.ask("DELETE FROM jobs")
        self.ask(ENQUEUE % number)

    def is_empty(self) -> bool:
        """Return whether all jobs have ended."""
        return self.ask(UNFINISHED) == [0]

    def wait_for(self, number: int) -> None:
        """Wait until so many jobs have run."""
        until(lambda: self.ask(DONE)[0] >= number)

    @contextmanager
    def worker(self, log: Path = Path(os.devnull), *, lease_seconds: int = 15) -> Generator[Worker]:
        """Start a worker by the command of the page, and end it by SIGTERM unless it has ended."""
        port = free_port()
        own = self.variables | {
            "APP_JOBS_LEASE_SECONDS": str(lease_seconds),
            "APP_JOBS_PORT": str(port),
        }
        (command,) = commands_in(self.page)
        program, *arguments = command.split()
        with (
            log.open("w") as output,
            subprocess.Popen(
                [self.program.with_name(program), *arguments], env=own, stdout=output
            ) as process,
        ):
            try:
                wait_for(f"http://127.0.0.1:{port}/ready")
                yield Worker(process, port)
            finally:
                process.terminate()
        assert process.returncode in {0, -signal.SIGKILL}


@pytest.fixture(scope="module")
def queue(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Generator[Queue]:
    """The project after the steps of its page, in production."""
    project = workshop.make(ON_SERVERS)
    folder = tmp_path_factory.mktemp("jobs") / "my-app"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns(".venv"))
    page = (folder / PAGE).read_text()
    for step in steps_of(page):
        if not step.is_run:
            step.edit(folder)
    (folder / "src/my_app/jobs/counting.py").write_text(COUNTING)
    main = (folder / MAIN).read_text().replace("add_jobs(app, [", "add_jobs(app, [count, ")
    imported = "from my_app.jobs.counting import count\nfrom my_app.jobs.hooks"
    (folder / MAIN).write_text(main.replace("from my_app.jobs.hooks", imported))
    program = workshop.environment_of(project) / "bin/my-app"
    with postgres() as server:
        variables = workshop.environment | {
            "APP_ENVIRONMENT": "production",
            "APP_JOBS_CONCURRENCY": str(CONCURRENCY),
            "APP_RATE_LIMIT_DEFAULT": "100000/day",
            "APP_ALLOWED_HOSTS": "localhost,127.0.0.1",
            "APP_DRAIN_SECONDS": "0",
            "DATABASE_URL": server.url,
            "PYTHONPATH": str(folder / "src"),
            "SECRET_KEY": "3f9c1d7be2a84650" * 2,
        }
        migrated = ran(program, "db", "upgrade", variables=variables)
        assert migrated.returncode == 0, migrated.stdout
        yield Queue(project, workshop, page, server, program, variables)


def test_page_about_jobs_works_verbatim(queue: Queue, tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with (
        queue.worker(log) as worker,
        serving(queue.workshop, queue.project, **queue.variables) as url,
    ):
        for month in (3, 13):
            status, answer = send(int(url[-5:]), "POST", "/api/v1/reports", {"month": month})
            assert status == 202, answer
        until(queue.is_empty)
        measured = ask(worker.port, "/metrics")[1].decode()

    assert 'job_attempts_total{name="make_report",outcome="dead",service="my-app"} 1' in measured
    assert '"event":"report_made"' in log.read_text()
    (dead,) = queue.ask("SELECT id FROM jobs WHERE state = 'dead'")
    shown = ran(queue.program, "jobs", "show", str(dead), variables=queue.variables)
    assert "there is no month 13" in shown.stdout


def test_two_workers_do_each_of_many_jobs_once(queue: Queue) -> None:
    queue.fill(MANY)
    with queue.worker(), queue.worker():
        until(queue.is_empty, seconds=300)

    done = "SELECT count(*), count(DISTINCT job), count(DISTINCT worker) FROM done"
    finished = "SELECT count(*), max(attempts) FROM jobs WHERE state = 'finished'"
    assert queue.ask(done) == [MANY, MANY, 2]
    assert queue.ask(finished) == [MANY, 1]


def test_killed_workers_lose_nothing(queue: Queue) -> None:
    queue.fill(number := 3000)
    kills = 2
    for kill in range(1, kills + 1):
        with queue.worker(lease_seconds=1) as worker:
            queue.wait_for(500 * kill)
            worker.process.kill()
    with queue.worker(lease_seconds=1):
        until(queue.is_empty, seconds=60)

    done, distinct = queue.ask("SELECT count(*), count(DISTINCT job) FROM done")
    again, most = queue.ask("SELECT count(*) FILTER (WHERE attempts > 1), max(attempts) FROM jobs")
    assert queue.ask("SELECT count(*) FROM jobs WHERE state = 'finished'") == [number]
    assert distinct == number, "nothing is lost"
    assert done - distinct <= again <= kills * CONCURRENCY, "only what a killed worker had claimed"
    assert 2 <= most <= 1 + kills
