"""The runbook works: its commands run in its order, on Debian's servers, to the letter."""

import http.client
import os
import secrets
import shutil
import signal
import ssl
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from extensions.contract.questionnaire import Answers
from tests.support.delivery import ON_SERVERS, PROJECTS, free_port, ran, requires, wait_for
from tests.support.projects import Workshop
from tests.support.servers import Postgres, ask, log_in, nginx, postgres, redis, send, until
from tests.support.steps import commands_in, steps_of
from tests.support.workflows import recorder

ACCOUNT = ("ada@example.com", "correct horse battery")
ITEMS = "/api/v1/items"
PAGE = "docs/runbook.md"


@dataclass
class OnCall:
    """A person on call, with the page and a terminal.

    Attributes:
        folder: The checkout in which the commands run.
        variables: Their environment.
        port: The port of the service.
        followed: The commands that ran.
        service: The running service.
    """

    folder: Path
    variables: dict[str, str]
    port: int
    followed: set[str] = field(default_factory=set[str])
    service: subprocess.Popen[bytes] | None = None

    @property
    def page(self) -> str:
        """The runbook."""
        return (self.folder / PAGE).read_text()

    def section(self, heading: str) -> str:
        """Return a section of the page."""
        return self.page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]

    def run(self, command: str, port: int = 443) -> str:
        """Run a command of the page, with another port for TLS, and return its output."""
        self.followed.add(command)
        here = command.replace("https://localhost/", f"https://localhost:{port}/")
        shell = ["bash", "-e", "-o", "pipefail", "-c", here]
        result = ran(*shell, folder=self.folder, variables=self.variables)
        assert result.returncode == 0, f"{command} failed:\n{result.stdout[-4000:]}"
        return result.stdout

    def follow(self, heading: str) -> list[str]:
        """Run the commands of a section, and return their outputs."""
        commands = list(commands_in(self.section(heading)))
        assert commands, heading
        return [self.run(command) for command in commands]

    def serve(self, command: str) -> None:
        """Run the command that serves, in the background."""
        self.followed.add(command)
        self.service = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=self.folder, env=self.variables
        )
        self.variables["PID"] = str(self.service.pid)
        wait_for(f"{self.variables['URL']}/ready")

    def stop(self, command: str) -> None:
        """Run the command that stops the service."""
        assert self.service is not None
        self.run(command)
        assert self.service.wait(timeout=30) == 0

    def has_followed_all(self) -> None:
        """Check that each command of the page ran."""
        assert set(commands_in(self.page)) - self.followed == set()


@contextmanager
def on_call(workshop: Workshop, answers: Answers, tmp_path: Path) -> Generator[OnCall]:
    """Prepare a checkout, its environment and the servers it needs."""
    requires("curl", "openssl", "psql")
    project, tools, port = workshop.make(answers), tmp_path / "tools", free_port()
    folder = shutil.copytree(project, tmp_path / "my-app", ignore=shutil.ignore_patterns(".venv"))
    tools.mkdir()
    recorder(tools, "docker", 'test -f "$3"\n')
    paths = [tools, workshop.environment_of(project) / "bin", workshop.environment["PATH"]]
    variables = workshop.environment | {
        "APP_ENVIRONMENT": "production",
        "APP_PORT": str(port),
        "APP_TRUSTED_PROXIES": "127.0.0.0/8",
        "PATH": os.pathsep.join(map(str, paths)),
        "SECRET_KEY": secrets.token_hex(32),
        "URL": f"http://127.0.0.1:{port}",
    }
    person = OnCall(folder, variables, port)
    try:
        yield person
    finally:
        if person.service and person.service.poll() is None:
            person.service.send_signal(signal.SIGINT)
            person.service.wait(timeout=30)


def begin(person: OnCall) -> tuple[str, str]:
    """Start the service as the page says.

    Returns:
        The commands that serve and stop.
    """
    *first, serve, alive, ready, stop = commands_in(person.section("Start, drain and stop"))
    for command in first:
        person.run(command)
    person.serve(serve)
    assert '"status":"ok"' in person.run(alive)
    assert '"status":"ready"' in person.run(ready)
    return serve, stop


