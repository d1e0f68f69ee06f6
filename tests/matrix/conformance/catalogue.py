"""All ways: importing this module fills the list."""

from __future__ import annotations

from . import (
    ways_bodies,
    ways_calls,
    ways_failures,
    ways_free,
    ways_helpers,
    ways_later,
    ways_media,
    ways_platforms,
    ways_sockets,
    ways_streams,
    ways_tools,
)
from .way import WAYS

__all__ = [
    "WAYS",
    "ways_bodies",
    "ways_calls",
    "ways_failures",
    "ways_free",
    "ways_helpers",
    "ways_later",
    "ways_media",
    "ways_platforms",
    "ways_sockets",
    "ways_streams",
    "ways_tools",
]
