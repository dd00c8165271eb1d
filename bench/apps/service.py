"""A rendered service, with extra routes for the bench."""

import asyncio
import os
from importlib import import_module
from importlib.util import find_spec
from uuid import uuid4

from fastapi import Depends, Request

from bench.apps.bare_fastapi import echo

PACKAGE = os.environ["BENCH_PACKAGE"]


def create_app():
    """Build the service and add an echo, and a read with and without a token."""
    app = import_module(f"{PACKAGE}.main").create_app()
    app.post("/api/v1/echo")(echo)
    app.get("/bench/tasks")(count_tasks)
    if find_spec(f"{PACKAGE}.auth"):
        items = import_module(f"{PACKAGE}.routers.items")
        auth = import_module(f"{PACKAGE}.auth.dependencies")
        app.get("/bench/token")(issue_token)
        routes = items.create_router(has_export=False).routes
        (read_item,) = (route.endpoint for route in routes if route.name == "read_item")
        app.get("/bench/open/{item_id}")(read_item)
        guards = [Depends(auth.get_current_user)]
        app.get("/bench/guarded/{item_id}", dependencies=guards)(read_item)
    return app


async def count_tasks() -> int:
    return len(asyncio.all_tasks())


async def issue_token(request: Request) -> str:
    return request.app.state.tokens.issue(uuid4())
