"""Items with hand-written SQL on asyncpg's own pool: the limit of PostgreSQL and FastAPI."""

import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from fastapi import FastAPI, HTTPException

from bench.apps.bare_fastapi import read_health
from bench.apps.items import Item, ItemWrite, Page

ITEMS = """
    SELECT i.id, i.name, i.description, i.created_at, i.updated_at,
           array(SELECT t.name FROM item_tags t WHERE t.item_id = i.id ORDER BY t.name) AS tags
      FROM items i
"""


@asynccontextmanager
async def lifespan(app):
    url = os.environ["DATABASE_URL"].replace("+asyncpg", "")
    async with asyncpg.create_pool(url, min_size=20, max_size=20) as app.state.pool:
        yield


async def list_items(page: int = 1, page_size: int = 20) -> Page:
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(
            f"SELECT found.*, (SELECT count(*) FROM items) AS total FROM ({ITEMS}) found"  # noqa: S608
            " ORDER BY created_at, id LIMIT $1 OFFSET $2",
            page_size,
            (page - 1) * page_size,
        )
    total = rows[0]["total"] if rows else 0
    items = [Item(**row) for row in rows]
    has_next = page * page_size < total
    return Page(items=items, total=total, page=page, page_size=page_size, has_next=has_next)


async def read_item(item_id: UUID) -> Item:
    async with app.state.pool.acquire() as connection:
        row = await connection.fetchrow(f"{ITEMS} WHERE i.id = $1", item_id)
    if row is None:
        raise HTTPException(404)
    return Item(**row)


async def create_item(data: ItemWrite) -> Item:
    now = datetime.now(UTC)
    item = Item(id=uuid4(), created_at=now, updated_at=now, **data.model_dump())
    async with app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO items (id, name, description, created_at, updated_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            *(item.id, item.name, item.description, item.created_at, item.updated_at),
        )
        await connection.executemany(
            "INSERT INTO item_tags (item_id, name) VALUES ($1, $2)",
            [(item.id, tag) for tag in item.tags],
        )
    return item


app = FastAPI(lifespan=lifespan)
app.get("/health")(read_health)
app.get("/api/v1/items")(list_items)
app.get("/api/v1/items/{item_id}")(read_item)
app.post("/api/v1/items", status_code=201)(create_item)
