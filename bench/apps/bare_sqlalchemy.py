"""Items with SQLAlchemy's async ORM, in the style of its tutorial and FastAPI's."""

import os
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import DateTime, ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from bench.apps.bare_fastapi import read_health
from bench.apps.items import Item, ItemWrite, Page


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012


class TagRow(Base):
    __tablename__ = "item_tags"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)


class ItemRow(Base):
    __tablename__ = "items"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str]
    description: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    tag_rows: Mapped[list[TagRow]] = relationship(order_by=TagRow.name)

    @property
    def tags(self):
        return [tag.name for tag in self.tag_rows]


engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=20, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def get_session():
    async with sessions() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session)]


async def list_items(session: SessionDep, page: int = 1, page_size: int = 20) -> Page:
    total = await session.scalar(select(func.count()).select_from(ItemRow))
    rows = await session.scalars(
        select(ItemRow)
        .options(selectinload(ItemRow.tag_rows))
        .order_by(ItemRow.created_at, ItemRow.id)
        .limit(page_size)
        .offset((page - 1) * page_size)
    )
    items = [Item.model_validate(row) for row in rows]
    has_next = page * page_size < total
    return Page(items=items, total=total, page=page, page_size=page_size, has_next=has_next)


async def read_item(session: SessionDep, item_id: UUID) -> Item:
    row = await session.get(ItemRow, item_id, options=[selectinload(ItemRow.tag_rows)])
    if row is None:
        raise HTTPException(404)
    return Item.model_validate(row)


async def create_item(session: SessionDep, data: ItemWrite) -> Item:
    now = datetime.now(UTC)
    row = ItemRow(
        name=data.name,
        description=data.description,
        created_at=now,
        updated_at=now,
        tag_rows=[TagRow(name=tag) for tag in data.tags],
    )
    session.add(row)
    await session.commit()
    return Item.model_validate(row)


app = FastAPI()
app.get("/health")(read_health)
app.get("/api/v1/items")(list_items)
app.get("/api/v1/items/{item_id}")(read_item)
app.post("/api/v1/items", status_code=201)(create_item)
