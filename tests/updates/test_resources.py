"""A booking service, scaffolded and finished by hand, survives changes of its template."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.bookings import add_bookings
from tests.support.history import History, substitute
from tests.support.projects import FAST, Workshop
from tests.support.running import begin, follow_page
from tests.support.suite_servers import SuiteServers

NEXT = "v0.4.0"
ADD_ROW = """\
INSERT INTO rooms (id, name, price, kind, created_at, updated_at)
VALUES ('00000000000000000000000000000007', 'Sea', 9, 'single', '2026-01-01', '2026-01-01')
"""
SERVICE = "scaffold/resource/template/src/@@package@@/services/@@plural@@.py.tmpl"
RUN = """
import asyncio
from sqlalchemy import text
from my_app.config import Settings
from my_app.database.engine import open_engine

async def main() -> None:
    async with open_engine(Settings()) as engine, engine.begin() as connection:
        result = await connection.execute(text({statement!r}))
        assert not result.returns_rows or result.scalar_one() == 1

asyncio.run(main())
"""


@contextmanager
def production(database: str, folder: Path, servers: SuiteServers) -> Generator[str]:
    """Yield the URL of a database that survives the project's tests."""
    if database == "sqlite":
        yield f"sqlite:///{folder}/production.sqlite3"
        return
    servers.ask("CREATE DATABASE production")
    yield servers.variables["TEST_DATABASE_URL"].replace("/postgres?", "/production?")
    servers.ask("DROP DATABASE production WITH (FORCE)")


def execute(operator: Workshop, project: Path, statement: str) -> None:
    """Run a statement on the production database; a query must return 1."""
    operator.run(project, "python", "-c", RUN.format(statement=statement))


@pytest.fixture
def own_history(history: History, tmp_path: Path) -> History:
    """The releases, plus one that changes the scaffold."""
    own = history.fork(tmp_path)
    file = f"template/{SERVICE}"
    own.release(
        NEXT,
        lambda root: substitute(
            root / file, "Return one page of @@ many @@, oldest first", "Return some"
        ),
    )
    return own


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_booking_service_survives_updates_and_switches(
    own_history: History, workshop: Workshop, servers: SuiteServers, tmp_path: Path, database: str
) -> None:
    project = begin(own_history, workshop, {"database": database, "auth": "jwt"})
    with production(database, tmp_path, servers) as url:
        operator = replace(workshop, environment=workshop.environment | {"DATABASE_URL": url})
        mine, by_hand = add_bookings(project.path)
        assert by_hand <= 150
        operator.run(project.path, "my-app", "db", "revision", "Add rooms and bookings")
        operator.run(project.path, "my-app", "db", "upgrade")
        execute(operator, project.path, ADD_ROW)
        (revision,) = project.path.glob("src/my_app/database/migrations/versions/*_bookings.py")
        substitute(project.path / SERVICE, "The use cases of", "What callers do with")
        project.commit()
        kept = {name: project.read(name) for name in (*mine, str(revision))}

        project.update(NEXT)
        assert "Return some" in project.read(SERVICE)
        assert "What callers do with" in project.read(SERVICE)
        assert project.conflicts() == []
        project.commit()

        project.update(NEXT, data={"example": False})
        assert project.conflicts() == []
        workshop.sync(project.path)
        follow_page("docs/blocks/example.md", project, operator)
        project.commit()

        project.update(NEXT, data={"cache": True})
        assert project.conflicts() == []
        workshop.sync(project.path)
        assert {name: project.read(name) for name in kept} == kept
        operator.run(project.path, "my-app", "db", "upgrade")
        operator.run(project.path, "my-app", "db", "check")
        execute(operator, project.path, "SELECT count(*) FROM rooms")

    workshop = replace(workshop, environment=workshop.environment | servers.variables)
    workshop.test(project.path, "-m", FAST)
