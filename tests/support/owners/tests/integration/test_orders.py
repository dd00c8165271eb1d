from collections.abc import AsyncGenerator

import pytest
from fastapi import APIRouter, FastAPI
from httpx2 import AsyncClient

from my_app.database.engine import Database
from my_app.main import create_app
from my_app.plugins.base import Plugin

from tests.factories import OrderWriteFactory
from tests.support import connect, make_settings
from tests.tokens import make_token

URL = "/api/v1/orders"


async def test_orders_create_then_read(client: AsyncClient) -> None:
    created = await client.post(URL, json=OrderWriteFactory.build().model_dump())

    assert created.status_code == 201
    assert (await client.get(URL)).json()["items"] == [created.json()]
    one = await client.get(f"{URL}/{created.json()['id']}")
    assert one.json() == created.json()
    again = await client.get(
        f"{URL}/{created.json()['id']}", headers={"If-None-Match": one.headers["ETag"]}
    )
    assert again.status_code == 304


async def test_orders_unicorn_is_a_problem(client: AsyncClient) -> None:
    response = await client.post(URL, json={"article": "unicorn"})

    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "sold_out"


async def test_orders_price_is_cached(client: AsyncClient) -> None:
    answers = [await client.get(f"{URL}/price/lamp") for _ in range(2)]

    assert [answer.json() for answer in answers] == [4, 4]


async def test_orders_delete_needs_an_admin(client: AsyncClient) -> None:
    created = await client.post(URL, json=OrderWriteFactory.build().model_dump())

    assert (await client.delete(f"{URL}/{created.json()['id']}")).status_code in {401, 403}
    del client.headers["Authorization"]
    assert (await client.post(URL, json={"article": "book"})).status_code == 401


async def test_orders_shipping_outage_is_a_502(client: AsyncClient) -> None:
    created = await client.post(URL, json=OrderWriteFactory.build().model_dump())

    response = await client.get(f"{URL}/{created.json()['id']}/place")

    assert response.status_code == 502


class Greet(Plugin):
    """A plugin as the README has it."""

    name = "greet"

    def __init__(self) -> None:
        self.router = APIRouter(prefix="/greet")
        self.router.get("")(greet)

    async def initialize(self, app: FastAPI) -> None:
        app.state.greeted = True

    async def shutdown(self) -> None:
        """Do nothing."""


async def greet() -> str:
    return "hello"


@pytest.fixture
async def own_client(own_database_url: str) -> AsyncGenerator[AsyncClient]:
    app = create_app(make_settings(database_url=own_database_url))
    async with app.router.lifespan_context(app), connect(app) as client:
        client.headers["Authorization"] = f"Bearer {make_token()}"
        yield client


async def test_orders_are_committed(own_client: AsyncClient, database: Database) -> None:
    created = await own_client.post(URL, json={"article": "book"})

    assert (await own_client.get(f"{URL}/{created.json()['id']}")).status_code == 200
    assert Greet.name == "greet"
    assert database is not None
