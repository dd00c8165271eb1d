"""Orders stored in the database."""

from my_app.database.base import table_of
from my_app.database.repository import SqlRepository
from my_app.database.tables import OrderRow
from my_app.models.orders import Order

__all__ = ["SqlOrderRepository"]

_COLUMNS = table_of(OrderRow).columns


class SqlOrderRepository(SqlRepository[OrderRow, Order]):
    """An `OrderRepository` over the table of orders."""

    row = OrderRow
    model = Order
    order = (_COLUMNS["created_at"], _COLUMNS["id"])
    columns = tuple(_COLUMNS)
    conflict = "This order is there already."

    async def page(self, *, offset: int, limit: int) -> tuple[list[Order], int]:
        """Return some orders, and their total number."""
        return await self._page(offset=offset, limit=limit)
