"""SDK objects as plain dictionaries: pydantic models, dataclasses, anything with attributes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum

_DEEPEST = 12
_PLAIN = (str, int, float, bool, type(None), Decimal)
_DUMPS = ("model_dump", "to_dict", "dict")


def plain_body(value: object, depth: int = 0) -> object:
    """`value` as dictionaries, lists and scalars; what cannot be taken apart is left out. Never raises."""
    if isinstance(value, _PLAIN):
        return value
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {str(name): plain_body(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_body(part, depth + 1) for part in value]
    if isinstance(value, Enum):
        return plain_body(value.value, depth + 1)
    return _taken_apart(value, depth)


def _taken_apart(value: object, depth: int) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain_body(getattr(value, field.name, None), depth + 1) for field in fields(value)
        }
    for name in _DUMPS:
        dump = getattr(value, name, None)
        if callable(dump):
            dumped = _dumped(dump, name)
            if isinstance(dumped, Mapping):
                return plain_body(dumped, depth + 1)
    try:
        parts = vars(value)
    except TypeError:
        return None
    return {name: plain_body(part, depth + 1) for name, part in parts.items() if not name.startswith("_")}


def _dumped(dump: Callable[..., object], name: str) -> object:
    # A model whose server sent other types than declared dumps all the same, but warns: switch that off.
    try:
        return dump(warnings=False) if name == "model_dump" else dump()
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        return None
