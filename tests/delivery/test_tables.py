"""The page on tables is accurate for each kind of value and each change of tables with rows."""

import json
import re
import subprocess
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.delivery import ran
from tests.support.history import substitute
from tests.support.projects import Workshop
from tests.support.steps import steps_of
from tests.support.suite_servers import SuiteServers
from tests.support.workflows import recorder

PAGE = "docs/tables.md"
CHANGED = "src/my_app/database/changes.py"
VERSIONS = "src/my_app/database/migrations/versions"
MODULE = """\
import enum
import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from my_app.database.base import Base, Timestamps
from my_app.database.kinds import Loud, Various
from my_app.database.types import FixedDecimal


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class More(enum.Enum):
    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Row(Base):
    __abstract__ = True
    id: Mapped[int] = mapped_column(primary_key=True)


class Parent(Row):
    __tablename__ = "parents"
"""
KINDS = """\
from sqlalchemy import String, Text
from sqlalchemy.types import TypeDecorator


class Loud(TypeDecorator[str]):
    impl = String
    cache_ok = True


class Various(Loud):
    def load_dialect_impl(self, dialect):
        return Text()
"""
TABLE = """

class {name}({bases}):
    __tablename__ = "{name}"
    {column}
"""
EXECUTE = """
import asyncio
import json
import sys
from sqlalchemy import text
from my_app.config import Settings
from my_app.database.engine import open_engine

async def main():
    async with open_engine(Settings()) as engine, engine.begin() as connection:
        for statement in json.loads(sys.argv[1]):
            await connection.execute(text(statement))

asyncio.run(main())
"""
ROUND = """
import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4
from my_app.config import Settings
from my_app.database.bookings import SqlBookingRepository
from my_app.database.engine import Database, open_engine
from my_app.models.bookings import Booking, Line, Status

async def main():
    price, now = Decimal("12.50"), datetime.now(UTC)
    line = Line(text="a room", price=price)
    booking = Booking(id=uuid4(), starts_at=now, status=Status.PAID, price=price, lines=[line])
    async with open_engine(Settings()) as engine:
        async with Database.from_engine(engine).sessions.begin() as session:
            await SqlBookingRepository(session).add(booking)
        async with Database.from_engine(engine).sessions() as session:
            assert await SqlBookingRepository(session).get(booking.id) == booking

asyncio.run(main())
"""


@dataclass(frozen=True)
class Change:
    """A change to a table with one row.

    Attributes:
        row: The row of the page that describes it.
        before: The column before the change; None if there is none, or no table.
        after: The column after the change, likewise.
        value: The column's value before the change.
        note: The note printed by `db revision`, if any.
        base: An additional base of the table after the change.
    """

    row: str
    before: str | None
    after: str | None
    value: str | None = None
    note: str | None = None
    base: str = ""


