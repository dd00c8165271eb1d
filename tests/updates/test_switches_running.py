"""Switched projects in use: their suites, and databases from before the switch."""

import json
import sqlite3
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.delivery import serving
from tests.support.history import History, Project, substitute
from tests.support.projects import FAST, Workshop
from tests.support.running import begin, follow_page
from tests.support.servers import postgres

DATABASES = ("sqlite", "postgresql", "none")
AUTHS = ("jwt", "none")
TRIPS = {
    "database-beside-auth": ("database", DATABASES, {"auth": "jwt"}),
    "database-observed": ("database", DATABASES, {"example": False, "observability": True}),
    "auth-alone": ("auth", AUTHS, {"plugins": True, "rate_limit": True}),
    "auth-on-a-database": ("auth", AUTHS, {"database": "sqlite", "cache": True}),
}


@pytest.mark.parametrize(("name", "values", "answers"), TRIPS.values(), ids=TRIPS)
def test_suite_passes_after_each_switch(
    history: History, workshop: Workshop, name: str, values: tuple[str, ...], answers: Answers
) -> None:
    project = begin(history, workshop, answers)

    for value in values:
        project.update(data={name: value})
        workshop.sync(project.path)
        workshop.run(project.path, "my-app", "openapi", "--output", "openapi.json")
        project.commit()
        workshop.test(project.path, "-m", FAST)


# -------------------------------------------------------------------------------- existing data


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file of a production database."""
    return tmp_path / "production.sqlite3"


@pytest.fixture
def operator(workshop: Workshop, database: Path) -> Workshop:
    """Runs a project's commands on that database."""
    url = {"DATABASE_URL": f"sqlite:///{database}"}
    return replace(workshop, environment=workshop.environment | url)


WAITING_JOB = """\
INSERT INTO jobs (name, payload, headers, state, due_at, attempts, created_at)
VALUES ('send_report', '{}', '{}', 'waiting', now(), 0, now())
"""
IMPORTS = """\
from sqlalchemy.orm import Mapped, mapped_column

from my_app.database.base import Base

"""
ORDERS = '''

class OrderRow(Base):
    """An order."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
'''


def add_orders(project: Project, operator: Workshop, database: Path) -> None:
    """Add an owner's table by a revision, and a row to it."""
    tables = project.path / "src/my_app/database/tables.py"
    imports = "" if "mapped_column" in tables.read_text() else IMPORTS
    substitute(tables, r"^(?=__all__)", imports)
    tables.write_text(tables.read_text() + ORDERS)
    operator.run(project.path, "my-app", "db", "revision", "Orders")
    operator.run(project.path, "my-app", "db", "upgrade")
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO orders VALUES (7)")
    project.commit()


def tables_of(database: Path) -> set[str]:
    with sqlite3.connect(database) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


def orders_of(database: Path) -> list[int]:
    with sqlite3.connect(database) as connection:
        return [number for (number,) in connection.execute("SELECT id FROM orders")]


def post(url: str, *, content: bytes, kind: str) -> dict[str, str]:
    request = urllib.request.Request(url, content, {"Content-Type": kind})  # noqa: S310 -- our own
    with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
        answer: dict[str, str] = json.load(response)
        return answer


def log_in(operator: Workshop, project: Project) -> str:
    """Register with the running service, log in, and return the user."""
    with serving(operator, project.path) as address:
        api = f"{address}/api/v1"
        account = {"email": "ada@example.org", "password": "correct horse battery"}
        post(f"{api}/auth/register", content=json.dumps(account).encode(), kind="application/json")
        form = {"username": account["email"], "password": account["password"]}
        tokens = post(
            f"{api}/auth/login",
            content=urllib.parse.urlencode(form).encode(),
            kind="application/x-www-form-urlencoded",
        )
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        me = urllib.request.Request(f"{api}/users/me", headers=bearer)  # noqa: S310 -- our own
        with urllib.request.urlopen(me, timeout=20) as response:  # noqa: S310
            return str(json.load(response)["email"])


def test_auth_switched_on_with_existing_rows_works(
    history: History, workshop: Workshop, operator: Workshop, database: Path
) -> None:
    project = begin(history, workshop, {"database": "sqlite"})
    add_orders(project, operator, database)

    project.update(data={"auth": "jwt"})
    operator.sync(project.path)
    operator.run(project.path, "my-app", "db", "upgrade")
    operator.run(project.path, "my-app", "db", "check")

    assert orders_of(database) == [7]
    assert log_in(operator, project) == "ada@example.org"


def test_auth_switched_off_with_users_follows_its_page(
    history: History, workshop: Workshop, operator: Workshop, database: Path
) -> None:
    project = begin(history, workshop, {"database": "sqlite", "auth": "jwt", "example": False})
    operator.run(project.path, "my-app", "db", "upgrade")
    add_orders(project, operator, database)
    assert log_in(operator, project) == "ada@example.org"

    project.update(data={"auth": "none"})
    operator.sync(project.path)
    missing = r"CommandError: No file in .* has the revision accounts"
    with pytest.raises(AssertionError, match=missing):
        operator.run(project.path, "my-app", "db", "upgrade")
    follow_page("docs/blocks/auth.md", project, operator)

    assert orders_of(database) == [7]
    assert not tables_of(database) & {"users", "user_sessions", "login_attempts"}
    operator.run(project.path, "my-app", "db", "check")
    operator.test(project.path, "-m", FAST)


def test_jobs_switched_both_ways_keep_a_waiting_job(history: History, workshop: Workshop) -> None:
    answers: Answers = {"database": "postgresql", "jobs": True, "example": False}
    with postgres() as server:
        url = {"DATABASE_URL": server.url}
        operator = replace(workshop, environment=workshop.environment | url)
        project = begin(history, workshop, answers)
        operator.run(project.path, "my-app", "db", "upgrade")
        assert server.run("psql", "-c", WAITING_JOB, server.database).returncode == 0

        project.update(data={"jobs": False})
        project.commit()
        assert not (project.path / "src/my_app/jobs").exists()
        project.update(data={"jobs": True})
        project.commit()
        operator.sync(project.path)
        operator.run(project.path, "my-app", "db", "check")
        operator.run(project.path, "my-app", "jobs", "retry", "1")

        project.update(data={"jobs": False})
        operator.sync(project.path)
        follow_page("docs/blocks/jobs.md", project, operator)
        operator.run(project.path, "my-app", "db", "check")
        assert server.run("psql", "-c", "TABLE jobs", server.database).returncode != 0
