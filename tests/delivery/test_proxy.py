"""The service's image behind nginx, each configured by the rendered compose files."""

import http.client
import http.server
import ipaddress
import json
import shutil
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from tests.support.compose import Service, services_of
from tests.support.containers import builder_here
from tests.support.delivery import free_port, wait_for
from tests.support.history import substitute
from tests.support.images import Built, build
from tests.support.projects import Workshop
from tests.support.servers import ask, nginx

CLAIMS = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Request-ID": "of-the-caller",
}
MEBIBYTE = 1024 * 1024
DOCKERS_NETWORKS = ("172.17.0.0/16", "172.31.0.0/16", "192.168.0.0/20", "10.0.0.0/8")


@pytest.fixture(scope="module")
def built(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The image of a project with default answers."""
    return build(builder_here(), workshop, tmp_path_factory, "default")


@pytest.fixture(scope="module")
def environment(built: Built) -> dict[str, str]:
    """The service's environment from the compose file, without the developer's variables."""
    environment: dict[str, str] = services_of(built.project)["api"]["environment"]
    return environment


@pytest.fixture(scope="module")
def service(built: Built, environment: dict[str, str]) -> Generator[Service]:
    """The running service."""
    service = Service(built, environment)
    with service.stack:
        service.start()
        yield service


@pytest.fixture
def ports(built: Built, service: Service, tmp_path: Path) -> Generator[tuple[int, int]]:
    """The ports of the proxy in front of the service."""
    with nginx(built.project, tmp_path, service.port) as ports:
        yield ports


def test_compose_trusts_only_docker_networks(environment: dict[str, str]) -> None:
    trusted = [
        ipaddress.IPv4Network(each) for each in environment["APP_TRUSTED_PROXIES"].split(",")
    ]

    assert all(network.is_private for network in trusted)
    for each in DOCKERS_NETWORKS:
        assert any(ipaddress.IPv4Network(each).subnet_of(network) for network in trusted)


def test_proxy_passes_ip_address_and_scheme(
    built: Built, environment: dict[str, str], tmp_path: Path
) -> None:
    service = Service(built, environment)
    with service.stack:
        service.start()
        with nginx(built.project, tmp_path, service.port) as (plain, secure):
            response, _ = ask(plain, headers=CLAIMS)
            assert response.getheader("X-Request-ID") == CLAIMS["X-Request-ID"]
            assert response.getheader("Strict-Transport-Security") is None
            context = ssl.create_default_context(cafile=tmp_path / "cert.pem")
            url = f"https://localhost:{secure}/api/v1/items"
            with urllib.request.urlopen(url, context=context) as answer:
                assert answer.headers["Strict-Transport-Security"]
        log = service.stop()

    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    asked = [line for line in lines if line.get("path") == "/api/v1/items"]
    assert [line["client"] for line in asked] == ["127.0.0.2", "127.0.0.1"]


def test_proxy_unknown_host_is_refused(ports: tuple[int, int]) -> None:
    response, problem = ask(ports[0], headers={"Host": "evil.example"})

    assert response.status == 400
    assert problem["status"] == 400


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://localhost/health", "localhost", 200),
        ("http://localhost/health", "LOCALHOST:8080", 200),
        ("http://evil.example/health", "localhost", 400),
        ("http://localhost/health", "evil.example", 400),
    ],
)
def test_proxy_target_with_another_host_is_refused(
    ports: tuple[int, int], target: str, host: str, status: int
) -> None:
    connection = http.client.HTTPConnection("localhost", ports[0], timeout=10)
    connection.request("GET", target, headers={"Host": host})
    response = connection.getresponse()

    assert (response.status, json.loads(response.read())["status"]) in {(200, "ok"), (400, 400)}
    assert response.status == status


def test_proxy_passes_body_after_upgrade_offer(ports: tuple[int, int]) -> None:
    headers = {
        "Content-Type": "application/json",
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAMAAABk",
    }
    body = b'{"name": "from Java"}'
    response, item = ask(ports[0], method="POST", body=body, headers=headers)

    assert (response.status, item["name"]) == (201, "from Java")


@pytest.mark.parametrize("size", [MEBIBYTE + 1, 3 * MEBIBYTE], ids=["service", "proxy"])
@pytest.mark.parametrize("is_chunked", [False, True], ids=["sized", "chunked"])
def test_proxy_large_body_answers_413(ports: tuple[int, int], size: int, is_chunked: bool) -> None:
    body = iter([b"x" * size]) if is_chunked else b"x" * size
    headers = {"Content-Type": "application/json"}
    response, problem = ask(ports[0], method="POST", body=body, headers=headers)

    assert response.status == 413
    assert response.getheader("Content-Type") == "application/problem+json"
    assert problem["request_id"] == response.getheader("X-Request-ID")


PROBLEMS = {
    "nul": (b"GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, "bad_request"),
    "no-http": (b"nonsense\r\n\r\n", 400, "bad_request"),
    "no-host": (b"GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
    "internal": (b"GET /_proxy/400 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, "not_found"),
    "trace": (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "method_not_allowed"),
    "target": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "uri_too_long"),
    "header": (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
        431,
        "request_header_fields_too_large",
    ),
    "coding": (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        501,
        "not_implemented",
    ),
    "version": (b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505, "http_version_not_supported"),
}
"""Requests that the proxy refuses itself, with status and code."""


@pytest.mark.parametrize("name", [*PROBLEMS, "tls"])
def test_proxy_own_errors_are_problems(ports: tuple[int, int], service: Service, name: str) -> None:
    request, status, code = PROBLEMS.get(name, PROBLEMS["nul"])
    _, reference = ask(service.port, "/nowhere")

    response, problem = exchange(ports[name == "tls"], request)

    assert (response.status, problem["status"], problem["code"]) == (status, status, code)
    assert response.getheader("Content-Type") == "application/problem+json"
    assert problem["request_id"] == response.getheader("X-Request-ID")
    assert problem.keys() == reference.keys() - {"instance"}
    assert response.getheader("Retry-After") is None


def exchange(port: int, request: bytes) -> tuple[http.client.HTTPResponse, dict[str, object]]:
    """Send bytes, and return the response and its problem."""
    with socket.create_connection(("localhost", port), timeout=10) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        problem: dict[str, object] = json.loads(response.read())
    return response, problem


class Streaming(http.server.BaseHTTPRequestHandler):
    """Sends a second part only after the first has arrived."""

    has_arrived = threading.Event()

    def do_GET(self) -> None:
        """Answer in two parts, or at once if no client is streaming."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"data: first\n\n")
        if self.path == "/stream":
            self.has_arrived.wait(10)
            self.wfile.write(b"data: second\n\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Suppress the server's log."""


def test_proxy_streams_without_buffering(built: Built, tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Streaming) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with nginx(built.project, tmp_path, server.server_port) as (port, _):
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", "/stream")
            response = connection.getresponse()
            first = response.read1()
            Streaming.has_arrived.set()
            rest = response.read()
            connection.close()
        server.shutdown()

    assert (first, rest) == (b"data: first\n\n", b"data: second\n\n")


def test_proxy_restart_loses_no_retryable_request(
    built: Built, environment: dict[str, str], service: Service, tmp_path: Path
) -> None:
    other = Service(built, environment)
    statuses: list[int] = []
    is_over = threading.Event()

    def keep_asking(port: int) -> None:
        while not is_over.wait(0.01):
            statuses.append(ask(port)[0].status)

    with other.stack, nginx(built.project, tmp_path, service.port, other.port) as (port, _):
        other.start()
        asking = threading.Thread(target=keep_asking, args=(port,))
        asking.start()
        for each in (service, other, service):
            each.stop()
            each.start()
            time.sleep(0.1)
        is_over.set()
        asking.join()

    assert len(statuses) > 50
    assert set(statuses) == {200}


def test_proxy_absent_service_is_a_problem_with_retry_after(
    ports: tuple[int, int], service: Service
) -> None:
    service.stop()
    try:
        response, problem = ask(ports[0])
    finally:
        service.start()

    assert response.status == 503
    assert response.getheader("Retry-After") == "5"
    assert problem["code"] == "unavailable"


def test_development_compose_reloads_local_source(
    built: Built, environment: dict[str, str], tmp_path: Path
) -> None:
    override = yaml.safe_load((built.project / "docker/docker-compose.override.yml").read_text())
    api = override["services"]["api"]
    source = shutil.copytree(built.project / "src", tmp_path / "src")
    (place,) = (each.split(":")[1] for each in api["volumes"] if each.startswith("../src:"))
    command = [*built.image.configuration["Entrypoint"], "env", f"--chdir={api['working_dir']}"]
    port = free_port()
    variables = environment | api["environment"] | {"APP_PORT": str(port)}

    with (
        built.image.container(source, place) as container,
        container.started(*command, *api["command"], **variables) as running,
    ):
        wait_for(f"http://127.0.0.1:{port}/health")
        substitute(source / "my_app/routers/health.py", '"/health"', '"/alive"')
        wait_for(f"http://127.0.0.1:{port}/alive", seconds=60)
        assert running.stop()[0] == 0
