"""The part of pydantic that the page needs, without checks: CI has the real one.

The build puts this module into the page as `pydantic`; the real one would cost 1.9 MB and a second.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self, cast

__all__ = ["BaseModel", "ConfigDict", "Field", "model_validator"]

ConfigDict = dict


class _Field(NamedTuple):
    default: object
    alias: str


def Field(default: object = None, *, alias: str = "") -> Any:  # noqa: ANN401, N802 -- as pydantic's
    """Declare a field with a default or another name in the data."""
    return _Field(default, alias)


def model_validator(*, mode: str) -> Callable[[Any], Any]:  # noqa: ARG001 -- as pydantic's
    """Leave a validator out."""
    return lambda validator: validator


class BaseModel:
    """A model that does not validate its data."""

    def __init__(self, **given: object) -> None:
        declared = {name: each for name, each in vars(type(self)).items() if _is_field(each)}
        names = {each.alias: name for name, each in declared.items()}
        vars(self).update({name: each.default for name, each in declared.items()})
        vars(self).update({names.get(key, key): _as_field(given[key]) for key in given})

    @classmethod
    def model_validate(cls, data: Mapping[str, object]) -> Self:
        """Make a model from plain data."""
        return cls(**data)

    def model_dump(self) -> dict[str, object]:
        """Return the fields by name."""
        return dict(vars(self))


def _is_field(value: object) -> bool:
    return isinstance(value, _Field)


def _as_field(value: object) -> object:
    if isinstance(value, dict):
        return BaseModel(**cast("dict[str, object]", value))
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value
