"""A booking service: scaffolded, with its rules added by hand as an owner would."""

import difflib
from pathlib import Path

from tests.support.history import substitute
from tests.support.scaffold import PACKAGE, put_into_use, scaffold

__all__ = ["add_bookings"]

RULES = "tests/integration/test_booking_rules.py"

CHECK = """

    @override
    async def add(self, model: Booking) -> None:
        await self._refuse_overlap(model)
        await super().add(model)

    @override
    async def update(self, model: Booking) -> None:
        await self._refuse_overlap(model)
        await super().update(model)

    async def _refuse_overlap(self, booking: Booking) -> None:
        room = select(RoomRow.id).where(RoomRow.id == booking.room_id).with_for_update()
        await self._session.execute(room)  # serializes bookings of a room
        overlapping = select(BookingRow.id).where(
            BookingRow.room_id == booking.room_id,
            BookingRow.id != booking.id,
            BookingRow.starts_at < booking.ends_at,
            BookingRow.ends_at > booking.starts_at,
        )
        if await self._session.scalar(overlapping.limit(1)):
            raise ConflictError("The room is taken at this time.", room_id=str(booking.room_id))
"""
VALIDATOR = """
    @model_validator(mode="after")
    def _end_after_start(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("must end after it starts")
        return self
"""
FACTORY = """
    starts_at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    ends_at = datetime(2026, 1, 2, 12, tzinfo=UTC)
"""
TEST = """\
import pytest
from httpx2 import AsyncClient

from tests.bookings import URL, create_one, make_body


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "status"),
    [
        ("2026-01-02T11:59:00Z", "2026-01-03T12:00:00Z", 409),
        ("2026-01-01T13:00:00Z", "2026-01-01T14:00:00Z", 409),
        ("2026-01-02T12:00:00Z", "2026-01-03T12:00:00Z", 201),
        ("2026-01-03T12:00:00Z", "2026-01-03T11:00:00Z", 422),
    ],
)
async def test_booking_of_a_room_overlaps_no_other(
    admin_client: AsyncClient, starts_at: str, ends_at: str, status: int
) -> None:
    first = await create_one(admin_client)
    times = {"starts_at": starts_at, "ends_at": ends_at}

    body = await make_body(admin_client, room_id=first["room_id"], **times)
    response = await admin_client.post(URL, json=body)

    assert response.status_code == status
"""


def add_bookings(project: Path) -> tuple[set[str], int]:
    """Write rooms and bookings; the project's own command writes their revision.

    Returns:
        The new files, and the number of lines written by hand.
    """
    rooms = "name:str price:decimal(8,2) kind:enum(single,double) details:json?"
    bookings = "room:ref(rooms) starts_at:datetime ends_at:datetime"
    new = scaffold(project, resource="room", fields=rooms, writers="admins")
    new |= scaffold(project, resource="booking", fields=bookings, readers="owner")
    new.add(RULES)
    before = _lines(project, new)
    _add_rules(project)
    differences = difflib.ndiff(before, _lines(project, new))
    by_hand = sum(line.startswith("+ ") for line in differences)
    put_into_use(project, "rooms", "bookings")
    return new, by_hand


def _lines(project: Path, names: set[str]) -> list[str]:
    files = [project / name for name in sorted(names)]
    return [line for file in files if file.exists() for line in file.read_text().splitlines()]


def _add_rules(project: Path) -> None:
    database = project / PACKAGE / "database/bookings.py"
    database.write_text(database.read_text().rstrip("\n") + CHECK)
    substitute(database, r"^from uuid import UUID$", "from typing import override\n\\g<0>")
    substitute(database, r"^(from sqlalchemy import .*)$", r"\1, select")
    imports = (
        "from my_app.database.rooms import RoomRow\nfrom my_app.exceptions import ConflictError\n"
    )
    substitute(database, r"^from my_app\.models\.bookings", rf"{imports}\g<0>")
    models = project / PACKAGE / "models/bookings.py"
    substitute(models, r"^(    ends_at: Moment\n)(?=\n\nclass BookingPatch)", rf"\1{VALIDATOR}")
    substitute(models, r"^from uuid import UUID$", "from typing import Self\n\\g<0>")
    substitute(models, r"^(from pydantic import .*)$", r"\1, model_validator")
    factory = project / "tests/bookings.py"
    substitute(factory, r'^(    """Request bodies .*"""\n)', rf"\1{FACTORY}")
    substitute(factory, r"^from typing import Any$", "from datetime import UTC, datetime\n\\g<0>")
    (project / RULES).write_text(TEST)