NOTHING = "pass"
INTEGER = "size: Mapped[int]"
TEXT = "size: Mapped[str] = mapped_column(String(9))"
FLOAT = "size: Mapped[float]"
OPTIONAL = "size: Mapped[int | None]"
COLOR = 'size: Mapped[Color] = mapped_column(Enum(Color, name="color_{}"))'
MORE = 'size: Mapped[More] = mapped_column(Enum(More, name="color_{}"{}))'
CHANGES = [
    Change("a table", INTEGER, None, "1", "is dropped with its rows"),
    Change("a table", None, COLOR.format("new")),
    Change("a table renamed", FLOAT, None, "1.5", "To rename it and keep them, use"),
    Change("a table renamed", None, FLOAT),
    Change("a nullable column", NOTHING, OPTIONAL),
    *(
        Change("a column with a default", NOTHING, f"size: Mapped[{kind}] = mapped_column({how})")
        for kind, how in {
            "bool": "default=True",
            "int": "default=3",
            "str": 'String(9), default="it\'s"',
            "Decimal": 'FixedDecimal(12, 2), default=Decimal("1.5")',
            "list[Any]": "JSON, default=list",
            "Color": 'Enum(Color, name="color_default"), default=Color.BLUE',
            "timedelta": "default=timedelta(hours=1)",
        }.items()
    ),
    Change(
        "a column with a timestamp default, as in `Timestamps`",
        *(NOTHING, NOTHING),
        base="Timestamps, ",
    ),
    Change("a column dropped", INTEGER, NOTHING, "1", "is dropped with its values."),
    Change("a column dropped", "size: Mapped[datetime]", NOTHING, "'2026-01-01'"),
    Change("a column dropped", "size: Mapped[timedelta]", NOTHING, "'01:00:00'"),
    Change("a column dropped", COLOR.format("dropped"), NOTHING, "'RED'"),
    Change("a column renamed", INTEGER, "width: Mapped[int | None]", "1", "To rename it to width"),
    Change("a column made NOT NULL", OPTIONAL, "size: Mapped[int] = mapped_column(default=4)"),
    Change("a column made NOT NULL", OPTIONAL, INTEGER, "1", "becomes NOT NULL"),
    Change("a column made nullable", INTEGER, OPTIONAL, "1", "becomes nullable"),
    Change("a longer text, a larger integer", TEXT, TEXT.replace("9", "20"), "'1'"),
    Change(
        "a longer text, a larger integer", INTEGER, f"{INTEGER} = mapped_column(BigInteger)", "1"
    ),
    Change(
        "a shorter text, a smaller integer", TEXT.replace("9", "20"), TEXT, "'1'", "VARCHAR(9): "
    ),
    Change(
        "a shorter text, a smaller integer",
        f"{INTEGER} = mapped_column(BigInteger)",
        INTEGER,
        "1",
    ),
    Change("text to a number, and back", TEXT, INTEGER, "'1'", "becomes INTEGER"),
    Change("text to a number, and back", INTEGER, TEXT, "1"),
    *(
        Change(
            "a server default", f"size: Mapped[{kind}]{before}", f"size: Mapped[{kind}]{after}", "1"
        )
        for kind, before, after in [
            ("int", "", ' = mapped_column(server_default="3")'),
            ("int", ' = mapped_column(server_default="3")', ' = mapped_column(server_default="4")'),
            ("int", ' = mapped_column(server_default="3")', ""),
            ("str", "", ' = mapped_column(server_default="it\'s :one")'),
            ("str", "", " = mapped_column(server_default=text(\"(lower('A') || 'b')\"))"),
        ]
    ),
    Change("an `Enum`", NOTHING, COLOR.format("added").replace("[Color]", "[Color | None]")),
    Change("members of an `Enum`", COLOR.format("more"), MORE.format("more", ""), "'RED'"),
    Change("members of an `Enum`", MORE.format("less", ""), COLOR.format("less"), "'RED'"),
    Change(
        "members of an `Enum`",
        COLOR.format("use")[:-1] + ', server_default="RED")',
        MORE.format("use", "")[:-1] + ', server_default="GREEN")',
        "'BLUE'",
    ),
    Change("text to an `Enum`, and back", TEXT, COLOR.format("text"), "'RED'"),
    Change("text to an `Enum`, and back", COLOR.format("gone"), TEXT, "'RED'"),
    *(
        Change(
            "a unique constraint, an index, a foreign key", INTEGER, f"{INTEGER} = {column}", "1"
        )
        for column in (
            "mapped_column(unique=True)",
            "mapped_column(index=True)",
            'mapped_column(ForeignKey("parents.id"))',
        )
    ),
    Change(
        "an index on an expression",
        INTEGER,
        f'{INTEGER}\n    __table_args__ = (Index("absolute", text("abs(size)")),)',
        "1",
    ),
    Change(
        "a named check",
        INTEGER,
        f'{INTEGER}\n    __table_args__ = (CheckConstraint("size > 0", name="positive"),)',
        "1",
    ),
    Change("a custom type", NOTHING, "size: Mapped[str | None] = mapped_column(Loud(9))"),
    Change("a custom type", NOTHING, "size: Mapped[str | None] = mapped_column(Various(9))"),
]
REFUSED = "a NOT NULL column without a default"
LIMITED = "an index on an expression"
"""A row of SQLite's page only; PostgreSQL treats it as any other index."""


