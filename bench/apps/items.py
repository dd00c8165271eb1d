"""Models for both references with a database, identical to the service's."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class ItemWrite(BaseModel):
    name: str
    description: str | None = None
    tags: list[str] = []


class Item(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    description: str | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime


class Page(BaseModel):
    items: list[Item]
    total: int
    page: int
    page_size: int
    has_next: bool
