"""The kinds of scenarios: how each measures its contenders in one round."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Protocol

from bench.lab import App, Cores, Lab, Process, Project
from bench.load import Load, Outcome, drive
from extensions.contract.questionnaire import Answers

__all__ = [
    "ColdStart",
    "Contender",
    "Generating",
    "Goal",
    "Jobs",
    "Leak",
    "Memory",
    "Rates",
    "Sample",
    "Scenario",
    "Steadiness",
]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One contender's result in one round.

    Attributes:
        value: The value that the scenario compares.
        cpu_us: The server's CPU time per request, in microseconds.
        p50_ms: The median latency.
        p99_ms: The 99th percentile of the latency.
        remark: Anything else worth knowing.
    """

    value: float
    cpu_us: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    remark: str = ""


type Measure = Callable[[], Sample]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A contender's target: a ratio to another contender, or an absolute value."""

    of: str
    against: str | None = None
    at_least: float | None = None
    at_most: float | None = None

    def is_met_by(self, value: float) -> bool:
        """Check whether a value meets the target."""
        return (self.at_least or 0) <= value <= (inf if self.at_most is None else self.at_most)

    def __str__(self) -> str:
        bound = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        return f"{bound} of {self.against}" if self.against else bound


class Scenario(Protocol):
    """One benchmark."""

    @property
    def name(self) -> str:
        """Its name in the table."""
        ...

    @property
    def unit(self) -> str:
        """The unit of its values."""
        ...

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Its targets."""
        ...

    def open(self, lab: Lab) -> AbstractContextManager[Mapping[str, Measure]]:
        """Prepare the contenders, and yield a function for each that measures it once."""
        ...


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A server and the load sent to it."""

    app: App
    load: Load
    name: str | None = None

    @property
    def label(self) -> str:
        """Its name in the table."""
        return self.name or self.app.name


