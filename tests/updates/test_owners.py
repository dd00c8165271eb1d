"""Code written as 0.4 documented still works after an update to the working tree."""

import shutil
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support import edits
from tests.support.edits import KEPT_EDITS, LAST_JOB, MAY_CLASH
from tests.support.history import NOW, History, Project, released, substitute
from tests.support.projects import BLOCKS, PEOPLE, QUESTIONNAIRE, Workshop, runnable

CODE = ROOT / "tests/support/owners"
"""A resource, its tests and a client of another service, as in the README of 0.4."""

TAUGHT_BY = next(release for release in released() if release.version == "0.4.0")
EVERYTHING = PEOPLE | {
    question.name: True if question.type == "bool" else question.values[-1]
    for question in QUESTIONNAIRE.questions
    if question.name in BLOCKS
}
UNFINISHED = {edits.own_router, edits.added_dependency, edits.bumped_dependency}
"""Edits that merge, but do not run."""

TABLE = '''

class OrderRow(Timestamps, Entity):
    """An order."""

    __tablename__ = "orders"

    article: Mapped[str] = mapped_column(String(100))
'''
METRIC = 'ORDERS_CREATED = Counter("orders_created_total", "Orders that were taken.")'
TABLE_IMPORTS = """\
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from my_app.database.base import Entity, Timestamps
"""
ALIAS_IMPORTS = """\
from my_app.database.dependencies import ReadSessionDep, SessionDep
from my_app.database.orders import SqlOrderRepository
from my_app.observability.orders import ObservedOrderService"""
FACTORY = '''

class OrderWriteFactory(ModelFactory[OrderWrite]):
    """Bodies that create an order."""

    __check_model__ = True
'''
ALIASES = '''

async def get_order_service(session: SessionDep) -> OrderService:
    """Return the use cases of orders in the request's transaction."""
    return ObservedOrderService(SqlOrderRepository(session))


OrderServiceDep = Annotated[OrderService, Depends(get_order_service)]
"""The use cases of orders, for handlers that write."""


async def get_read_order_service(session: ReadSessionDep) -> OrderService:
    """Return the use cases of orders, without a transaction."""
    return OrderService(SqlOrderRepository(session))


ReadOrderServiceDep = Annotated[OrderService, Depends(get_read_order_service)]
"""The use cases of orders, for handlers that only read."""
'''


def write_orders(project: Path) -> None:
    """Write the code of orders, and the lines it needs in shared modules."""
    shutil.copytree(CODE, project, dirs_exist_ok=True)
    package = project / "src/my_app"
    tables, metrics = package / "database/tables.py", package / "observability/metrics.py"
    factories, dependencies = project / "tests/factories.py", package / "dependencies.py"
    for path, text in (
        (tables, TABLE),
        (factories, FACTORY),
        (dependencies, ALIASES),
    ):
        path.write_text(path.read_text() + text)
    substitute(tables, '"ItemRow", ', '"ItemRow", "OrderRow", ')
    substitute(metrics, '    "ITEMS_CREATED",', '\\g<0>\n    "ORDERS_CREATED",')
    substitute(metrics, r"^ITEMS_CREATED = .*$", rf"\g<0>\n{METRIC}")
    add_import(factories, "models.items", "from my_app.models.orders import OrderWrite")
    for after, line in (
        ("database.items", "from my_app.database.orders import SqlOrderRepository"),
        ("observability.items", "from my_app.observability.orders import ObservedOrderService"),
        ("services.items", "from my_app.services.orders import OrderService"),
    ):
        add_import(dependencies, after, line)
    substitute(dependencies, '    "ItemStreamDep",', '\\g<0>\n    "OrderServiceDep",')
    substitute(dependencies, '    "ReadItemServiceDep",', '\\g<0>\n    "ReadOrderServiceDep",')
    wire_orders(project)


def add_import(path: Path, after: str, line: str) -> None:
    """Add an import after that of another module of the project."""
    substitute(path, rf"^from my_app\.{after} import .*$", rf"\g<0>\n{line}")


def wire_orders(project: Path) -> None:
    """Add the lines in `main.py`."""
    main = project / "src/my_app/main.py"
    add_import(main, "routers", "from my_app.routers import orders")
    add_import(main, "weather.client", "from my_app.shipping.client import open_shipping")
    substitute(main, r"^    add_plugins\(app\)$", r"    orders.add_routes(app)\n\g<0>")
    substitute(
        main,
        r"^( *)await stack\.enter_async_context\(open_plugins\(app\)\)$",
        r"\1await stack.enter_async_context(open_shipping(app))\n\g<0>",
    )


MOVED = (
    "src/my_app/database/tables.py",
    "src/my_app/dependencies.py",
    "tests/factories.py",
)
"""Files in which the owner's lines directly follow the items'; conflicts are correct here."""


def write_beside_the_items(project: Path) -> None:
    """Add the owner's lines to the new version of shared modules, below the items' lines."""
    tables, dependencies, factories = (project / name for name in MOVED)
    for path, text in ((tables, TABLE), (dependencies, ALIASES), (factories, FACTORY)):
        path.write_text(path.read_text() + text)
    substitute(tables, r"^(?=from my_app\.database\.items)", TABLE_IMPORTS)
    add_import(dependencies, "config", ALIAS_IMPORTS)
    add_import(dependencies, "services.health", "from my_app.services.orders import OrderService")
    substitute(
        factories,
        r"^from pydantic import BaseModel$",
        r"\g<0>\n\nfrom my_app.models.orders import OrderWrite",
    )


def resolve(project: Project) -> None:
    """Take the new version of conflicting files, and add the owner's lines to them."""
    clashes = project.conflicts()
    assert {*clashes} <= {*MAY_CLASH, *MOVED, LAST_JOB}
    for name in clashes:
        project.git("checkout", "--theirs", "--", name)
    if LAST_JOB in clashes:
        edits.extra_job(project.path)
    if "src/my_app/main.py" in clashes:
        wire_orders(project.path)
    if {*MOVED} & {*clashes}:
        assert {*MOVED} <= {*clashes}
        write_beside_the_items(project.path)


@pytest.mark.parametrize(
    ("database", "type_checker"), [("sqlite", "pyright"), ("postgresql", "mypy")]
)
def test_code_documented_by_0_4_works_after_the_update(
    real_history: History, workshop: Workshop, database: str, type_checker: str
) -> None:
    into = workshop.folder / "my-app"
    shutil.rmtree(into, ignore_errors=True)
    answers = runnable(EVERYTHING | {"database": database, "type_checker": type_checker})
    project = real_history.copy(into, answers, TAUGHT_BY.tag)
    write_orders(project.path)
    project.edit(*(edit for edit in KEPT_EDITS if edit not in UNFINISHED))

    project.update(NOW)
    resolve(project)

    workshop.sync(project.path)
    workshop.run(project.path, "lint-imports", "--no-logo")
    python = workshop.environment_of(project.path) / "bin" / "python"
    at = {"pyright": "--pythonpath", "mypy": "--python-executable"}[type_checker]
    workshop.run(project.path, type_checker, f"{at}={python}")
    workshop.test(project.path, "-m", "not e2e")
