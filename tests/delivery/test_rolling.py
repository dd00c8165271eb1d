"""A release replaces another behind the shipped proxy, and callers lose nothing.

Meanwhile a migration waits for a long reader, and the key of the access tokens changes.
"""

import http.client
import json
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from tests.support.delivery import ON_SERVERS, free_port, ran, wait_for
from tests.support.history import substitute
from tests.support.projects import Workshop
from tests.support.servers import Postgres, ask, log_in, nginx, postgres, redis, send, until

API = "/api/v1"
ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery"}
COLUMN = r"\1\n    color: Mapped[str | None] = mapped_column(String(20))"
COUNT = "SELECT count(*) FROM items"
LOCK_SECONDS = 0.2
"""How long a migration makes readers queue."""

READING_SECONDS = 6.0
"""How long a reader keeps the migration waiting: longer than uvicorn's own keep-alive of 5 s."""

LONGEST_SECONDS = 4.0
"""The limit for a request: generous for a busy machine, and less than the reader takes."""

PAUSE_SECONDS = 0.01
"""The pause of a caller: short, so that connections are in use while an instance drains."""

FIRST, SECOND = secrets.token_hex(32), secrets.token_hex(32)
KEYS: Mapping[str, dict[str, str]] = {
    "first": {"SECRET_KEY": FIRST, "APP_AUTH_KEY_ID": "1"},
    "both": {
        "SECRET_KEY": FIRST,
        "APP_AUTH_KEY_ID": "1",
        "APP_AUTH_OLD_KEYS": json.dumps({"2": SECOND}),
    },
    "second": {
        "SECRET_KEY": SECOND,
        "APP_AUTH_KEY_ID": "2",
        "APP_AUTH_OLD_KEYS": json.dumps({"1": FIRST}),
    },
}
"""The steps of a rotation, as the runbook describes them."""


