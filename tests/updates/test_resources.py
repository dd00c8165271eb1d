"""A resource of an owner's own outlives the example that it was written after."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.history import History, Project
from tests.support.projects import Workshop
from tests.support.resource import add_orders
from tests.support.running import begin, follow_page
from tests.support.suite_servers import SuiteServers

MAIN = "src/my_app/main.py"
ADD_ROW = """\
INSERT INTO orders (id, article, created_at, updated_at)
VALUES ('00000000000000000000000000000007', 'book', '2026-01-01 12:00:00', '2026-01-01 12:00:00')
"""
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
    """Yield the URL of a database that outlives the tests of the project."""
    if database == "sqlite":
        yield f"sqlite:///{folder}/production.sqlite3"
        return
    servers.ask("CREATE DATABASE production")
    yield servers.variables["TEST_DATABASE_URL"].replace("/postgres?", "/production?")
    servers.ask("DROP DATABASE production WITH (FORCE)")


def execute(operator: Workshop, project: Path, statement: str) -> None:
    """Run a statement on the database of production; a query has to find 1."""
    operator.run(project, "python", "-c", RUN.format(statement=statement))


def take_the_items_out_of_main(project: Project) -> None:
    """Resolve what the owner's line and that of the items may have come to."""
    assert {*project.conflicts()} <= {MAIN}
    markers = r"<{7} before updating\n((?:.*\n)*?)={7}\n(?:.*\n)*?>{7} after updating\n"
    main = re.sub(markers, r"\1", project.read(MAIN))
    project.write(MAIN, main.replace("health, items, orders", "health, orders"))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_resource_outlives_the_example(
    history: History, workshop: Workshop, servers: SuiteServers, tmp_path: Path, database: str
) -> None:
    project = begin(history, workshop, {"database": database})
    with production(database, tmp_path, servers) as url:
        operator = replace(workshop, environment=workshop.environment | {"DATABASE_URL": url})
        mine = add_orders(project.path)
        operator.run(project.path, "my-app", "db", "revision", "Orders")
        operator.run(project.path, "my-app", "db", "upgrade")
        execute(operator, project.path, ADD_ROW)
        (revision,) = project.path.glob("src/my_app/database/migrations/versions/*_orders.py")
        project.commit()
        kept = {name: project.read(name) for name in (*mine, str(revision))}

        project.update(data={"example": False})
        assert {name: project.read(name) for name in kept} == kept
        take_the_items_out_of_main(project)
        workshop.sync(project.path)
        follow_page("docs/blocks/example.md", project, operator)
        operator.run(project.path, "my-app", "db", "upgrade")
        operator.run(project.path, "my-app", "db", "check")
        execute(operator, project.path, "SELECT count(*) FROM orders")

    workshop = replace(workshop, environment=workshop.environment | servers.variables)
    workshop.run(project.path, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not e2e")