def sign_up(person: OnCall) -> str:
    """Register and log in, and return the access token."""
    email, password = ACCOUNT
    account = {"email": email, "password": password}
    assert send(person.port, "POST", "/api/v1/auth/register", account)[0] == 202
    token: str = log_in(person.port, email, password)[1]["access_token"]
    return token


def add(person: OnCall, name: str, token: str) -> None:
    """Add an item."""
    assert send(person.port, "POST", ITEMS, {"name": name}, token)[0] == 201


def names(port: int) -> set[str]:
    """Return the names of all items."""
    page: dict[str, Any] = ask(port, ITEMS)[1]
    return {item["name"] for item in page["items"]}


def find_request(person: OnCall) -> None:
    """Send a request, and find its line and its count."""
    request, *searches = commands_in(person.section("Follow one request"))
    answer = person.run(request)
    until(lambda: "call-4711" in (person.folder / "service.log").read_text())
    line, counted = (person.run(command) for command in searches)

    assert '"request_id":"call-4711"' in answer
    assert '"status":404' in line
    assert 'route="unmatched",service="my-app",status="404"' in counted


def use_tls(person: OnCall, folder: Path) -> None:
    """Follow the section about TLS, and call the service through the proxy."""
    section = person.section("TLS in front")
    for step in steps_of(section):
        if not step.is_run:
            step.edit(person.folder)
    *make, curl = commands_in(section)
    for command in make:
        person.run(command)
    folder.mkdir()
    with nginx(person.folder, folder, person.port) as (plain, secure):
        answer = person.run(curl, port=secure)
        redirect, _ = ask(plain, f"{ITEMS}?limit=1")
        response = ask_over_tls(secure, person.folder / "docker/tls/certificate.pem")

    assert '"status":"ok"' in answer
    assert redirect.status == 308
    assert redirect.getheader("Location") == f"https://localhost{ITEMS}?limit=1"
    assert (response.status, bool(response.getheader("Strict-Transport-Security"))) == (200, True)


def ask_over_tls(port: int, certificate: Path) -> http.client.HTTPResponse:
    """Return a response to a client that trusts one certificate."""
    trusted = ssl.create_default_context(cafile=certificate)
    client = http.client.HTTPSConnection("localhost", port, context=trusted)
    client.request("GET", ITEMS)
    response = client.getresponse()
    client.close()
    return response


def use_another_proxy(person: OnCall, folder: Path) -> None:
    """Follow the section about another proxy, and call the service through both."""
    inner, outer = folder / "inner", folder / "outer"
    (inner / "docker").mkdir(parents=True)
    outer.mkdir()
    file = Path(shutil.copy(person.folder / "docker/nginx.conf", inner / "docker"))
    for step in steps_of(person.section("Another proxy in front")):
        step.edit(inner)
    file.write_text(file.read_text().replace("10.0.0.0/8", "127.0.0.1"))
    with (
        nginx(inner, inner, person.port) as (port, _),
        nginx(person.folder, outer, port) as (plain, secure),
    ):
        response, _ = ask(plain, headers={"X-Forwarded-For": "6.6.6.6", "X-Request-ID": "behind"})
        over_tls = ask_over_tls(secure, outer / "cert.pem")
    log = person.folder / "service.log"
    until(lambda: '"request_id":"behind"' in log.read_text())

    (line,) = (each for each in log.read_text().splitlines() if '"request_id":"behind"' in each)
    assert '"client":"127.0.0.2"' in line
    assert not response.getheader("Strict-Transport-Security")
    assert over_tls.getheader("Strict-Transport-Security")


def test_runbook_of_sqlite_works_verbatim(workshop: Workshop, tmp_path: Path) -> None:
    file = tmp_path / "app.sqlite3"
    with on_call(workshop, PROJECTS["on"], tmp_path) as person:
        person.variables |= {"DATABASE_FILE": str(file), "DATABASE_URL": f"sqlite:///{file}"}
        serve, stop = begin(person)
        token = sign_up(person)
        add(person, "before", token)
        find_request(person)
        use_another_proxy(person, tmp_path / "proxies")
        use_tls(person, tmp_path / "nginx")

        backup, check, *restore = commands_in(person.section("Backup and restore"))
        person.run(backup)
        assert "ok" in person.run(check)
        add(person, "after", token)
        person.stop(stop)
        for command in restore:
            person.run(command)
        person.serve(serve)
        assert names(person.port) == {"before"}
        person.stop(stop)

        person.has_followed_all()


