"""The local ledger: a journal that takes each call at once, and the database it is drained into."""

from __future__ import annotations

from .recorder import LedgerSettings, Recorder, RecorderCounters, open_recorder

__all__ = ["LedgerSettings", "Recorder", "RecorderCounters", "open_recorder"]
