"""A pytest plugin that fails each test of a project after which a task still runs.

Such a task acts during other tests: it logs between their lines, or needs what has been closed.
"""

import asyncio
from collections.abc import AsyncGenerator

import pytest

PATIENCE_SECONDS = 2
"""How long tasks may take to notice that what they use is closed."""


@pytest.fixture(autouse=True)
async def no_task_left() -> AsyncGenerator[None]:
    """Compare the tasks before and after the test and its fixtures."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, running = await asyncio.wait(left, timeout=PATIENCE_SECONDS)
        assert not running, f"still running: {[task.get_coro() for task in running]}"
