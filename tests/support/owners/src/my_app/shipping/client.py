"""Client of the shipping service, built like the weather client."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated

import httpx2
from fastapi import Depends, FastAPI, Request

from my_app.config import Settings
from my_app.weather.breaker import CircuitBreaker
from my_app.weather.exceptions import UpstreamError
from my_app.weather.upstream import RetryPolicy, Upstream

__all__ = ["ShippingClient", "ShippingDep", "open_shipping"]


class ShippingClient:
    """Looks up the location of an order."""

    def __init__(self, upstream: Upstream) -> None:
        """Send requests through `upstream`."""
        self._upstream = upstream

    async def place(self, order: str) -> str:
        """Return the location of an order.

        Raises:
            UpstreamError: If the service is unreachable, or does not know the order.
        """
        response = await self._upstream.request("GET", f"orders/{order}", params={})
        if response.status_code != HTTPStatus.OK:
            raise UpstreamError("Nobody knows.", upstream_status=response.status_code)
        return response.text


@asynccontextmanager
async def open_shipping(app: FastAPI) -> AsyncGenerator[None]:
    """Open the connections to the shipping service."""
    settings: Settings = app.state.settings
    breaker = CircuitBreaker("shipping", failures=5, seconds=settings.weather_breaker_seconds)
    policy = RetryPolicy(attempts=1, backoff_seconds=0.01, deadline_seconds=2.0)
    async with httpx2.AsyncClient(base_url="http://127.0.0.1:1") as http:
        app.state.shipping = ShippingClient(Upstream(http, breaker=breaker, policy=policy))
        yield


async def get_shipping(request: Request) -> ShippingClient:
    """Return the client that the lifespan opened."""
    shipping: ShippingClient = request.app.state.shipping
    return shipping


ShippingDep = Annotated[ShippingClient, Depends(get_shipping)]
"""The shipping service."""
