"""The findings of `otel-llmcost doctor`: values that every topic produces and the command shows."""

from __future__ import annotations

from dataclasses import dataclass

OK = "ok"
NOTE = "note"
BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `state` is ok, note or broken; `remedy` says what to do about it."""

    topic: str
    name: str
    state: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, in the order in which a person reads them."""

    findings: tuple[Finding, ...]

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The findings that need something to be done."""
        return tuple(found for found in self.findings if found.state == BROKEN)
