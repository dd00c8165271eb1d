"""Suites of rendered projects on Debian's servers over TCP, as owners run them."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.delivery import ON_SERVERS, PROJECTS, free_port, requires
from tests.support.projects import Workshop

ON_POSTGRESQL: dict[str, Answers] = {
    "on": ON_SERVERS,
    "off": PROJECTS["off"] | {"database": "postgresql"},
}

PGBOUNCER = """\
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
auth_type = any
default_pool_size = 3
listen_addr = 127.0.0.1
listen_port = {port}
pool_mode = transaction
unix_socket_dir =
"""
LOAD = """\
import asyncio

from httpx2 import ASGITransport, AsyncClient

from my_app.main import create_app

API = "/api/v1/items"


async def use(client: AsyncClient, number: int) -> list[int]:
    written = await client.post(API, json={"name": f"item {number}"})
    read = [await client.get(path) for path in (f"{API}?limit={number}", f"{API}/export", "/ready")]
    return [written.status_code, *(response.status_code for response in read)]


async def main() -> None:
    app = create_app()
    transport = ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://localhost") as client,
        asyncio.TaskGroup() as tasks,
    ):
        uses = [tasks.create_task(use(client, number)) for number in range(1, 61)]
    seen = {tuple(each.result()) for each in uses}
    assert seen == {(201, 200, 200, 200)}, seen


asyncio.run(main())
"""


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server on a port of this machine.

    Attributes:
        url: Its URL.
        log: Its log file.
    """

    url: str
    log: Path


@contextmanager
def running(
    command: list[str], until: list[str], log: Path, user: str | None = None
) -> Generator[None]:
    """Run a server, optionally as another user, once a second command reports readiness."""
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, cwd=log.parent, stdout=output, stderr=output, user=user, group=user
        ) as process,
    ):
        try:
            _wait_for(until)
            yield
        finally:
            process.send_signal(signal.SIGINT)  # makes PostgreSQL stop without waiting for clients


def _wait_for(command: list[str]) -> None:
    deadline = time.monotonic() + 30
    while subprocess.run(command, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, f"{command[0]} never succeeded"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def postgresql() -> Generator[Server]:
    """An empty PostgreSQL of this worker; under root it runs as Debian's user."""
    program, initdb, isready = (_installed(name) for name in ("postgres", "initdb", "pg_isready"))
    requires(program)
    user = "postgres" if os.geteuid() == 0 else None
    port = str(free_port())
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as name:
        if user:
            shutil.chown(name, user, user)
        data, log = Path(name, "data"), Path(name, "log")
        create = [initdb, "--username=postgres", "--auth=trust", "--no-sync", str(data)]
        subprocess.run(create, check=True, capture_output=True, cwd=name, user=user, group=user)
        settings = {
            "fsync": "off",
            "listen_addresses": "127.0.0.1",
            "log_statement": "ddl",
            "unix_socket_directories": "",
        }
        serve = [program, "-D", str(data), "-p", port]
        serve += [f"--{setting}={value}" for setting, value in settings.items()]
        with running(serve, [isready, "-h", "127.0.0.1", "-p", port], log, user):
            yield Server(url=f"postgresql://postgres@127.0.0.1:{port}/postgres", log=log)


def _installed(program: str) -> str:
    """Find a program of the newest PostgreSQL, which Debian keeps outside PATH."""
    found = Path("/usr/lib/postgresql").glob(f"*/bin/{program}")
    newest = max(found, key=lambda path: float(path.parts[4]), default=program)
    return str(newest)


@pytest.fixture
def pgbouncer(postgresql: Server) -> Generator[Server]:
    """A connection pooler in transaction mode, with few server connections for many clients."""
    requires("pgbouncer", "pg_isready")
    user = "postgres" if os.geteuid() == 0 else None
    port = str(free_port())
    with tempfile.TemporaryDirectory(prefix="pgbouncer-", ignore_cleanup_errors=True) as name:
        if user:
            shutil.chown(name, user, user)
        configuration, log = Path(name, "pgbouncer.ini"), Path(name, "log")
        configuration.write_text(PGBOUNCER.format(server=urlsplit(postgresql.url).port, port=port))
        serve, isready = ["pgbouncer", str(configuration)], _installed("pg_isready")
        with running(serve, [isready, "-h", "127.0.0.1", "-p", port], log, user):
            yield Server(url=f"postgresql://postgres@127.0.0.1:{port}/postgres", log=log)


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """A Redis of this worker, without persistence."""
    requires("redis-server", "redis-cli")
    port, log = str(free_port()), tmp_path_factory.mktemp("redis") / "log"
    serve = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", ""]
    with running(serve, ["redis-cli", "-p", port, "ping"], log):
        yield Server(url=f"redis://127.0.0.1:{port}/0", log=log)


def test_service_behind_transaction_pooler_loses_nothing(
    workshop: Workshop, pgbouncer: Server
) -> None:
    variables = {"DATABASE_URL": f"{pgbouncer.url}?sslmode=prefer&channel_binding=prefer"}
    variables["APP_DATABASE_PREPARED_STATEMENTS"] = "false"
    here = replace(workshop, environment=workshop.environment | variables)

    project = here.make({"database": "postgresql"})
    (project / "load.py").write_text(LOAD)
    for action in (["upgrade"], ["downgrade", "base"], ["upgrade"], ["upgrade"]):
        here.run(project, "my-app", "db", *action)
    here.run(project, "python", "load.py")


@pytest.mark.parametrize("answers", ON_POSTGRESQL.values(), ids=ON_POSTGRESQL)
def test_suite_on_tcp_servers_passes_and_cleans_up(
    workshop: Workshop, postgresql: Server, redis: Server, answers: Answers
) -> None:
    variables = {"TEST_DATABASE_URL": postgresql.url, "TEST_REDIS_URL": redis.url}
    here = replace(workshop, environment=workshop.environment | variables)
    begun, before = postgresql.log.stat().st_size, _commands(redis)

    project = here.make(answers)
    here.test(project, "-m", "not e2e")

    log = postgresql.log.read_text()[begun:]
    assert log.count("CREATE DATABASE test_") == log.count("DROP DATABASE test_") > 1
    if answers["cache"] or answers["rate_limit"]:
        assert _commands(redis) > before + 5


def _commands(redis: Server) -> int:
    """Return the number of commands that a Redis has processed."""
    ask = ["redis-cli", "-u", redis.url, "info", "stats"]
    stats = subprocess.run(ask, check=True, capture_output=True, text=True).stdout
    return int(stats.partition("total_commands_processed:")[2].split()[0])
