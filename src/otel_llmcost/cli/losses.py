"""What is said of calls that found no place in the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from ..ledger.losses import Loss
from .export import iso


def lost_count(lost: Sequence[Loss]) -> tuple[int, bool]:
    """How many calls, and whether that is all; processes that were killed did not tell their last ones."""
    return sum(loss.calls for loss in lost), all(loss.ended for loss in lost)


def lost_text(lost: Sequence[Loss]) -> str:
    """How many calls found no place, and when the last."""
    count, all_told = lost_count(lost)
    last = iso(max(loss.last_ns for loss in lost) // 10**9 * 10**9)
    calls = f"{'' if all_told else 'at least '}{count:,} call{'' if count == 1 else 's'}"
    return f"{calls} found no place in the ledger, the last at {last}"


def lost_line(lost: Sequence[Loss]) -> str:
    """The same for a person who looks at the cost of all others."""
    what = "what it cost" if lost_count(lost)[0] == 1 else "what they cost"
    return f"{lost_text(lost)}: {what} is not in this; remedy: otel-llmcost doctor"


def lost_json(lost: Sequence[Loss]) -> dict[str, object]:
    """The same as JSON has it."""
    count, all_told = lost_count(lost)
    return {"calls": count, "is_lower_bound": not all_told}
