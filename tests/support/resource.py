"""A resource of an owner's own, written as the documentation of a project teaches it."""

from pathlib import Path

from tests.support.history import substitute

__all__ = ["add_orders"]

MODELS = '''\
"""Orders."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Order", "OrderWrite"]


class OrderWrite(BaseModel):
    """What a client orders."""

    article: str = Field(min_length=1, max_length=100, pattern=r"^[^\\x00]*$")


class Order(BaseModel):
    """An order as it is stored and shown."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    article: str
    created_at: datetime
    updated_at: datetime
'''
SERVICE = '''\
"""What can be done with orders."""

from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

from my_app.exceptions import NotFoundError
from my_app.models.orders import Order, OrderWrite

__all__ = ["OrderRepository", "OrderService"]


class OrderRepository(Protocol):
    """Where orders are kept."""

    async def get(self, order_id: UUID, /) -> Order | None:
        """Return one order, if it is there."""
        ...

    async def add(self, order: Order, /) -> None:
        """Keep a new order."""
        ...


class OrderService:
    """The orders use cases, over any repository."""

    def __init__(self, repository: OrderRepository) -> None:
        """Work on the orders that `repository` keeps."""
        self._repository = repository

    async def get(self, order_id: UUID) -> Order:
        """Return one order.

        Raises:
            NotFoundError: If there is none with this id.
        """
        order = await self._repository.get(order_id)
        if order is None:
            raise NotFoundError("There is no such order.", order_id=str(order_id))
        return order

    async def create(self, data: OrderWrite) -> Order:
        """Take an order."""
        now = datetime.now(UTC)
        order = Order(id=uuid4(), created_at=now, updated_at=now, **data.model_dump())
        await self._repository.add(order)
        return order
'''
DATABASE = '''\
"""Orders kept in the database: their table and their repository."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from my_app.database.base import Entity, Timestamps, table_of
from my_app.database.repository import SqlRepository
from my_app.models.orders import Order

__all__ = ["OrderRow", "SqlOrderRepository"]


class OrderRow(Timestamps, Entity):
    """An order."""

    __tablename__ = "orders"

    article: Mapped[str] = mapped_column(String(100))


_ORDER = table_of(OrderRow).columns


class SqlOrderRepository(SqlRepository[OrderRow, Order]):
    """An `OrderRepository` over the table of orders."""

    row = OrderRow
    model = Order
    order = (_ORDER["created_at"], _ORDER["id"])
    columns = tuple(_ORDER)
    conflict = "Another order has this id."
'''
ROUTER = '''\
"""The orders API, and how it gets its service."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from my_app.database.dependencies import ReadSessionDep, SessionDep
from my_app.database.orders import SqlOrderRepository
from my_app.models.orders import Order, OrderWrite
from my_app.problems import error_responses
from my_app.routers import API_PREFIX
from my_app.services.orders import OrderService

__all__ = ["create_router"]


async def get_order_service(session: SessionDep) -> OrderService:
    """Return the orders use cases, in the transaction of the request."""
    return OrderService(SqlOrderRepository(session))


OrderServiceDep = Annotated[OrderService, Depends(get_order_service)]
"""The orders use cases, for handlers that write."""


async def get_read_order_service(session: ReadSessionDep) -> OrderService:
    """Return the orders use cases, without a transaction."""
    return OrderService(SqlOrderRepository(session))


ReadOrderServiceDep = Annotated[OrderService, Depends(get_read_order_service)]
"""The orders use cases, for handlers that only read."""


def create_router() -> APIRouter:
    """Create the router of `/orders`."""
    router = APIRouter(prefix=f"{API_PREFIX}/orders", tags=["orders"])

    @router.post("", status_code=HTTPStatus.CREATED)
    async def create_order(orders: OrderServiceDep, data: OrderWrite) -> Order:
        """Take an order."""
        return await orders.create(data)

    @router.get("/{order_id:uuid}", responses=error_responses(HTTPStatus.NOT_FOUND))
    async def read_order(orders: ReadOrderServiceDep, order_id: UUID) -> Order:
        """Read one order."""
        return await orders.get(order_id)

    return router
'''
FACTORIES = '''\
"""Factories of orders."""

from my_app.models.orders import OrderWrite

from tests.factories import Factory, unique_name


class OrderWriteFactory(Factory[OrderWrite]):
    """Bodies that create an order."""

    article = unique_name
'''
TEST = """\
from httpx2 import AsyncClient

from tests.orders import OrderWriteFactory

URL = "/api/v1/orders"


async def test_create_order_then_read_gives_the_same(client: AsyncClient) -> None:
    data = OrderWriteFactory.build()

    created = await client.post(URL, json=data.model_dump())
    read = await client.get(f"{URL}/{created.json()['id']}")

    assert (created.status_code, created.json()["article"]) == (201, data.article)
    assert read.json() == created.json()
"""


def add_orders(project: Path) -> set[str]:
    """Add the files of a resource and its line in `main.py`, and return the names of the files.

    The revision is left to the project's own command.
    """
    package = "src/my_app"
    files = {
        f"{package}/models/orders.py": MODELS,
        f"{package}/services/orders.py": SERVICE,
        f"{package}/database/orders.py": DATABASE,
        f"{package}/routers/orders.py": ROUTER,
        "tests/orders.py": FACTORIES,
        "tests/integration/test_orders.py": TEST,
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text)
    main = project / package / "main.py"
    substitute(main, r"^(from my_app\.routers import .*)$", r"\1, orders")
    substitute(
        main,
        r"^        health\.create_router\(\),\n",
        r"\g<0>        orders.create_router(),\n",
    )
    return {*files}
