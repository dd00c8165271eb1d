"""The orders of this service, as callers see them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Order", "OrderWrite"]


class OrderWrite(BaseModel):
    """Request body of an order."""

    model_config = ConfigDict(extra="forbid")

    article: str = Field(min_length=1, max_length=100)


class Order(OrderWrite):
    """An order, as stored and shown."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    id: UUID
    created_at: datetime
    updated_at: datetime
