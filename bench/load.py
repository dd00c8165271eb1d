"""Drives a server with `wrk`."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.lab import Cores, Process

__all__ = ["Load", "Outcome", "drive"]

_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is sent.

    Attributes:
        path: The path, or several with blanks between them, taken in turn.
        body: What is posted, with `{n}` where each request has another text.
        has_token: Whether to log in before, where there are tokens.
        clients: How many connections ask at once.
        has_statuses: Whether to tell statuses apart, which costs the generator time.
    """

    path: str
    body: str | None = None
    has_token: bool = False
    clients: int = 32
    has_statuses: bool = False

    def arguments(self, server: Process) -> list[str]:
        """Return what `load.lua` is told."""
        given = [f"method={'GET' if self.body is None else 'POST'}", f"run={uuid4().hex}"]
        if self.body is not None:
            given += [f"body={self.body}", "header=Content-Type: application/json"]
        if " " in self.path:
            given.append(f"paths={self.path}")
        if self.has_statuses:
            given.append("statuses=yes")
        if self.has_token:
            given.append(f"header=Authorization: Bearer {server.ask('/bench/token')}")
        return given


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        requests: How many were answered.
        seconds: In which time.
        cpu_us: What each cost the server, in microseconds of its processors.
        p50_ms: What half of them took at most.
        p99_ms: What all but a hundredth took at most.
        max_ms: What the longest took.
        refused: Answers of 400 and more.
        broken: Connections that failed, and requests without an answer within ten seconds.
        served: Answers below 400, if statuses are told apart.
        shed: Answers of 503.
        unasked: Those of them without `Retry-After`.
        failed: Other answers of 500 and more.
    """

    requests: int
    seconds: float
    cpu_us: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    refused: int
    broken: int
    served: int
    shed: int
    unasked: int
    failed: int

    @property
    def rate(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds


def drive(server: Process, load: Load, cores: Cores, seconds: int) -> Outcome:
    """Send a load for a while."""
    threads = len(cores.load)
    url = server.url + load.path.split()[0]
    options = [f"-t{threads}", f"-c{load.clients}", f"-d{seconds}s", "--timeout=10s"]
    where = ",".join(map(str, cores.load))
    command = ["taskset", "-c", where, "wrk", *options, "-s", str(_SCRIPT), url, "--"]
    command += load.arguments(server)
    before = server.cpu_seconds()
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    spent = server.cpu_seconds() - before
    counted = json.loads(result.stdout.splitlines()[-1])
    return Outcome(**counted, cpu_us=spent / max(counted["requests"], 1) * 1e6)
