"""Fills a service's tables with 1000 items of two tags each."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

COUNT = 1000


async def main():
    connection = await asyncpg.connect(os.environ["DATABASE_URL"].replace("+asyncpg", ""))
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [begin + timedelta(seconds=number) for number in range(COUNT)]
    items = [
        (UUID(int=number), f"item {number}", "What it is.", moment, moment)
        for number, moment in enumerate(moments)
    ]
    tags = [(key, tag) for key, *_ in items for tag in ("home", "light")]
    columns = ["id", "name", "description", "created_at", "updated_at"]
    await connection.copy_records_to_table("items", records=items, columns=columns)
    await connection.copy_records_to_table("item_tags", records=tags, columns=["item_id", "name"])
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


asyncio.run(main())
