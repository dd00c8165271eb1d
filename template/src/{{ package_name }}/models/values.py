"""Types for stored values, which are read back equal and look the same in every response."""

from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

__all__ = ["NO_NUL", "BigInt", "Moment", "quantized"]

_LONGEST_DECIMAL = Context(prec=1000)


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    return text


NO_NUL = AfterValidator(_without_nul)
"""Rejects NUL, which PostgreSQL cannot store: `Annotated[str, Field(max_length=80), NO_NUL]`."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be within the years 1 to 9999 in UTC") from None


type Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A date and time with time zone, converted to UTC; its column is `Mapped[datetime]`."""

type BigInt = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
"""A 64-bit integer; its column is `Mapped[int] = mapped_column(BigInteger)`."""


def quantized(places: int) -> AfterValidator:
    """Pad a decimal to the places of its `FixedDecimal` column: 1 becomes 1.00.

    Example:
        ```python
        type Price = Annotated[Decimal, Field(max_digits=12, decimal_places=2), quantized(2)]
        ```
    """
    step = Decimal(1).scaleb(-places)

    def quantize(value: Decimal) -> Decimal:
        exact = value.quantize(step, context=_LONGEST_DECIMAL)
        return exact if exact else exact.copy_abs()  # no column distinguishes 0 from -0

    return AfterValidator(quantize)
