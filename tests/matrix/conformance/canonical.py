"""What a program saw, in a form that two runs can be compared by: types, values and exceptions, ids left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CLOCKS = frozenset({"created", "created_at", "completed_at", "expires_at", "ended_at", "in_progress_at"})
# the demo provider's ids are 24 hexadecimal digits, the boundaries of forms 32
_ID = re.compile(r"[0-9a-f]{24,32}")
_CLOCK_IN_TEXT = re.compile(r'"(created|created_at|completed_at|expires_at)": ?[0-9.]+')


def canonical(value: Any) -> Any:
    """The value as JSON, with its type where it is not JSON's own."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        return ["bytes", _text(value.decode("utf-8", "replace"))]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return {str(key): 0 if key in _CLOCKS else canonical(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(part) for part in value]
    if isinstance(value, BaseException):
        return [_type(value), _text(str(value)), _type(value.__cause__) if value.__cause__ else ""]
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        # without warnings: what a hostile body made is no business of the serializer
        return [_type(value), canonical(dump(warnings=False))]
    return _type(value)


def _type(value: Any) -> str:
    kind = value if isinstance(value, type) else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _text(text: str) -> str:
    return _CLOCK_IN_TEXT.sub(r'"\1":0', _ID.sub("<id>", text))
