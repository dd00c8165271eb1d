"""The two routes on Starlette."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def read_health(_request):
    return JSONResponse({"status": "ok"})


async def echo(request):
    return JSONResponse(await request.json())


app = Starlette(
    routes=[Route("/health", read_health), Route("/api/v1/echo", echo, methods=["POST"])]
)
