"""Code of owners breaks no test of their project."""

from tests.support.history import substitute
from tests.support.projects import Workshop
from tests.support.scaffold import PACKAGE, put_into_use

FILES = '''"""Files and live events."""

from collections.abc import AsyncIterable, AsyncIterator

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

__all__ = ["create_router"]


def create_router() -> APIRouter:
    """Create the router of `/files`."""
    router = APIRouter(prefix="/files", tags=["files"])

    @router.post("", max_body_size=5_000_000)
    async def create_file(request: Request) -> int:
        """Return the size of a file."""
        return len(await request.body())

    @router.get("/text", response_class=StreamingResponse)
    async def read_text() -> AsyncIterable[str]:
        """Stream text without a content type."""
        yield "text"

    @router.get("/events", response_class=EventSourceResponse)
    async def list_events() -> AsyncIterator[ServerSentEvent]:
        """Send events without an end."""
        while True:
            yield ServerSentEvent(data="event")

    return router
'''
COMMAND = '    commands.add_parser("stock", help="count the stock")\n'
TESTS = [
    "tests/integration/core/test_heads.py",
    "tests/integration/test_edge.py",
    "tests/integration/test_linear.py::test_service_hostile_requests_cost_is_linear",
    "tests/unit/test_command_line.py",
]


def test_own_routes_and_commands_break_no_test(workshop: Workshop) -> None:
    project = workshop.make({"example": False})
    (project / PACKAGE / "routers/files.py").write_text(FILES)
    put_into_use(project, "files")
    place = r"(    add_openapi_command\(.*\n)"
    substitute(project / PACKAGE / "__main__.py", place, rf"\1{COMMAND}")
    limit = "client_max_body_size 5000000;"
    substitute(project / "docker/nginx.conf", r"client_max_body_size \w+;", limit)

    workshop.test(project, *TESTS)
