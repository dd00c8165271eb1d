"""The complete compose stack of a project: PostgreSQL, Redis, migration, service, nginx.

The servers are Debian's, so their versions differ from the images'; the settings are the file's.
"""

import secrets
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.compose import Service, services_of
from tests.support.containers import Container, builder_here
from tests.support.delivery import ON_SERVERS, free_port, wait_for
from tests.support.images import Built, build
from tests.support.projects import Workshop, render
from tests.support.servers import Postgres, ask, log_in, nginx, postgres, redis, send

ITEMS = "/api/v1/items"
PORTS = {"api": "8000", "worker": "8001"}
DISCONNECT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app'"


@dataclass(frozen=True)
class Stack:
    """A running compose stack.

    Attributes:
        services: The services of the file.
        database: Its PostgreSQL.
        api: Its service.
        container: The container of the service.
        proxy: The port of the proxy.
    """

    services: dict[str, dict[str, Any]]
    database: Postgres
    api: Service
    container: Container
    proxy: int

    def is_ready(self, name: str = "api", port: int | None = None) -> bool:
        """Run the compose file's health check of a service."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        there, here = PORTS[name], str(port or self.api.port)
        return self.container.run(*(word.replace(there, here) for word in command))[0] == 0


def test_services_restart_and_bound_their_logs(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "my-app", ON_SERVERS)
    services = services_of(project, POSTGRES_PASSWORD=secrets.token_hex(24))

    assert set(services) == {"api", "migrate", "postgres", "proxy", "redis", "worker"}
    for name, service in services.items():
        assert set(service["logging"]["options"]) == {"max-file", "max-size"}
        assert service.get("restart") == (None if name == "migrate" else "unless-stopped")
    for part in ("depends_on", "env_file", "environment", "image"):
        assert services["worker"][part] == services["api"][part]


@pytest.fixture(scope="module")
def built(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The image of a project that needs every server."""
    return build(builder_here(), workshop, tmp_path_factory, "on-servers")


@pytest.fixture
def stack(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """The services, started in the order of the file."""
    own = {"POSTGRES_PASSWORD": secrets.token_hex(24), "SECRET_KEY": secrets.token_hex(32)}
    services = services_of(built.project, **own)
    with ExitStack() as stack:
        database = stack.enter_context(postgres(services["postgres"]["environment"]))
        cache = stack.enter_context(redis(services["redis"]["command"]))
        places = {"postgres/": f"127.0.0.1:{database.port}/", "redis:6379": f"127.0.0.1:{cache}"}

        def environment_of(name: str) -> dict[str, str]:
            given: dict[str, str] = own | services[name]["environment"]  # overrides `env_file`
            for there, here in places.items():
                given = {key: value.replace(there, here) for key, value in given.items()}
            return given

        migrate = stack.enter_context(built.image.container())
        command = services["migrate"]["command"]
        code, output = migrate.run(*command, **environment_of("migrate"))
        assert code == 0, output
        api = Service(built, environment_of("api"))
        stack.push(api.stack)
        container = api.start()
        folder = tmp_path_factory.mktemp("nginx")
        proxy, _ = stack.enter_context(nginx(built.project, folder, api.port))
        yield Stack(services, database, api, container, proxy)


def test_stack_serves_through_its_proxy(stack: Stack) -> None:
    account = {"email": "ada@example.com", "password": "correct horse battery"}

    assert stack.is_ready()
    assert send(stack.proxy, "POST", "/api/v1/auth/register", account)[0] == 202
    status, tokens = log_in(stack.proxy, account["email"], account["password"])
    assert status == 200
    status, item = send(stack.proxy, "POST", ITEMS, {"name": "Lamp"}, tokens["access_token"])
    assert status == 201
    response, page = ask(stack.proxy, ITEMS)
    assert page["items"] == [item]
    assert response.getheader("RateLimit")
    assert ask(stack.api.port, "/metrics")[0].status == 200
    assert ask(stack.proxy, "/metrics")[0].status == 404
    runs_worker(stack)

    assert '"level":"error"' not in stack.api.stop()


def runs_worker(stack: Stack) -> None:
    """Start the worker as the file does, check it as the file does, and stop it."""
    port = free_port()
    command = stack.services["worker"]["command"]
    variables = {**stack.api.environment, "APP_JOBS_PORT": str(port)}
    with stack.container.started(*command, **variables) as worker:
        wait_for(f"http://127.0.0.1:{port}/ready")
        assert stack.is_ready("worker", port)
        code, output = worker.stop()
    assert code == 0, output
    assert '"event":"jobs_started"' in output


def test_stack_survives_a_database_outage(stack: Stack) -> None:
    ready, health = (f"http://127.0.0.1:{stack.api.port}/{path}" for path in ("ready", "health"))

    allow(stack.database, "false")
    wait_for(ready, 503)
    wait_for(health, 200)
    assert not stack.is_ready(), "compose delays the proxy"
    assert stack.container.check(**stack.api.environment) == 0, "liveness does not kill it"

    allow(stack.database, "true")
    wait_for(ready, 200)
    assert ask(stack.proxy, ITEMS)[0].status == 200


def allow(database: Postgres, is_allowed: str) -> None:
    """Allow clients to connect to the database, or disconnect and reject them."""
    for command in (f"ALTER DATABASE app ALLOW_CONNECTIONS {is_allowed}", DISCONNECT):
        assert database.run("psql", "--command", command, "postgres").returncode == 0
