"""Messages of several prompts or models: advisors, fallback hops, compactions (`usage.iterations`).

Every iteration is billed at the rates of its own model, and those are the rates of its own prompt: a threshold
is about one prompt, so that iterations of one model are lines of their own, too. The top-level counts leave
advisors and compactions out, and on advisor turns they hold the input of the first iteration only. A hop that
declined before any output is not billed, one that declined midway is.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool and
https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, checked 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..call import ESTIMATED_NOTE, NOTED, Line, Reading, note
from ..meters import TOKEN_METERS, total
from .anthropic_tokens import token_meters
from .quantities import rows, text, total_of

Body = Mapping[str, object]


def add_iterations(reading: Reading, usage: Body, notes: list[str]) -> None:
    """Replace the top-level tokens by those of the iterations, one line for each where there are several."""
    entries = rows(usage.get("iterations"))
    if not entries:
        return
    billed = [(_model(entry, reading.model), token_meters(entry, notes)) for entry in _billed(entries, notes)]
    own = [meters for model, meters in billed if model == reading.model and meters]
    others = [(model, meters) for model, meters in billed if model != reading.model and meters]
    if sum(total(meters, TOKEN_METERS) for meters in own) < total(reading.usage, TOKEN_METERS):
        if own:
            notes.append(
                note(ESTIMATED_NOTE, "the iterations add up to less than the whole; the whole is counted")
            )
        own = [{meter: n for meter, n in reading.usage.items() if meter in TOKEN_METERS}]
    fees = {meter: n for meter, n in reading.usage.items() if meter not in TOKEN_METERS}
    if fees:
        own = [{**(own[0] if own else {}), **fees}, *own[1:]]
    main = Line("", reading.model, {}, reading.tier, reading.speed, reading.region)
    lines = (
        *(main._replace(usage=meters) for meters in own),
        *(main._replace(model=model, usage=meters, speed="") for model, meters in others),
    )
    reading.usage = total_of(lines)
    if others or len(own) > 1:
        reading.lines = lines


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
