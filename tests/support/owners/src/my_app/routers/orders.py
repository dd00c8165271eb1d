"""The orders API."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Query
from pydantic import TypeAdapter

from my_app.auth.audit import audit
from my_app.auth.dependencies import CurrentUser, require_role
from my_app.cache.dependencies import CacheDep
from my_app.cache.etags import ETagRoute
from my_app.cache.service import Kind
from my_app.dependencies import OrderServiceDep, ReadOrderServiceDep, SettingsDep
from my_app.logs import get_logger
from my_app.models.orders import Order, OrderWrite
from my_app.models.pages import Page, PageParams
from my_app.problems import problems
from my_app.routers import API_PREFIX, direct_router
from my_app.shipping.client import ShippingDep

__all__ = ["add_routes"]

PRICE = Kind("price", TypeAdapter(int))

log = get_logger(__name__)


def add_routes(app: FastAPI) -> None:
    """Add the routes of `/orders`."""
    router = direct_router(
        app, prefix=f"{API_PREFIX}/orders", tags=["orders"], route_class=ETagRoute
    )
    missing = problems(HTTPStatus.NOT_FOUND)
    router.get("")(list_orders)
    router.get("/price/{article}")(read_price)
    router.get("/{order_id:uuid}", responses=missing)(read_order)
    router.get("/{order_id:uuid}/place", responses=missing)(read_place)
    router.post("", status_code=HTTPStatus.CREATED)(create_order)
    router.delete(
        "/{order_id:uuid}",
        status_code=HTTPStatus.NO_CONTENT,
        dependencies=[Depends(require_role("admin"))],
    )(delete_order)


async def list_orders(
    orders: ReadOrderServiceDep, params: Annotated[PageParams, Query()]
) -> Page[Order]:
    """List the orders, oldest first."""
    return await orders.page(params)


async def read_price(cache: CacheDep, settings: SettingsDep, article: str) -> int:
    """Read the price of an article."""

    async def compute() -> int:
        log.info("price_computed", article=article, environment=settings.environment)
        return len(article)

    return await cache.get_or_compute(PRICE, article, compute)


async def read_order(orders: ReadOrderServiceDep, order_id: UUID) -> Order:
    """Read one order."""
    return await orders.get(order_id)


async def read_place(orders: ReadOrderServiceDep, shipping: ShippingDep, order_id: UUID) -> str:
    """Read the location of an order."""
    return await shipping.place(str((await orders.get(order_id)).id))


async def create_order(user: CurrentUser, orders: OrderServiceDep, data: OrderWrite) -> Order:
    """Take an order."""
    order = await orders.create(data)
    audit.info("order_created", user_id=str(user.id), order_id=str(order.id))
    return order


async def delete_order(orders: OrderServiceDep, order_id: UUID) -> None:
    """Delete an order."""
    await orders.delete(order_id)
