"""Calls as span attributes, and span attributes as calls, whoever wrote them.

`project` and `cost_attributes` write, `read_call` reads: `read_call` of a projected call is that call again. What
reads is loaded when the first span of somebody else is read: most programs have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .writing import cost_attributes, project, project_answer, tag_attributes

if TYPE_CHECKING:
    from .reading import read_call

__all__ = ["cost_attributes", "project", "project_answer", "read_call", "tag_attributes"]


def __getattr__(name: str) -> object:
    if name != "read_call":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import reading

    globals()[name] = reading.read_call  # it is asked for at every such span
    return reading.read_call
