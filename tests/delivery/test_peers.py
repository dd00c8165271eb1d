"""Slow clients and oversized bodies at the service and its proxy."""

import socket
import sqlite3
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest

from tests.support.delivery import serving, status_of
from tests.support.history import substitute
from tests.support.projects import PEOPLE, Workshop
from tests.support.servers import ask, nginx

EXPORT = b"GET /api/v1/items/export HTTP/1.1\r\nHost: localhost\r\n\r\n"
NO_BODY = b"POST /api/v1/items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
LIMITS = {
    "APP_DATABASE_POOL_SIZE": "2",
    "APP_DATABASE_POOL_TIMEOUT_SECONDS": "0.5",
    "APP_MAX_CONCURRENT_REQUESTS": "15",
}
MOMENT = "2026-01-01 00:00:00.000000"


UPLOADS = """
    from fastapi import APIRouter, Request

    uploads = APIRouter(max_body_size=8_000_000)

    @uploads.post("/uploads")
    async def upload(request: Request) -> int:
        return len(await request.body())

    routers.append(uploads)
"""


def add_items(file: Path) -> None:
    """Add enough items to make an export larger than any socket buffer."""
    rows = [(uuid4().hex, f"Item {number}", "\N{GRINNING FACE}" * 2000) for number in range(2000)]
    insert = "INSERT INTO items (id, name, description, created_at, updated_at) "
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(f"{insert} VALUES (?, ?, ?, '{MOMENT}', '{MOMENT}')", rows)


@pytest.fixture
def proxy(workshop: Workshop, tmp_path: Path) -> Generator[int]:
    """The proxy with short timeouts and large bodies, and a service with few connections."""
    project = workshop.make(PEOPLE | {"database": "sqlite"})
    substitute(project / "docker/nginx.conf", r"(client_body_timeout|send_timeout) 15s;", r"\1 1s;")
    substitute(
        project / "docker/nginx.conf", r"client_max_body_size \d+", "client_max_body_size 8m"
    )
    loop = "    for router in routers:\n"
    substitute(project / "src/my_app/main.py", loop, f"{UPLOADS}\n{loop}")
    with serving(workshop, project, **LIMITS) as address:
        add_items(project / ".state/my_app.sqlite3")
        with nginx(project, tmp_path, int(address.rpartition(":")[2])) as (port, _):
            yield port


def test_proxy_slow_clients_block_no_others(proxy: int) -> None:
    with ExitStack() as stack:
        connections: list[socket.socket] = []
        for request in [EXPORT] * 10 + [NO_BODY] * 30:
            connection = stack.enter_context(socket.socket())
            connection.settimeout(20)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", proxy))
            connection.sendall(request)
            connections.append(connection)
        begun = [connection.recv(12) for connection in connections[:10]]
        paths = ("/ready", "/api/v1/items", "/ready")
        statuses = [status_of(f"http://127.0.0.1:{proxy}{path}") for path in paths]
        ended = [connection.recv(1) for connection in connections[10:]]

    assert begun == [b"HTTP/1.1 200"] * 10
    assert statuses == [200] * 3
    assert ended == [b""] * 30


def test_proxy_routes_have_their_own_body_limits(proxy: int) -> None:
    sent = [("/uploads", 6_000_000), ("/api/v1/items", 6_000_000), ("/uploads", 9_000_000)]
    answers = [ask(proxy, path, "POST", b"x" * size) for path, size in sent]

    assert [response.status for response, _ in answers] == [200, 413, 413]
    assert [problem["code"] for _, problem in answers[1:]] == ["content_too_large"] * 2
    assert answers[0][1] == 6_000_000
