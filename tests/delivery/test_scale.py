"""Three processes behind the proxy, with one PostgreSQL and one Redis, act as one service."""

import re
import secrets
import subprocess
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle

import pytest

from tests.support.delivery import ON_SERVERS, serving
from tests.support.projects import Workshop
from tests.support.servers import Postgres, ask, log_in, nginx, postgres, redis, send

ITEMS = "/api/v1/items"
LIMITED = f"{ITEMS}/export"
REFRESH = "/api/v1/auth/refresh"


@dataclass(frozen=True)
class Service:
    """Three processes and the servers they share.

    Attributes:
        program: The command of each process.
        variables: The environment of each process.
        database: The server they share.
        ports: The port of each process.
        proxy: The port of the proxy in front of them.
    """

    program: str
    variables: dict[str, str]
    database: Postgres
    ports: Sequence[int]
    proxy: int


@pytest.fixture(scope="module")
def service(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """The project with all blocks, in production."""
    project = workshop.make(ON_SERVERS)
    program = str(workshop.environment_of(project) / "bin" / "my-app")
    with ExitStack() as stack:
        database = stack.enter_context(postgres())
        variables = {
            "APP_ALLOWED_HOSTS": "localhost,127.0.0.1",
            "APP_AUTH_FAILURES_PER_ACCOUNT": "5",
            "APP_CACHE_TIMEOUT_SECONDS": "10",  # avoids timeouts on a slow machine
            "APP_ENVIRONMENT": "production",
            "APP_RATE_LIMIT_DEFAULT": "100000/day",
            "APP_RATE_LIMIT_ROUTES": f"{LIMITED}=50/day",
            "APP_RATE_LIMIT_TIMEOUT_SECONDS": "10",
            "DATABASE_URL": database.url,
            "REDIS_URL": f"redis://127.0.0.1:{stack.enter_context(redis())}/0",
            "SECRET_KEY": secrets.token_hex(32),
        }
        environment = workshop.environment | variables
        subprocess.run([program, "db", "upgrade"], env=environment, check=True, capture_output=True)
        starting = [stack.enter_context(serving(workshop, project, **variables)) for _ in range(3)]
        ports = [int(address.rpartition(":")[2]) for address in starting]
        proxy, _ = stack.enter_context(nginx(project, tmp_path_factory.mktemp("scale"), *ports))
        yield Service(program, environment, database, ports, proxy)


@pytest.fixture
def account(service: Service) -> tuple[str, str]:
    """Email address and password of a user who registered with the first process."""
    email, password = f"{secrets.token_hex(8)}@example.com", secrets.token_hex(8)
    registration = {"email": email, "password": password}
    status, _ = send(service.ports[0], "POST", "/api/v1/auth/register", registration)
    assert status == 202
    return email, password


def counted(port: int, name: str, labels: str) -> int:
    """Return a process's count for a metric, summed over labels that match a pattern."""
    _, text = ask(port, "/metrics")
    samples = re.sub(r',service="[^"]*"', "", text.decode())
    found = re.findall(rf"^{name}{{{labels}}} (\S+)$", samples, re.MULTILINE)
    return sum(int(float(value)) for value in found)


def test_migrations_concurrent_runs_apply_once(service: Service) -> None:
    service.database.run("createdb", "fresh")
    url = service.database.url.removesuffix("/app") + "/fresh"
    environment = service.variables | {"DATABASE_URL": url}

    migrating = [
        subprocess.Popen(
            [service.program, "db", "upgrade"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(3)
    ]
    printed = [each.communicate()[0] for each in migrating]
    check = subprocess.run([service.program, "db", "check"], env=environment, check=False)

    assert [each.returncode for each in migrating] == [0, 0, 0], "\n".join(printed)
    assert check.returncode == 0


def test_rate_limit_is_exact_across_processes(service: Service) -> None:
    with ThreadPoolExecutor(8) as callers:
        asking = [callers.submit(ask, service.proxy, LIMITED) for _ in range(90)]

    assert Counter(each.result()[0].status for each in asking) == {200: 50, 429: 40}


def test_metrics_are_summed_across_processes(service: Service) -> None:
    labels = f'method="GET",route="{ITEMS}",status="200"'
    before = [counted(port, "http_requests_total", labels) for port in service.ports]

    for _ in range(30):
        assert ask(service.proxy, ITEMS)[0].status == 200

    after = [counted(port, "http_requests_total", labels) for port in service.ports]
    each = [now - then for now, then in zip(after, before, strict=True)]
    assert sum(each) == 30
    assert all(each), "the proxy balances requests"


def test_cache_is_shared_and_never_stale(service: Service, account: tuple[str, str]) -> None:
    first, second, third = service.ports
    token = log_in(first, *account)[1]["access_token"]
    _, item = send(first, "POST", ITEMS, {"name": secrets.token_hex(8)}, token)
    path = f"{ITEMS}/{item['id']}"
    assert ask(first, path)[1] == item

    hits = counted(second, "cache_reads_total", 'result="hit"')
    assert ask(second, path)[1] == item
    assert counted(second, "cache_reads_total", 'result="hit"') == hits + 1

    status, changed = send(third, "PATCH", path, {"description": "LED"}, token)
    assert status == 200
    for port in service.ports:
        assert ask(port, path)[1] == changed != item


def test_replayed_refresh_token_is_noticed_by_every_process(
    service: Service, account: tuple[str, str]
) -> None:
    first, second, third = service.ports
    _, issued = log_in(first, *account)
    used = {"refresh_token": issued["refresh_token"]}

    status, renewed = send(second, "POST", REFRESH, used)
    assert status == 200
    status, repeated = send(third, "POST", REFRESH, used)
    assert (status, repeated["refresh_token"]) == (200, renewed["refresh_token"])
    status, renewed = send(first, "POST", REFRESH, {"refresh_token": renewed["refresh_token"]})
    assert status == 200
    assert send(third, "POST", REFRESH, used)[0] == 401
    newest = {"refresh_token": renewed["refresh_token"]}
    assert send(first, "POST", REFRESH, newest)[0] == 401, "the whole session has ended"


def test_guesses_are_counted_across_processes(service: Service, account: tuple[str, str]) -> None:
    email, password = account
    ports = cycle(service.ports)

    statuses = [log_in(next(ports), email, "wrong")[0] for _ in range(8)]

    assert statuses == [401] * 5 + [429] * 3
    assert log_in(next(ports), email, password)[0] == 429