def test_runbook_of_postgresql_works_verbatim(workshop: Workshop, tmp_path: Path) -> None:
    with (
        on_call(workshop, ON_SERVERS, tmp_path) as person,
        postgres() as server,
        redis() as cache,
    ):
        person.variables |= {
            "DATABASE_URL": server.url,
            "NEXT_URL": f"{server.url.removesuffix('/app')}/next",
            "PATH": f"{server.programs}{os.pathsep}{person.variables['PATH']}",
            "REDIS_URL": f"redis://127.0.0.1:{cache}/0",
            "RESTORED_URL": f"{server.url.removesuffix('/app')}/restored",
        }
        serve, stop = begin(person)
        token = sign_up(person)
        add(person, "before", token)
        find_request(person)
        use_tls(person, tmp_path / "nginx")
        end_transaction(person, server)
        assert "my-app" in person.follow("Pool arithmetic")[-1]
        run_dead_letter_again(person, server)
        copy_database(person, server, token)
        person.follow("Scale out, and take an instance away")
        change_password(person, server, serve, stop)
        person.stop(stop)

        person.has_followed_all()


def end_transaction(person: OnCall, server: Postgres) -> None:
    """Find the transaction that a migration waits for, and end it."""
    find, end = commands_in(person.section("A migration waits"))
    with server.transaction("SELECT pg_backend_pid()") as pid:
        assert pid in person.run(find)
        person.variables["BLOCKER"] = pid
        person.run(end)
        assert pid not in person.run(find)


def run_dead_letter_again(person: OnCall, server: Postgres) -> None:
    """Find a dead letter, put it back into the queue, and give it up."""
    values = "'send_mail', '{}', '{}', 'dead', now(), 1, now(), now(), 'refused'"
    columns = "name, payload, headers, state, due_at, attempts, created_at, finished_at, error"
    insert = f"INSERT INTO jobs ({columns}) VALUES ({values}) RETURNING id"  # noqa: S608
    added = server.run("psql", "--tuples-only", "--quiet", "--command", insert).stdout.strip()
    person.variables["JOB"] = added
    find, show, retry, waiting, cancel = commands_in(person.section("Dead letters"))
    assert added in person.run(find)
    assert "refused" in person.run(show)
    person.run(retry)
    assert added in person.run(waiting)
    person.run(cancel)
    assert added not in person.run(waiting)


def copy_database(person: OnCall, server: Postgres, token: str) -> None:
    """Restore a backup, and copy the database to the next server."""
    *backup, create, restore, upgrade = commands_in(person.section("Backup and restore"))
    for command in backup:
        person.run(command)
    add(person, "after", token)
    for command in (create, restore, upgrade):
        person.run(command)
    assert server.run("createdb", "next").returncode == 0
    person.follow("Upgrade PostgreSQL")

    assert stored(server, "restored") == {"before"}
    assert stored(server, "next") == {"before", "after"}


def stored(server: Postgres, database: str) -> set[str]:
    """Return the names of the items in a database."""
    query = ["--tuples-only", "--no-align", "--command=SELECT name FROM items"]
    return set(server.run("psql", *query, database).stdout.split())


def change_password(person: OnCall, server: Postgres, serve: str, stop: str) -> None:
    """Move the service to a second role, while the first one can still log in."""
    create, own, lock = commands_in(person.section("Rotate secrets"))
    password = person.variables["NEXT_PASSWORD"] = secrets.token_hex(24)
    for command in (create, own):
        person.run(command)
    person.stop(stop)
    person.variables["DATABASE_URL"] = replace(server, user="app_2", password=password).url
    person.serve(serve)
    person.run(lock)
    assert server.run("psql", "--command=SELECT 1").returncode != 0
    assert names(person.port) == {"before", "after"}
