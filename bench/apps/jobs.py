"""A service and a worker with a job that does nothing, and routes to enqueue and measure it."""

import asyncio
import os
import statistics
import time
from importlib import import_module

from fastapi import Request
from sqlalchemy import text

PACKAGE = os.environ["BENCH_PACKAGE"]
main = import_module(f"{PACKAGE}.main")
items = import_module(f"{PACKAGE}.routers.items")
models = import_module(f"{PACKAGE}.models.items")
database = import_module(f"{PACKAGE}.database.dependencies")
definitions = import_module(f"{PACKAGE}.jobs.definitions")
enqueueing = import_module(f"{PACKAGE}.jobs.enqueueing")
lifespan = import_module(f"{PACKAGE}.jobs.lifespan")

ItemServiceDep, ItemWrite = items.ItemServiceDep, models.ItemWrite
SessionDep, NoPayload = database.SessionDep, definitions.NoPayload
MANY = text(
    "INSERT INTO jobs (name, payload, headers, state, due_at, attempts, created_at)"
    " SELECT 'nothing', '{}', '{}', 'waiting', now(), 0, now() FROM generate_series(1, :count)"
)
started = asyncio.Queue()


@definitions.job()
async def nothing(_payload: NoPayload, _context: definitions.JobContext) -> None:
    started.put_nowait(time.perf_counter())


def create_app():
    """Build the service, and add a write that enqueues a job."""
    app = main.create_app()
    lifespan.add_jobs(app, [nothing])
    app.post("/bench/items", status_code=201)(create_item_and_job)
    return app


def create_worker():
    """Build the worker, and add a route that measures it."""
    app = main.create_worker()
    lifespan.add_jobs(app, [nothing])
    app.get("/bench/jobs")(measure)
    return app


async def create_item_and_job(
    data: ItemWrite, service: ItemServiceDep, session: SessionDep
) -> models.Item:
    """Create an item, and enqueue a job in the same transaction."""
    item = await service.create(data)
    await enqueueing.enqueue(session, nothing, NoPayload())
    return item


async def measure(request: Request, count: int, singles: int):
    """Run single jobs, then many at once."""
    sessions = import_module(f"{PACKAGE}.database.engine").DATABASE.get(request.app).sessions
    delays = []
    for _ in range(singles):
        async with sessions.begin() as session:
            await enqueueing.enqueue(session, nothing, NoPayload())
        committed = time.perf_counter()
        delays.append((await started.get() - committed) * 1000)
    async with sessions.begin() as session:
        await session.execute(MANY, {"count": count})
        await enqueueing.notify(session)
    begun = time.perf_counter()
    for _ in range(count):
        last = await started.get()
    percentiles = statistics.quantiles(delays, n=20)
    return {"rate": count / (last - begun), "p50_ms": percentiles[9], "p95_ms": percentiles[18]}
