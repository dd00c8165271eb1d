"""`scaffold/resource` writes correct code in every shape of a project."""

import itertools
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from extensions.contract.questionnaire import Answers
from tests.support.projects import PEOPLE, QUESTIONNAIRE, Workshop, render
from tests.support.scaffold import put_into_use, scaffold
from tests.support.suite_servers import SuiteServers
from tests.support.type_checkers import check_by_mypy, check_by_pyright

FIELDS = (
    "name:str price:decimal(8,2) kind:enum(single,double) details:json? beds:int opened:date "
    "cleaned_at:datetime ratio:float code:uuid nice:bool? note:text?"
)
BOOKING_FIELDS = "room:ref(rooms) starts_at:datetime guest:str(40)? other_room:ref(rooms)?"
NAMES = ("rooms", "bookings")
CALLERS = [
    ("anybody", "users"),
    ("owner", "owner"),
    ("users", "admins"),
    ("anybody", "owner"),
    ("admins", "admins"),
    ("users", "users"),
    ("anybody", "admins"),
    ("users", "owner"),
]
"""Readers and writers of each resource: rooms take one pair, bookings the next."""

PROJECTS: list[Answers] = [
    {
        "database": database,
        "auth": auth,
        "cache": cache,
        "observability": observability,
        "example": number % 2 == 0,
    }
    for number, (database, auth, cache, observability) in enumerate(
        itertools.product(
            ("none", "sqlite", "postgresql"), ("none", "jwt"), (False, True), (False, True)
        )
    )
]
"""Every combination of the answers that the scaffold reads."""

EVERYTHING = PEOPLE | PROJECTS[-1] | {"example": True}
WHOLE = [PROJECTS[0], PROJECTS[15], PROJECTS[22]]
"""Projects that run their whole suite; the others run the new tests and those affected."""

RESOURCES = [f"{place}/**/*{plural}*.py" for place in ("src", "tests") for plural in NAMES]
"""The files of the resources."""

TOUCHED = [
    "tests/integration/test_rooms_api.py",
    "tests/integration/test_bookings_api.py",
    "tests/integration/test_docs.py",
    "tests/integration/core",
]


def callers(number: int, answers: Answers) -> dict[str, str]:
    """Return the readers and writers of the next resource of a project."""
    if answers["auth"] == "none":
        return {}
    readers, writers = CALLERS[number % len(CALLERS)]
    return {"readers": readers, "writers": writers}


def add_resources(project: Path, answers: Answers) -> set[str]:
    """Scaffold rooms and bookings, and return the new files."""
    number = PROJECTS.index(answers)
    wanted = {"cached": bool(answers["cache"]), "observed": bool(answers["observability"])}
    rooms = {"resource": "room", "fields": FIELDS} | callers(number, answers) | wanted
    bookings = {"resource": "booking", "fields": BOOKING_FIELDS} | callers(number + 1, answers)
    new = scaffold(project, **rooms) | scaffold(project, **bookings | wanted)
    put_into_use(project, "rooms", "bookings")
    return new


@contextmanager
def operated(
    workshop: Workshop, servers: SuiteServers, project: Path, answers: Answers
) -> Generator[Workshop]:
    """Yield a workshop with commands that use a database for this project only."""
    variables = dict(servers.variables)
    if answers["database"] == "sqlite":
        variables["DATABASE_URL"] = f"sqlite:///{project.parent}/scaffold.sqlite3"
        (project.parent / "scaffold.sqlite3").unlink(missing_ok=True)
    if answers["database"] == "postgresql":
        servers.ask("CREATE DATABASE scaffold")
        url = servers.variables["TEST_DATABASE_URL"]
        variables["DATABASE_URL"] = url.replace("/postgres?", "/scaffold?")
    yield replace(workshop, environment=workshop.environment | variables)
    if answers["database"] == "postgresql":
        servers.ask("DROP DATABASE scaffold WITH (FORCE)")


