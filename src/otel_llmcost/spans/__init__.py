"""Calls as span attributes, and span attributes as calls, whoever wrote them.

`project` and `cost_attributes` write, `read_call` reads: `read_call` of a projected call is that call again.
"""

from __future__ import annotations

from .reading import read_call
from .writing import cost_attributes, project, project_answer, tag_attributes

__all__ = ["cost_attributes", "project", "project_answer", "read_call", "tag_attributes"]
