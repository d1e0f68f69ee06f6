"""What a session and its stages come to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..attribution import Rollup
from ..attribution.totals import Totals

_NEWEST = 4096


class Latencies:
    """Durations of calls: the mean over all, percentiles over the newest 4,096. Seconds."""

    __slots__ = ("_newest", "count", "total_s")

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=_NEWEST)
        self.count = 0
        self.total_s = 0.0

    def add(self, seconds: float) -> None:
        """One call's duration."""
        self._newest.append(seconds)
        self.count += 1
        self.total_s += seconds

    def mean(self) -> float | None:
        """Over all calls; None where there were none."""
        return self.total_s / self.count if self.count else None

    def percentile(self, share: float) -> float | None:
        """The nearest rank: the smallest duration that at least this share of the calls did not exceed."""
        ordered = sorted(self._newest)
        if not ordered:
            return None
        rank = max(-(-len(ordered) * share // 1), 1)
        return ordered[min(int(rank), len(ordered)) - 1]


@dataclass(slots=True)
class StageTotals(Totals):
    """One stage of a session: its wall time in seconds (nested stages apart) and what its calls came to."""

    name: str
    seconds: float = 0.0
    rollup: Rollup = field(default_factory=Rollup)