@pytest.mark.parametrize(
    "answers", PROJECTS, ids=["-".join(map(str, each.values())) for each in PROJECTS]
)
def test_scaffold_resources_work_in_every_shape_of_a_project(
    workshop: Workshop, servers: SuiteServers, answers: Answers
) -> None:
    project = workshop.make(PEOPLE | answers)
    add_resources(project, answers)

    with operated(workshop, servers, project, answers) as operator:
        if answers["database"] != "none":
            operator.run(project, "my-app", "db", "revision", "Add rooms and bookings")
            operator.run(project, "my-app", "db", "upgrade")
            operator.run(project, "my-app", "db", "check")
        tests = [] if answers in WHOLE else TOUCHED
        operator.run(project, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not e2e", *tests)
        operator.run(project, "lint-imports", "--no-logo")
        for command in (["check"], ["format", "--check"]):
            operator.run(project, "ruff", *command, "--no-cache")


@pytest.fixture
def scaffolded(template: Path, tmp_path: Path) -> dict[Path, Answers]:
    """Every shape of a project, with its resources."""
    projects: dict[Path, Answers] = {}
    for number, answers in enumerate(PROJECTS):
        complete = QUESTIONNAIRE.complete(PEOPLE | answers)
        project = render(template, tmp_path / f"project-{number}", complete)
        add_resources(project, answers)
        projects[project] = complete
    return projects


def test_scaffold_resources_are_strictly_typed(
    scaffolded: dict[Path, Answers], every_package: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_by_pyright(scaffolded, every_package, RESOURCES)
    check_by_mypy(scaffolded, every_package, tmp_path_factory.getbasetemp() / "mypy", RESOURCES)


@pytest.fixture(scope="module")
def without_auth(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without authentication."""
    return render(template, tmp_path_factory.mktemp("refused") / "my-app", PEOPLE)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"resource": "Room"}, "`Room` is not in snake_case"),
        ({"resource": "class"}, "`class` is a Python keyword"),
        ({"plural": "room"}, "must differ from `room`"),
        ({"plural": "pages"}, "This project already has a module `pages`"),
        ({"fields": ""}, "at least one field"),
        ({"fields": "name"}, "`name` has no type; write name:type"),
        ({"fields": "name:str Size:int"}, "`Size` is not in snake_case"),
        ({"fields": "import:str"}, "`import` is a Python keyword"),
        ({"fields": "id:int"}, "`id` is reserved by every resource"),
        ({"fields": "name:string"}, "the type `string` is not one of str, text"),
        ({"fields": "name:str(80"}, "`name:str(80`: only str(80)"),
        ({"fields": "beds:int(3)"}, "only str(80)"),
        ({"fields": "name:str(0)"}, "write the brackets as in"),
        ({"fields": "price:decimal(19,2)"}, "at most 18 digits"),
        ({"fields": "price:decimal(2,4)"}, "more places than digits"),
        ({"fields": "kind:enum"}, "write the brackets as in"),
        ({"fields": "kind:enum(a,a)"}, "a value appears twice"),
        ({"fields": "room:ref"}, "write the brackets as in"),
        ({"fields": "name:str name:int"}, "A name appears twice"),
        ({"readers": "users"}, "This project has no authentication; choose anybody"),
        ({"writers": "admins"}, "This project has no authentication; choose anybody"),
    ],
    ids=str,
)
def test_scaffold_bad_answer_is_refused_in_one_line(
    without_auth: Path, answers: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        scaffold(without_auth, **{"resource": "room"} | answers)

    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.quick
def test_scaffold_outside_a_project_says_where_to_run(without_auth: Path, tmp_path: Path) -> None:
    shutil.copytree(without_auth / "scaffold", tmp_path / "scaffold")

    with pytest.raises(ValueError, match="Run this in the project's root folder"):
        scaffold(tmp_path, resource="room")


@pytest.mark.quick
def test_scaffold_overwrites_no_file(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "my-app", PEOPLE)
    mine = project / "src/my_app/models/rooms.py"
    mine.write_text("MINE = True\n")

    new = scaffold(project, resource="room", cached=True, observed=True)

    assert mine.read_text() == "MINE = True\n"
    assert {Path(name).parent.name for name in new} == {
        "services",
        "routers",
        "tests",
        "integration",
    }
    assert not list(project.glob("src/my_app/*/rooms.py.*"))


@pytest.mark.quick
def test_scaffold_refuses_names_of_existing_modules(template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "my-app", EVERYTHING)
    folders = ("models", "services", "routers", "database", "cache", "observability")
    files = [
        *(file for each in folders for file in (project / "src/my_app" / each).glob("*.py")),
        *(project / "tests").glob("*.py"),
    ]
    names = {file.stem for file in files if not file.stem.startswith(("_", "test_", "conftest"))}

    for name in sorted(names):
        with pytest.raises(ValueError, match=rf"This project already has a module `{name}`"):
            scaffold(project, resource="thing", plural=name)
