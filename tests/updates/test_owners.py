"""What owners wrote as 0.4 taught it still works after an update to the template as it stands."""

import shutil
from pathlib import Path

import pytest

from extensions.contract.questionnaire import ROOT
from tests.support import edits
from tests.support.edits import KEPT_EDITS, MAY_CLASH
from tests.support.history import NOW, History, Project, released, substitute
from tests.support.projects import BLOCKS, PEOPLE, QUESTIONNAIRE, Workshop, runnable

CODE = ROOT / "tests/support/owners"
"""A resource, its tests and another service that is called, as the README of 0.4 has them."""

TAUGHT_BY = next(release for release in released() if release.version == "0.4.0")
EVERYTHING = PEOPLE | {
    question.name: True if question.type == "bool" else question.values[-1]
    for question in QUESTIONNAIRE.questions
    if question.name in BLOCKS
}
UNFINISHED = {edits.own_router, edits.added_dependency, edits.bumped_dependency}
"""Edits that merge, and do not run."""

TABLE = '''

class OrderRow(Timestamps, Entity):
    """An order."""

    __tablename__ = "orders"

    article: Mapped[str] = mapped_column(String(100))
'''
METRIC = 'ORDERS_CREATED = Counter("orders_created_total", "Orders that were taken.")'
FACTORY = '''

class OrderWriteFactory(ModelFactory[OrderWrite]):
    """Bodies that create an order."""

    __check_model__ = True
'''
ALIASES = '''

async def get_order_service(session: SessionDep) -> OrderService:
    """Return the use cases of orders, in the transaction of the request."""
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
    """Write the code of orders, and the lines that the shared modules need for it."""
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
    """Add the lines of `main.py`."""
    main = project / "src/my_app/main.py"
    add_import(main, "routers", "from my_app.routers import orders")
    add_import(main, "weather.client", "from my_app.shipping.client import open_shipping")
    substitute(main, r"^    add_plugins\(app\)$", r"    orders.add_routes(app)\n\g<0>")
    substitute(
        main,
        r"^( *)await stack\.enter_async_context\(open_plugins\(app\)\)$",
        r"\1await stack.enter_async_context(open_shipping(app))\n\g<0>",
    )


def resolve(project: Project) -> None:
    """Take the new edition of what conflicts, and add the owner's lines to `main.py` again."""
    clashes = project.conflicts()
    assert {*clashes} <= MAY_CLASH
    for name in clashes:
        project.git("checkout", "--theirs", "--", name)
    if "src/my_app/main.py" in clashes:
        wire_orders(project.path)


@pytest.mark.parametrize(
    ("database", "type_checker"), [("sqlite", "pyright"), ("postgresql", "mypy")]
)
def test_code_as_an_earlier_release_taught_it_works_after_the_update(
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
    workshop.run(project.path, "pytest", "-q", "-p", "no:cacheprovider", "-m", "not e2e")
