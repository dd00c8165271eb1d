"""`scaffold/resource` writes correct code in every shape of a project."""

import ast
import builtins
import itertools
import json
import re
import shutil
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jinja2 import Environment, FileSystemLoader, Undefined
from pydantic import BaseModel

from extensions.contract.questionnaire import Answers
from tests.support.delivery import ON_SERVERS
from tests.support.projects import PEOPLE, QUESTIONNAIRE, Workshop, render
from tests.support.scaffold import put_into_use, scaffold
from tests.support.suite_servers import SuiteServers
from tests.support.type_checkers import check_by_mypy, check_by_pyright

FIELDS = (
    "name:str price:decimal(8,2) kind:enum(single,double) details:json? beds:int opened:date "
    "cleaned_at:datetime ratio:float code:uuid nice:bool? note:text?"
)
BOOKING_FIELDS = "room:ref(rooms) starts_at:datetime guest:str(40)? other_room:ref(rooms)?"
UNUSUAL_FIELDS = (
    "parent:ref(equipment)? total:int client:str data:json type:enum(to-do,EUR,none,v2)? order:str "
    "room:ref(rooms) due:date? at:datetime? model_name:uuid? rate:decimal(18,18)? half:float?"
)
"""Names and values that SQL, Python or a library also use, and a resource without a plural."""

NAMES = ("rooms", "bookings", "equipment")
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

WHOLE = [PROJECTS[0], PROJECTS[15], PROJECTS[22]]
"""Projects that run their whole suite, with unusual names; the others run the tests affected."""

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
    """Scaffold rooms, bookings and perhaps equipment, and return the new files."""
    number = PROJECTS.index(answers)
    wanted = {"cached": bool(answers["cache"]), "observed": bool(answers["observability"])}
    rooms = {"resource": "room", "fields": FIELDS} | callers(number, answers) | wanted
    bookings = {"resource": "booking", "fields": BOOKING_FIELDS} | callers(number + 1, answers)
    new = scaffold(project, **rooms) | scaffold(project, **bookings | wanted)
    if answers not in WHOLE:
        put_into_use(project, "rooms", "bookings")
        return new
    known = [f" item:ref(items)?{' seller:ref(users)?' if has_users(answers) else ''}"]
    fields = UNUSUAL_FIELDS + "".join(known if answers["example"] else [])
    equipment = {"resource": "equipment", "plural": "equipment", "fields": fields}
    new |= scaffold(project, **equipment | callers(number + 2, answers) | wanted)
    put_into_use(project, *NAMES)
    return new


def has_users(answers: Answers) -> bool:
    return answers["auth"] != "none" and answers["database"] != "none"


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
        operator.test(project, "-m", "not e2e", *tests)
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
        ({"resource": "property"}, "`property` is a name of Python or of a library"),
        ({"plural": "credits"}, "`credits` is a name of Python or of a library"),
        ({"resource": "größe"}, "`größe` is not in snake_case; write a name such as room"),
        ({"resource": "r" * 41}, f"`{'r' * 41}` is longer than 40 characters"),
        ({"resource": "item"}, "`item` is a model of the template"),
        ({"plural": "pages"}, "`pages` is a module, a table or a path of the template"),
        ({"fields": ""}, "at least one field"),
        ({"fields": "name"}, "`name` has no type; write name:type"),
        ({"fields": "name:str Size:int"}, "`Size` is not in snake_case"),
        ({"fields": "import:str"}, "`import` is a Python keyword"),
        ({"fields": "id:int"}, "`id` is reserved by every resource"),
        ({"fields": "date:date"}, "`date` is the name of a type in its module"),
        ({"fields": "write:str"}, "`write` is the name of a type in its module"),
        ({"fields": "xmin:float"}, "`xmin` is reserved by every resource"),
        ({"resource": "base", "fields": "model:str"}, "`model` is the name of a type in its"),
        ({"fields": "name:string"}, "the type `string` is not one of str, text"),
        ({"fields": "name:str(80"}, "`name:str(80`: only str(80)"),
        ({"fields": "beds:int(3)"}, "only str(80)"),
        ({"fields": "name:str(0)"}, "write the brackets as in"),
        ({"fields": "price:decimal(19,2)"}, "at most 18 digits"),
        ({"fields": "price:decimal(2,4)"}, "more places than digits"),
        ({"fields": "kind:enum"}, "write the brackets as in"),
        ({"fields": "kind:enum(a,a)"}, "a value appears twice"),
        ({"fields": "kind:enum(a-b,a_b)"}, "a value appears twice"),
        ({"fields": "kind:enum(2xl)"}, "write the brackets as in"),
        ({"fields": "room:ref"}, "write the brackets as in"),
        ({"fields": "hotel:ref(hotels)"}, "there is no resource `hotels` yet"),
        ({"fields": "state:ref(health)"}, "there is no resource `health` yet"),
        ({"fields": "guest:ref(users)"}, "there is no resource `users` yet"),
        ({"fields": "parent:ref(rooms)"}, "a reference to itself must be optional"),
        ({"fields": "name:str name:int"}, "A name appears twice"),
        ({"fields": "line_1:str line1:str"}, "A name appears twice"),
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


