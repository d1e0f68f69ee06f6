"""Messages that several models worked on: advisors, fallback hops, compactions (`usage.iterations`).

Every iteration is billed at the rates of its own model. The top-level counts leave advisors and compactions
out, and on advisor turns they hold the input of the first iteration only. A hop that declined before any
output is not billed, one that declined midway is.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool and
https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, checked 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import ESTIMATED_NOTE, NOTED, Line, Reading, note
from .anthropic_tokens import token_meters
from .inclusive import Meters
from .meters import TOKEN_METERS, total
from .quantities import rows, text, total_of

Body = Mapping[str, object]


def add_iterations(reading: Reading, usage: Body, notes: list[str]) -> None:
    """Replace the top-level tokens by those of the iterations, one line per model where there are several."""
    entries = rows(usage.get("iterations"))
    if not entries:
        return
    billed = _billed(entries, notes)
    by_model: dict[str, Meters] = {}
    for entry in billed:
        meters = by_model.setdefault(_model(entry, reading.model), {})
        for meter, quantity in token_meters(entry, notes).items():
            meters[meter] = meters.get(meter, 0) + quantity
    own = by_model.pop(reading.model, {})
    if total(own, TOKEN_METERS) < total(reading.usage, TOKEN_METERS):
        if own:
            notes.append(
                note(ESTIMATED_NOTE, "the iterations add up to less than the whole; the whole is counted")
            )
        own = {meter: n for meter, n in reading.usage.items() if meter in TOKEN_METERS}
    fees = {meter: n for meter, n in reading.usage.items() if meter not in TOKEN_METERS}
    main = Line("", reading.model, {**own, **fees}, reading.tier, reading.speed, reading.region)
    others = tuple(
        main._replace(model=model, usage=meters, speed="") for model, meters in by_model.items() if meters
    )
    reading.usage = total_of((main, *others))
    if others:
        reading.lines = (main, *others) if main.usage else others


def _model(entry: Body, served: str) -> str:
    return text(entry.get("model")) or served


def _billed(entries: list[Body], notes: list[str]) -> list[Body]:
    """All iterations but the hops that declined before they said anything."""
    if not any(entry.get("type") == "fallback_message" for entry in entries):
        return entries
    billed = [entry for entry in entries if entry.get("type") != "message" or entry.get("output_tokens")]
    if len(billed) < len(entries):
        notes.append(
            note(NOTED, f"{len(entries) - len(billed)} declined attempts without output are not billed")
        )
    return billed
