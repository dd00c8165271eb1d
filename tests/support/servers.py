"""Debian's servers for a service, on loopback and with their own folders."""

import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.delivery import free_port, requires, wait_for

__all__ = [
    "Postgres",
    "ask",
    "log_in",
    "nginx",
    "postgres",
    "prometheus",
    "redis",
    "send",
    "until",
]


@dataclass(frozen=True)
class Postgres:
    """A running PostgreSQL.

    Attributes:
        programs: The folder of its programs.
        port: Where it listens.
        user: The owner of the database.
        password: The owner's password.
        database: The database's name.
    """

    programs: Path
    port: int
    user: str
    password: str
    database: str

    @property
    def url(self) -> str:
        """The database URL for a service."""
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs as the database's user; it may fail."""
        who = ["--host=127.0.0.1", f"--port={self.port}", f"--username={self.user}"]
        return subprocess.run(
            [str(self.programs / program), *who, *arguments],
            env=os.environ | {"PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def transaction(self, query: str) -> Generator[str]:
        """Keep a transaction open, and yield the first line of its query's result."""
        who = ["--host=127.0.0.1", f"--port={self.port}", f"--username={self.user}"]
        with subprocess.Popen(
            [str(self.programs / "psql"), *who, "--quiet", "-At", self.database],
            env=os.environ | {"PGPASSWORD": self.password},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as client:
            assert client.stdin
            assert client.stdout
            client.stdin.write(f"BEGIN;\n{query};\n")
            client.stdin.flush()
            yield client.stdout.readline().strip()
            client.stdin.close()


@contextmanager
def postgres(given: Mapping[str, str] | None = None) -> Generator[Postgres]:
    """Start PostgreSQL with a new database.

    Args:
        given: `POSTGRES_USER`, `POSTGRES_PASSWORD` and `POSTGRES_DB`, as its image reads them.

    Yields:
        The running server.
    """
    given = given or {}
    password = given.get("POSTGRES_PASSWORD", secrets.token_hex(24))
    user, database = given.get("POSTGRES_USER", "app"), given.get("POSTGRES_DB", "app")
    server = Postgres(_postgres_programs(), free_port(), user, password, database)
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "password").write_text(password)
        if owner := "postgres" if os.geteuid() == 0 else None:
            for path in (folder, folder / "password"):
                shutil.chown(path, owner, owner)
        access = [f"--username={user}", f"--pwfile={name}/password", "--auth=scram-sha-256"]
        initdb = [str(server.programs / "initdb"), f"--pgdata={name}/data", "--encoding=UTF8"]
        with _running([*initdb, "--no-sync", *access], folder, owner) as process:
            assert process.wait() == 0
        settings = ["-clisten_addresses=127.0.0.1", f"-p{server.port}", f"-k{name}", "-F"]
        command = [str(server.programs / "postgres"), f"-D{name}/data", *settings]
        with _running(command, folder, owner):
            until(lambda: server.run("pg_isready").returncode == 0)
            assert server.run("createdb", database).returncode == 0
            yield server


def _postgres_programs() -> Path:
    """Return the folder of the newest PostgreSQL, which Debian keeps outside PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if not found:
        requires("initdb")
    return max(found, key=lambda folder: int(folder.parent.name))


@contextmanager
def redis(command: Sequence[str] = ("redis-server", "--save", "")) -> Generator[int]:
    """Start Redis, as a compose file would, and yield its port."""
    requires(command[0])
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        where = ["--bind", "127.0.0.1", "--port", str(port), "--dir", name]
        with _running([*command, *where], Path(name)):
            until(lambda: _answers(port))
            yield port


def _answers(port: int) -> bool:
    command = ["redis-cli", "-p", str(port), "ping"]
    return subprocess.run(command, capture_output=True, check=False).stdout == b"PONG\n"


@contextmanager
def nginx(project: Path, folder: Path, *upstreams: int) -> Generator[tuple[int, int]]:
    """Run a project's proxy in front of some ports, and yield its ports for http and https.

    Its version is older than the image's, so the names that the image resolves by Docker's DNS are
    replaced by IP addresses. A proxy without TLS gets a certificate.
    """
    requires("nginx", "openssl")
    plain, secure = free_port(), free_port()
    servers = "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in upstreams)
    certificate = f"ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;"
    text = (project / "docker/nginx.conf").read_text()
    if "listen 443 ssl default_server;" not in text:
        plainly = "listen 80 default_server;"
        text = text.replace(plainly, f"{plainly} listen 443 ssl default_server; {certificate}")
    replaced = {
        "server api:8000 resolve max_fails=0;": servers,
        "listen 80 default_server;": f"listen {plain};",
        "listen 443 ssl default_server;": f"listen {secure} ssl;",
        "/etc/nginx/tls/": f"{project}/docker/tls/",
        "/run/nginx.pid": f"{folder}/nginx.pid",
    }
    for old, new in replaced.items():
        assert old in text or "tls" in old
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    _certify(folder)
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    with _running(command, folder):
        wait_for(f"http://localhost:{plain}/_proxy/", 404)
        yield plain, secure


@contextmanager
def prometheus(folder: Path, configuration: Mapping[str, object]) -> Generator[str]:
    """Start Prometheus in a folder, and yield the URL of its API."""
    requires("prometheus")
    address = f"127.0.0.1:{free_port()}"
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    command = ["prometheus", "--config.file=prometheus.yml", f"--web.listen-address={address}"]
    with _running([*command, "--storage.tsdb.path=data"], folder):
        wait_for(f"http://{address}/-/ready")
        yield f"http://{address}/api/v1"


def _certify(folder: Path) -> None:
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command = ["openssl", "req", "-x509", "-subj", "/CN=localhost", *names, *key, *files]
    subprocess.run(command, check=True, capture_output=True)


def ask(
    port: int,
    path: str = "/api/v1/items",
    method: str = "GET",
    body: bytes | Iterator[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[http.client.HTTPResponse, Any]:
    """Send a request from a separate IP address, which distinguishes the caller from the proxy.

    Returns:
        The response and its body, decoded from JSON or as bytes.
    """
    source = ("127.0.0.2", 0)
    connection = http.client.HTTPConnection("localhost", port, timeout=20, source_address=source)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    is_json = response.getheader("Content-Type", "").endswith("json")
    return response, json.loads(content) if is_json and content else content


def send(port: int, method: str, path: str, body: object, token: str = "") -> tuple[int, Any]:
    """Send JSON, and return the status and the response body."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    response, content = ask(port, path, method, json.dumps(body).encode(), headers)
    return response.status, content


def log_in(port: int, email: str, password: str) -> tuple[int, Any]:
    """Log in with the form used by the documentation page, and return the status and the tokens."""
    form = urlencode({"username": email, "password": password}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response, content = ask(port, "/api/v1/auth/login", "POST", form, headers)
    return response.status, content


def until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until a condition holds."""
    started = time.perf_counter()
    while not is_so():
        assert time.perf_counter() - started < seconds, "the condition never held"
        time.sleep(0.02)


@contextmanager
def _running(
    command: Sequence[str], folder: Path, owner: str | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """Run a program in the foreground, and interrupt it at the end."""
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=log,
            stderr=log,
            user=owner,
            group=owner,
            extra_groups=[] if owner else None,
        )
    with process:
        try:
            yield process
        except AssertionError as error:
            error.add_note((folder / "log.txt").read_text()[-4000:])
            raise
        finally:
            process.send_signal(signal.SIGINT)