def accepted(project: Path, question: str, values: Iterable[str], message: str) -> list[str]:
    """Return the values that do not get the message; Copier would take a second for each."""
    folder = project / "scaffold/resource"
    environment = Environment(  # noqa: S701 -- as Copier does
        loader=FileSystemLoader(folder),
        extensions=["jinja2_ansible_filters.AnsibleCoreFiltersExtension"],
        **yaml.safe_load((folder / "copier.yml").read_text())["_envops"] | {"undefined": Undefined},
    )
    checks = environment.get_template("fields.inc")
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    found: list[str] = []
    for value in sorted(values):
        given = {"_external_data": {"project": answers}, "resource": "thing", question: value}
        problem = vars(checks.make_module(given))[f"{question}_problem"](value)
        if f"`{value.removesuffix(':int')}` is {message}" not in problem:
            found.append(value)
    return found


@pytest.mark.quick
def test_scaffold_refuses_modules_and_tables_of_the_template(
    template: Path, tmp_path: Path
) -> None:
    names: set[str] = set()
    paths = re.compile(r'^    router = APIRouter\(prefix=.*?/(\w+)"', re.MULTILINE)
    for database in ("postgresql", "sqlite"):
        answers = ON_SERVERS | {"database": database, "jobs": database == "postgresql"}
        project = render(template, tmp_path / database / "my-app", answers)
        layers = ("models", "services", "routers", "database", "cache", "observability")
        files = [*(project / "tests").glob("*.py"), *project.glob("src/my_app/jobs/__init__.py")]
        files += [file for each in layers for file in (project / "src/my_app" / each).glob("*.py")]
        names |= {each.parent.name if each.stem == "__init__" else each.stem for each in files}
        for file in project.glob("src/my_app/*/*.py"):
            names |= {*re.findall(r'__tablename__ = "(\w+)"', file.read_text())}

        for file in project.glob("src/my_app/**/*.py"):
            names |= {*paths.findall(file.read_text())}

    assert accepted(project, "plural", names - {*layers}, "a module, a table or a path") == []


def beside(tree: ast.AST, *resources: str) -> set[str]:
    """Return the resources that would have the name of another variable in a function."""
    found: set[str] = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        bound = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
        names = [each for each in ast.walk(function) if isinstance(each, ast.Name)]
        bound |= {each.id for each in names if isinstance(each.ctx, ast.Store)}
        if bound & {*resources}:
            found |= {each for each in bound if not each.endswith("_id")}
        if bound & {f"{each}_id" for each in resources}:
            found |= {each.removesuffix("_id") for each in bound if each.endswith("_id")}
    return found - {"self", *resources}


@pytest.mark.quick
def test_scaffold_refuses_names_of_python_and_of_imports(template: Path, tmp_path: Path) -> None:
    names = {each for each in dir(builtins) if re.fullmatch("[a-z]+", each)} | {"date", "datetime"}
    for answers in (WHOLE[0], WHOLE[1]):
        complete = QUESTIONNAIRE.complete(PEOPLE | answers)
        project = render(template, tmp_path / str(answers["database"]) / "my-app", complete)
        new = add_resources(project, answers)
        tree = ast.parse("".join((project / name).read_text() for name in sorted(new)))
        imports = [each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
        found = {name.name for each in imports for name in each.names}
        classes = {name for name in found if re.fullmatch("([A-Z][a-z]+)+", name)}
        own = [each for each in classes if re.search("Room|Booking|Equipment", each)]
        names |= {re.sub("(?<!^)([A-Z])", r"_\1", each).lower() for each in classes - {*own}}
        names |= beside(tree, "room", "rooms", "booking", "bookings", "equipment")

    assert accepted(project, "resource", names, "a name of Python or of a library") == []


def test_scaffold_refuses_models_of_the_template(workshop: Workshop) -> None:
    project = workshop.make(ON_SERVERS)
    workshop.run(project, "my-app", "openapi", "--output", "openapi.json")
    models = json.loads((project / "openapi.json").read_text())["components"]["schemas"]
    names = {re.sub("(?<!^)([A-Z])", r"_\1", each).lower() for each in models if "_" not in each}

    assert {"item", "role", "place", "greeting"} < names
    assert accepted(project, "resource", names - {"user"}, "a model of the template") == []


@pytest.mark.quick
def test_scaffold_refuses_attributes_of_models_and_rows(without_auth: Path) -> None:
    attributes = {each for each in dir(BaseModel) if not each.startswith("_")}
    attributes |= {"metadata", "registry"}  # of SQLAlchemy

    fields = [f"{name}:int" for name in attributes]
    assert accepted(without_auth, "fields", fields, "reserved by every resource") == []


@pytest.mark.quick
def test_tables_of_the_suite_are_named_like_no_resource(template: Path) -> None:
    tests = (template / "template/tests/integration").rglob("*.py.jinja")
    pattern = r'CREATE TABLE (\w+)|\bTable\(\s*"(\w+)"|__tablename__ = "(\w+)"'
    names = {"".join(found) for file in tests for found in re.findall(pattern, file.read_text())}

    assert len(names) > 5
    assert {name for name in names if not name.startswith("test_")} == set()