@dataclass(frozen=True)
class Owner:
    """A developer who changes the tables of a project.

    Attributes:
        project: The project with the page, without the example.
        workshop: Runs commands on the owner's database.
        checker: Checks the project's types.
    """

    project: Path
    workshop: Workshop
    checker: list[str]

    @property
    def page(self) -> str:
        """The page on tables."""
        return (self.project / PAGE).read_text()

    def run(self, *command: str) -> str:
        """Run a command that must succeed, and return its output."""
        result = self.attempt(*command)
        assert result.returncode == 0, f"{command} failed:\n{result.stdout[-8000:]}"
        return result.stdout

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command that may fail."""
        program = self.workshop.environment_of(self.project) / "bin" / command[0]
        variables = self.workshop.environment
        return ran(program, *command[1:], folder=self.project, variables=variables)

    def follow(self, block: str) -> None:
        """Run those commands of a block that belong to the project."""
        for line in block.splitlines():
            self.run(*re.sub(r"^uv run ", "", line).replace('"', "").split(maxsplit=3))

    def define(self, tables: Iterator[str]) -> None:
        """Replace the module of tables."""
        (self.project / CHANGED).write_text("".join([MODULE, *tables]))


@pytest.fixture(params=["sqlite", "postgresql"])
def owner(
    request: pytest.FixtureRequest, workshop: Workshop, servers: SuiteServers, tmp_path: Path
) -> Generator[Owner]:
    """The owner of a project with a database and no tables."""
    database: str = request.param
    url = f"sqlite:///{tmp_path}/tables.sqlite3"
    if database == "postgresql":
        servers.ask("CREATE DATABASE tables")
        url = servers.variables["TEST_DATABASE_URL"].replace("/postgres?", "/tables?")
    checker = "mypy" if database == "sqlite" else "pyright"
    project = workshop.make({"database": database, "example": False, "type_checker": checker})
    variables = {"APP_ENVIRONMENT": "development", "APP_LOG_LEVEL": "ERROR", "DATABASE_URL": url}
    python = workshop.environment_of(project) / "bin/python"
    check = [checker, "src", *([f"--pythonpath={python}"] if checker == "pyright" else [])]
    yield Owner(project, replace(workshop, environment=workshop.environment | variables), check)
    if database == "postgresql":
        servers.ask("DROP DATABASE tables WITH (FORCE)")


def test_page_on_tables_works_verbatim(owner: Owner, tmp_path: Path) -> None:
    steps = [*steps_of(owner.page)]
    for step in steps:
        if step.is_placed:
            step.edit(owner.project)
    first, second, again, *server = (step.text for step in steps if step.is_run)

    owner.follow(first)
    owner.run("python", "-c", ROUND)
    (column,) = re.findall(r"another column, `(.*?)`", owner.page)
    bookings = owner.project / "src/my_app/database/bookings.py"
    substitute(bookings, r"(    starts_at: .*)", rf"\1\n    {column}")
    owner.follow(second)
    owner.run("ruff", "check")
    owner.run("ruff", "format", "--check")
    owner.run(*owner.checker)
    owner.follow(again)
    owner.run("python", "-c", ROUND)
    for command in server:  # recorded only
        recorder(tmp_path, "docker")
        variables = {"PATH": f"{tmp_path}:{owner.workshop.environment['PATH']}"}
        assert ran("bash", "-euc", command, variables=variables).returncode == 0


def test_each_change_on_the_page_is_reversible_with_rows(owner: Owner) -> None:
    (owner.project / "src/my_app/database/kinds.py").write_text(KINDS)
    owner.define(_tables(is_after=False))
    owner.run("my-app", "db", "revision", "Before")
    owner.run("my-app", "db", "upgrade")
    owner.run("python", "-c", EXECUTE, json.dumps([*_inserts()]))

    owner.define(_tables(is_after=True))
    notes = owner.run("my-app", "db", "revision", "After")
    for action in (["upgrade"], ["downgrade", "-1"], ["upgrade"], ["check"]):
        owner.run("my-app", "db", *action)

    assert [each for each in CHANGES if each.note and each.note not in notes] == []
    tried = {each.row for each in CHANGES}
    is_sqlite = owner.workshop.environment["DATABASE_URL"].startswith("sqlite")
    assert {*_rows(owner.page)} == (tried if is_sqlite else tried - {LIMITED}) | {REFUSED}
    assert "no revision was written" in owner.run("my-app", "db", "revision", "Nothing")
    substitute(owner.project / CHANGED, '"parents"', f'"parents"\n    {INTEGER}')
    refused = owner.attempt("my-app", "db", "revision", "Refused")
    assert (refused.returncode, refused.stdout.count("\n")) == (1, 1)
    assert refused.stdout.startswith("CommandError: parents.size is NOT NULL")
    owner.run("ruff", "check", VERSIONS)
    owner.run("ruff", "format", "--check", VERSIONS)
    owner.run(*[VERSIONS if each == "src" else each for each in owner.checker])


def _tables(*, is_after: bool) -> Iterator[str]:
    for number, each in enumerate(CHANGES):
        column = each.after if is_after else each.before
        bases = f"{each.base if is_after else ''}Row"
        if column is not None:
            yield TABLE.format(name=f"table_{number}", bases=bases, column=column)


def _inserts() -> Iterator[str]:
    yield "INSERT INTO parents (id) VALUES (1)"
    for number, each in enumerate(CHANGES):
        if each.before is not None:
            names, values = ("id, size", f"1, {each.value}") if each.value else ("id", "1")
            yield f"INSERT INTO table_{number} ({names}) VALUES ({values})"  # noqa: S608 -- our own


def _rows(page: str) -> Iterator[str]:
    table = page.partition("| change |")[2].partition("\n\n")[0]
    return (
        row.partition(" | ")[0] for row in re.findall(r"^\| (?!---)(.+) \|$", table, re.MULTILINE)
    )
