"""The two routes on FastAPI alone: the baseline for the service's own layers."""

from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Order(BaseModel):
    quantity: int
    name: str


async def read_health() -> Health:
    return Health()


async def echo(order: Order) -> Order:
    return order


app = FastAPI()
app.get("/health")(read_health)
app.post("/api/v1/echo")(echo)