@dataclass(frozen=True, kw_only=True)
class Rates:
    """Throughput in requests per second, with clients that each wait for their response.

    Attributes:
        database: The project with the tables that the servers share.
        servers: The number of cores for the servers.
        seconds: The length of a round.
    """

    name: str
    contenders: tuple[Contender, ...]
    goals: tuple[Goal, ...] = ()
    database: Project | None = None
    servers: int = 1
    seconds: int = 4
    unit: str = "requests/s"

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Start all servers at once: idle ones cost nothing."""
        cores = Cores.here(servers=self.servers)
        apps = {contender.app.name: contender.app for contender in self.contenders}
        with _served(lab, self.database, cores, *apps.values()) as running:
            yield {
                each.label: self._measure(lab, running[each.app.name], each.load, cores)
                for each in self.contenders
            }

    def _measure(self, lab: Lab, server: Process, load: Load, cores: Cores) -> Measure:
        seconds = 1 if lab.is_quick else self.seconds
        drive(server, load, cores, 1)  # warm up first

        def measure() -> Sample:
            outcome = drive(server, load, cores, seconds)
            rate = outcome.served / outcome.seconds if load.has_statuses else outcome.rate
            return Sample(
                value=rate,
                cpu_us=outcome.cpu_us,
                p50_ms=outcome.p50_ms,
                p99_ms=outcome.p99_ms,
                remark=_remark(outcome, load),
            )

        return measure


def _remark(outcome: Outcome, load: Load) -> str:
    if load.has_statuses:
        longest = f"longest {outcome.max_ms / 1000:.1f} s, {outcome.shed} shed"
        return f"{longest}, {outcome.unasked} without Retry-After, {_bad(outcome)} failed"
    return f"{_bad(outcome)} failed" if _bad(outcome) else ""


def _bad(outcome: Outcome) -> int:
    return outcome.broken + outcome.failed


@contextmanager
def _served(
    lab: Lab, database: Project | None, cores: Cores, *apps: App
) -> Generator[dict[str, Process]]:
    if database is None:
        with lab.serve(*apps, cores=cores) as running:
            yield running
        return
    with (
        lab.database(database) as url,
        lab.serve(*apps, cores=cores, DATABASE_URL=url) as running,
    ):
        yield running


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """One worker: its jobs a second, and how long after its commit a single job starts.

    Attributes:
        values: The contenders, and what `/bench/jobs` calls the value of each.
    """

    name: str
    app: App
    values: Mapping[str, str]
    goals: tuple[Goal, ...]
    database: Project
    unit: str

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Start one worker."""
        with _served(lab, self.database, lab.cores, self.app) as running:
            server = running[self.app.name]
            yield {name: self._measure(lab, server, key) for name, key in self.values.items()}

    def _measure(self, lab: Lab, server: Process, key: str) -> Measure:
        count, singles = (500, 20) if lab.is_quick else (5000, 200)

        def measure() -> Sample:
            measured = json.loads(server.ask(f"/bench/jobs?count={count}&singles={singles}"))
            return Sample(value=measured[key])

        return measure


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """The latency at half of a server's peak rate."""

    name: str
    app: App
    path: str
    goals: tuple[Goal, ...]
    database: Project | None = None
    seconds: int = 8
    unit: str = "p99/p50"

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Find the peak before each round, because it varies on a shared machine."""
        cores = lab.cores
        load = Load(path=self.path)
        seconds = 1 if lab.is_quick else self.seconds
        python = str(lab.python_of(self.app.project))
        with _served(lab, self.database, cores, self.app) as running:
            server = running[self.app.name]
            drive(server, load, cores, 1)

            def measure() -> Sample:
                peak = drive(server, load, cores, 1 if lab.is_quick else 2).rate
                command = ["taskset", "-c", str(cores.load[0]), python, "-m", "bench.apps.steady"]
                result = subprocess.run(
                    [*command, f"{server.url}{self.path}", str(peak / 2), str(seconds)],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                took: dict[str, float] = json.loads(result.stdout)
                ratio = took["p99_ms"] / took["p50_ms"]
                return Sample(value=ratio, **took, remark=f"at {peak / 2:.0f} requests/s")

            yield {self.app.name: measure}


@dataclass(frozen=True, kw_only=True)
class ColdStart:
    """The time from the start of the process to the first 200."""

    name: str
    apps: tuple[App, ...]
    goals: tuple[Goal, ...]
    database: Project
    unit: str = "s"

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Start each once beforehand, so that bytecode is already compiled."""
        with lab.database(self.database) as url:
            measures = {app.name: self._measure(lab, app, url) for app in self.apps}
            for measure in measures.values():
                measure()
            yield measures

    def _measure(self, lab: Lab, app: App, url: str) -> Measure:
        def measure() -> Sample:
            started = time.perf_counter()
            with lab.serve(app, DATABASE_URL=url):
                return Sample(value=time.perf_counter() - started)

        return measure


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A process's resident memory after some thousand requests."""

    name: str
    apps: tuple[App, ...]
    goals: tuple[Goal, ...]
    database: Project
    unit: str = "MB"

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Start each server again in each round."""
        with lab.database(self.database) as url:
            yield {app.name: self._measure(lab, app, url) for app in self.apps}

    def _measure(self, lab: Lab, app: App, url: str) -> Measure:
        def measure() -> Sample:
            with lab.serve(app, DATABASE_URL=url) as running:
                drive(running[app.name], Load(path="/health"), lab.cores, 1)
                return Sample(value=running[app.name].rss_mb())

        return measure


@dataclass(frozen=True, kw_only=True)
class Leak:
    """The memory growth from the first tenth of many mixed requests to their end.

    Attributes:
        loads: The loads, sent in turn; between them, clients disconnect without a response.
        requests: The total number of requests.
    """

    name: str
    app: App
    loads: tuple[Load, ...]
    goals: tuple[Goal, ...]
    database: Project
    requests: int = 200_000
    unit: str = "MB growth"

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Keep the server running for all rounds."""
        with _served(lab, self.database, lab.cores, self.app) as running:
            yield {self.app.name: lambda: self._measure(lab, running[self.app.name])}

    def _measure(self, lab: Lab, server: Process) -> Sample:
        wanted = 2_000 if lab.is_quick else self.requests
        self._send(lab, server, wanted // 10)
        before = self._state(server)
        self._send(lab, server, wanted - wanted // 10)
        after = self._state(server)
        tasks, files = (after[key] - before[key] for key in ("tasks", "files"))
        remark = f"{wanted} requests, {tasks:+.0f} tasks, {files:+.0f} files and connections"
        return Sample(value=after["rss"] - before["rss"], remark=remark)

    def _send(self, lab: Lab, server: Process, wanted: int) -> None:
        sent = 0
        while sent < wanted:
            for load in self.loads:
                sent += drive(server, load, lab.cores, 1 if lab.is_quick else 2).requests
                _leave_early(server, load.path.split()[0])

    def _state(self, server: Process) -> dict[str, float]:
        time.sleep(1)  # let responses to disconnected clients finish
        return {
            "tasks": float(server.ask("/bench/tasks")),
            "files": server.open_files(),
            "rss": server.rss_mb(),
        }


def _leave_early(server: Process, path: str, count: int = 50) -> None:
    """Send requests and disconnect, half of the time in the middle of a body."""
    for number in range(count):
        with _connect(server) as connection:
            head = f"GET {path}" if number % 2 else "POST /api/v1/items"
            length = "" if number % 2 else "Content-Length: 1000\r\n"
            connection.sendall(f"{head} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n".encode())


def _connect(server: Process) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


@dataclass(frozen=True, kw_only=True)
class Generating:
    """The time of `copier copy`, compared with the same files as plain text and a single file."""

    name: str
    answers: Answers
    goals: tuple[Goal, ...]
    unit: str = "s"

    @contextmanager
    def open(self, lab: Lab) -> Generator[Mapping[str, Measure]]:
        """Write a template of one file, and one of plain files."""
        smallest = lab.folder / "smallest"
        smallest.mkdir(exist_ok=True)
        (smallest / "copier.yml").write_text("project_name: x\n")
        (smallest / "README.md.jinja").write_text("# {{ project_name }}\n")
        self._copy(lab, lab.template, self.answers)
        plain = lab.folder / "plain"
        shutil.copytree(lab.folder / "generated", plain / "files", dirs_exist_ok=True)
        (plain / "copier.yml").write_text("_subdirectory: files\nproject_name: x\n")
        yield {
            "one file": lambda: self._copy(lab, smallest, {}),
            "as many plain files": lambda: self._copy(lab, plain, {}),
            "all on": lambda: self._copy(lab, lab.template, self.answers),
        }

    def _copy(self, lab: Lab, template: Path, answers: Answers) -> Sample:
        given = [f"--data={name}={value}" for name, value in answers.items()]
        target = lab.folder / "generated"
        shutil.rmtree(target, ignore_errors=True)
        command = ["copier", "copy", "--quiet", "--defaults", *given, str(template), str(target)]
        started = time.perf_counter()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return Sample(value=time.perf_counter() - started)