@dataclass
class Instance:
    """One process behind the proxy, always on the same port.

    Attributes:
        command: The command that serves.
        variables: Its environment.
        port: Its port.
        process: The running process.
    """

    command: list[str]
    variables: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self, variables: Mapping[str, str]) -> None:
        """Start it, and wait until it is ready."""
        self.process = subprocess.Popen(
            self.command,
            env=self.variables | {"APP_PORT": str(self.port)} | dict(variables),
            stdout=subprocess.DEVNULL,
        )
        wait_for(f"http://127.0.0.1:{self.port}/ready", seconds=180)

    def stop(self) -> int:
        """Drain it, and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=60)

    def replace(self, variables: Mapping[str, str]) -> None:
        """Stop it, and start it again with other variables."""
        assert self.stop() == 0
        self.start(variables)


@dataclass
class Caller:
    """A client that sends one request after the other.

    Attributes:
        act: Sends a request, and returns its status.
        statuses: All statuses.
        slowest: The longest duration, in seconds.
    """

    act: Callable[[int], int]
    statuses: list[int] = field(default_factory=list[int])
    slowest: float = 0.0

    def call_until(self, is_over: Event) -> None:
        """Send requests until the event is set."""
        while not is_over.wait(PAUSE_SECONDS):
            started = time.perf_counter()
            self.statuses.append(self.act(len(self.statuses)))
            self.slowest = max(self.slowest, time.perf_counter() - started)


class Session:
    """A user whose client refreshes its tokens all the time."""

    def __init__(self, port: int) -> None:
        """Register and log in."""
        self._port = port
        assert send(port, "POST", f"{API}/auth/register", ACCOUNT)[0] == 202
        self._tokens = log_in(port, *ACCOUNT.values())[1]
        self.first_token: str = self._tokens["access_token"]

    def refresh(self, _number: int) -> int:
        """Exchange the refresh token."""
        used = {"refresh_token": self._tokens["refresh_token"]}
        status, tokens = send(self._port, "POST", f"{API}/auth/refresh", used)
        self._tokens = tokens if status == 200 else self._tokens
        return status

    def read_me_with_newest_token(self, _number: int) -> int:
        """Read the user with the newest access token."""
        return self._read_me(self._tokens["access_token"])

    def read_me_with_first_token(self, _number: int) -> int:
        """Read the user with the token of the login."""
        return self._read_me(self.first_token)

    def _read_me(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return ask(self._port, f"{API}/users/me", headers=headers)[0].status

    def write(self, number: int) -> int:
        """Add an item."""
        item = {"name": f"item {number}"}
        return send(self._port, "POST", f"{API}/items", item, self.first_token)[0]

    def read(self, _number: int) -> int:
        """List the items."""
        return ask(self._port, f"{API}/items")[0].status


@contextmanager
def calling(session: Session) -> Generator[list[Caller]]:
    """Let callers use the service all the time."""
    callers = [
        Caller(act)
        for act in (
            session.write,
            session.read,
            session.read_me_with_first_token,
            session.read_me_with_newest_token,
            session.refresh,
        )
    ]
    is_over = Event()
    with ThreadPoolExecutor(len(callers)) as threads:
        running = [threads.submit(caller.call_until, is_over) for caller in callers]
        try:
            yield callers
        finally:
            is_over.set()
    for each in running:
        each.result()


@contextmanager
def stopped(instances: Sequence[Instance]) -> Generator[None]:
    """Stop what still runs at the end."""
    try:
        yield
    finally:
        for each in instances:
            if each.process and each.process.poll() is None:
                each.process.kill()
                each.process.wait()


@dataclass(frozen=True)
class Releases:
    """Two releases of a service, and the database they share.

    Attributes:
        project: The project of the last release.
        program: The command of both.
        last: The environment of the last release.
        following: The environment of the following one, with a column more.
        database: The database, migrated by the last release.
    """

    project: Path
    program: str
    last: dict[str, str]
    following: dict[str, str]
    database: Postgres

    def run(self, variables: Mapping[str, str], *arguments: str) -> None:
        """Run a command of a release."""
        command, folder = [self.program, *arguments], self.project.parent
        result = ran(*command, folder=folder, variables=variables)
        assert result.returncode == 0, result.stdout


@pytest.fixture
def releases(workshop: Workshop, tmp_path: Path) -> Generator[Releases]:
    """A service in production with all blocks, and its next release."""
    project = workshop.make(ON_SERVERS)
    program = str(workshop.environment_of(project) / "bin" / "my-app")
    source = shutil.copytree(project / "src", tmp_path / "src")
    with postgres() as database, redis() as cache:
        last = workshop.environment | {
            "APP_ALLOWED_HOSTS": "localhost,127.0.0.1",
            "APP_CACHE_TIMEOUT_SECONDS": "10",
            "APP_DRAIN_SECONDS": "2",
            "APP_ENVIRONMENT": "production",
            "APP_MIGRATION_LOCK_TIMEOUT_SECONDS": str(LOCK_SECONDS),
            "APP_RATE_LIMIT_DEFAULT": "1000000/day",
            "APP_RATE_LIMIT_TIMEOUT_SECONDS": "10",
            "DATABASE_URL": database.url,
            "REDIS_URL": f"redis://127.0.0.1:{cache}/0",
            **KEYS["first"],
        }
        following = last | {"PYTHONPATH": str(source)}
        releases = Releases(project, program, last, following, database)
        releases.run(last, "db", "upgrade")
        substitute(source / "my_app/database/items.py", r"(    description: .*)", COLUMN)
        releases.run(following, "db", "revision", "Items have a color")
        yield releases


@contextmanager
def migrating(releases: Releases, folder: Path) -> Generator[subprocess.Popen[bytes]]:
    """Start the migration to the following release, which waits for a reader."""
    log = folder / "migration.log"
    command = [releases.program, "db", "upgrade"]
    with log.open("wb") as output:
        with releases.database.transaction(COUNT):
            process = subprocess.Popen(command, env=releases.following, stdout=output)
            until(lambda: "migration_waits" in log.read_text())
            yield process
        assert process.wait(timeout=60) == 0


def test_rolling_release_loses_and_delays_no_request(releases: Releases, tmp_path: Path) -> None:
    pair = first, second = [Instance([releases.program], releases.last) for _ in range(2)]
    with stopped(pair), nginx(releases.project, tmp_path, first.port, second.port) as (port, _):
        for each in pair:
            each.start(KEYS["first"])
        session = Session(port)
        with calling(session) as callers:
            with idle_connection(second.port), migrating(releases, tmp_path) as migration:
                first.replace(KEYS["both"])
                time.sleep(READING_SECONDS)
                assert migration.poll() is None
            second.replace(KEYS["both"])
            for each in pair:
                each.replace(releases.following | KEYS["second"])
        written = int(releases.database.run("psql", "-Atc", COUNT, "app").stdout)
        assert [each.stop() for each in pair] == [0, 0]

    writer, *readers, refresher = callers
    assert [set(each.statuses) for each in readers] == [{200}] * 3
    # nginx repeats no POST, as the runbook says: one on a connection that the kernel has accepted
    # in the very moment when an instance closes its socket gets 503, and changes nothing.
    assert set(writer.statuses) <= {201, 503}
    assert set(refresher.statuses) <= {200, 503}
    assert [*writer.statuses, *refresher.statuses].count(503) <= 1
    assert min(len(each.statuses) for each in callers) > 20
    assert max(each.slowest for each in callers) < LONGEST_SECONDS
    assert written == writer.statuses.count(201)
    releases.run(releases.following, "db", "check")


@contextmanager
def idle_connection(port: int) -> Generator[None]:
    """Keep a connection open without a request, and use it again at the end."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.connect()
    connection.auto_open = 0

    def use() -> None:
        connection.request("GET", "/health")
        assert connection.getresponse().read().startswith(b'{"status":"ok"')

    use()
    yield
    use()
    connection.close()
