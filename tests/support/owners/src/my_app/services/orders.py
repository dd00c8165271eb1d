"""Use cases of orders."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID, uuid4

from my_app.exceptions import NotFoundError, ServiceError
from my_app.models.orders import Order, OrderWrite
from my_app.models.pages import Page, PageParams

__all__ = ["OrderRepository", "OrderService", "SoldOutError"]


class SoldOutError(ServiceError):
    """The ordered article is sold out."""

    status = HTTPStatus.CONFLICT
    code = "sold_out"


class OrderRepository(Protocol):
    """Storage for orders."""

    async def page(self, *, offset: int, limit: int) -> tuple[list[Order], int]:
        """Return some orders, and their total number."""
        ...

    async def get(self, order_id: UUID, /) -> Order | None:
        """Return one order."""
        ...

    async def add(self, order: Order, /) -> None:
        """Store a new order."""
        ...

    async def delete(self, order_id: UUID, /) -> None:
        """Delete an order if it exists."""
        ...


class OrderService:
    """The use cases of orders, over any repository."""

    def __init__(self, repository: OrderRepository) -> None:
        """Work on the orders that `repository` keeps."""
        self._repository = repository

    async def page(self, params: PageParams) -> Page[Order]:
        """Return one page of the orders, oldest first."""
        orders, total = await self._repository.page(offset=params.offset, limit=params.page_size)
        return Page(items=orders, total=total, page=params.page, page_size=params.page_size)

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
        """Take an order.

        Raises:
            SoldOutError: If nothing is left of the article.
        """
        if data.article == "unicorn":
            raise SoldOutError("There are no unicorns left.", article=data.article)
        now = datetime.now(UTC)
        order = Order(id=uuid4(), created_at=now, updated_at=now, article=data.article)
        await self._repository.add(order)
        return order

    async def delete(self, order_id: UUID) -> None:
        """Remove an order."""
        await self._repository.delete(order_id)
