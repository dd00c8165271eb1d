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
    """The requests to send.

    Attributes:
        path: The path, or several separated by spaces, used in turn.
        body: The body to post; `{n}` becomes a unique text in each request.
        has_token: Whether to send an access token.
        clients: The number of concurrent connections.
        has_statuses: Whether to count statuses separately, which costs the load generator time.
    """

    path: str
    body: str | None = None
    has_token: bool = False
    clients: int = 32
    has_statuses: bool = False

    def arguments(self, server: Process) -> list[str]:
        """Return the arguments for `load.lua`."""
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
    """The result of a load.

    Attributes:
        requests: The number of completed requests.
        seconds: The duration.
        cpu_us: The server's CPU time per request, in microseconds.
        p50_ms: The median latency.
        p99_ms: The 99th percentile of the latency.
        max_ms: The maximum latency.
        refused: Responses with status 400 or above.
        broken: Failed connections, and requests without a response within ten seconds.
        served: Responses with a status below 400, if statuses are counted.
        shed: Responses with status 503.
        unasked: Those of them without `Retry-After`.
        failed: Other responses with status 500 or above.
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
        """Completed requests per second."""
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
