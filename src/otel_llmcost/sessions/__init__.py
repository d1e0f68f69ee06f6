"""Sessions: a span of work with live totals, stages and phases, a status, a summary line and a log of its
own."""

from __future__ import annotations

from .live import Session, session
from .log import COMPLETED, FAILED, RUNNING, SessionLog, SessionRecord
from .totals import StageTotals

__all__ = [
    "COMPLETED",
    "FAILED",
    "RUNNING",
    "Session",
    "SessionLog",
    "SessionRecord",
    "StageTotals",
    "session",
]
