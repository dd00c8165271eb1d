from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from my_app.database.orders import SqlOrderRepository
from my_app.exceptions import NotFoundError
from my_app.models.pages import PageParams
from my_app.services.orders import OrderService, SoldOutError

from tests.factories import OrderWriteFactory


@pytest.fixture
def service(session: AsyncSession) -> OrderService:
    return OrderService(SqlOrderRepository(session))


async def test_orders_create_then_list_contains_it(service: OrderService) -> None:
    created = await service.create(OrderWriteFactory.build())

    page = await service.page(PageParams())

    assert page.items == [created]
    assert await service.get(created.id) == created


async def test_orders_get_unknown_is_not_found(service: OrderService) -> None:
    with pytest.raises(NotFoundError):
        await service.get(uuid4())


async def test_orders_create_unicorn_is_sold_out(service: OrderService) -> None:
    with pytest.raises(SoldOutError):
        await service.create(OrderWriteFactory.build(article="unicorn"))
