"""Anthropic's messages: exclusive counts (input without cached tokens), cache lifetimes, server tools, terms.

Fields from the types of anthropic 2.12 and https://platform.claude.com/docs/en/build-with-claude/prompt-caching,
checked 2026-11-22. Iterations (advisor, fallback, compaction) are in `anthropic_iterations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..call import (
    BROKEN_OFF,
    COMMITTED_NOTE,
    INCOMPLETE_NOTE,
    NO_USAGE_NOTE,
    NOT_BILLED_NOTE,
    NOTED,
    PENDING_NOTE,
    SUMMED_NOTE,
    Reading,
    note,
)
from ..meters import OUTPUT_METERS
from . import terms
from .anthropic_iterations import add_iterations
from .anthropic_tokens import token_meters
from .inclusive import Meters
from .quantities import count, explained, money, table, text

Body = Mapping[str, object]


def read_message(body: Body) -> Reading:
    """A message, or the folded events of a streamed one."""
    notes: list[str] = []
    usage = body.get("usage")
    stop = body.get("stop_reason")
    reading = Reading(
        text(body.get("model")),
        text(body.get("id")),
        message_meters(usage, notes) if isinstance(usage, dict) and usage else {},
        *("", "", "", "", ()),
        (text(stop),) if isinstance(stop, str) else (),
    )
    if isinstance(usage, dict) and usage:
        add_terms(reading, usage, notes)
        if usage.get("iterations"):
            add_iterations(reading, usage, notes)
        if "broken_off" in body:
            notes.append(BROKEN_OFF)
        if body.get("container") and "code_execution" not in reading.usage:
            notes.append(
                note(NOTED, "code ran in a container, whose hours beyond the free ones are billed apart")
            )
        fell = body.get("fell")
        if isinstance(fell, list):
            notes.extend(note(INCOMPLETE_NOTE, str(told)) for told in fell)
        if stop == "refusal" and _is_unbilled_refusal(body, reading):
            reading.usage, reading.lines = {}, ()
            notes.append(note(NOT_BILLED_NOTE, "refused before any output"))
    else:
        notes.append(note(NO_USAGE_NOTE, _why_no_usage(body)))
    if notes or not reading.usage:
        reading.notes = explained(reading, notes)
    return reading


def _is_unbilled_refusal(body: Body, reading: Reading) -> bool:
    # https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback, checked 2026-11-23: the models
    # whose classifiers explain themselves (`stop_details`) are not billed where nothing was said yet.
    silent = not any(meter in reading.usage for meter in OUTPUT_METERS)
    alone = all(line.model == reading.model for line in reading.lines)
    return silent and alone and isinstance(body.get("stop_details"), dict)


def _why_no_usage(body: Body) -> str:
    is_error = body.get("type") == "error" or bool(body.get("error"))
    return "the body is an error" if is_error else "the body tells no usage"


def message_meters(usage: Body, notes: list[str]) -> Meters:
    """The disjoint meters of a message's usage object; fetching pages is free, searching is not."""
    meters = token_meters(usage, notes)
    tools = usage.get("server_tool_use")
    if isinstance(tools, dict):
        searches = count(tools.get("web_search_requests"), "web_search_requests", notes)
        if searches:
            meters["web_search"] = searches
        runs = count(tools.get("code_execution_requests"), "code_execution_requests", notes)
        if runs:
            meters["code_execution"] = runs
    return meters


def add_terms(reading: Reading, usage: Body, notes: list[str]) -> None:
    """Tier, speed and region as served. Anthropic's priority tier is capacity bought beforehand."""
    tier = usage.get("service_tier")
    if tier is not None:
        reading.tier = terms.tier(tier)
        if reading.tier == terms.PRIORITY:
            notes.append(
                note(COMMITTED_NOTE, "served on Anthropic's priority tier, capacity bought beforehand")
            )
    reading.speed = terms.speed(usage.get("speed"))
    geo = usage.get("inference_geo")
    if isinstance(geo, str) and geo not in ("", "not_available"):
        reading.region = geo.lower()


def read_session(body: Body) -> Reading:
    """An agent session: cumulative usage, and Anthropic's own figure at list price where the body has it.

    The time that it runs is billed, too (https://platform.claude.com/docs/en/about-claude/pricing, checked
    2026-11-30): without that figure the tokens are a lower bound.
    """
    notes: list[str] = []
    usage = table(body.get("usage"))
    reading = Reading(text(body.get("model")), text(body.get("id")))
    if usage:
        reading.usage = message_meters(usage, notes)
        add_terms(reading, usage, notes)
        if reading.usage:
            notes.append(note(SUMMED_NOTE, "the usage is the sum of the session's requests"))
    else:
        notes.append(note(NO_USAGE_NOTE, "the session tells no usage"))
    listed = table(usage.get("list_cost") or body.get("list_cost"))
    if listed and text(listed.get("currency")).lower() in ("", "usd"):
        cents = money(listed.get("amount"), "list_cost.amount", notes)
        reading.reported = None if cents is None else cents / 100
    if reading.usage and reading.reported is None:
        notes.append(note(INCOMPLETE_NOTE, "the time that a session runs is billed beside its tokens"))
    reading.notes = explained(reading, notes)
    return reading


def read_batch_result(body: Body) -> Reading:
    """One line of a batch's results: its message, at the batch tier; errors and expiry cost nothing."""
    result = table(body.get("result"))
    message = table(result.get("message"))
    if message:
        reading = read_message(message)
        reading.tier = reading.tier or terms.BATCH
        return reading
    if result:
        # Errored, cancelled and expired requests of a batch are not billed.
        return Reading(
            tier=terms.BATCH, notes=(note(NOT_BILLED_NOTE, f"the request {text(result.get('type'))}"),)
        )
    return Reading(notes=(note(PENDING_NOTE, "the batch has no result for it yet"),))


_OF_MESSAGE = ("stop_reason", "stop_details", "container")
_GROWING = frozenset({"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"})
"""What a stream's start tells for good; its output is a placeholder."""
_FROM_DELTA = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "output_tokens_details",
    "server_tool_use",
    "iterations",
    "cache_creation",
    "service_tier",
    "inference_geo",
    "speed",
)


def fold_message(events: Iterable[object]) -> Body:
    """One body out of a stream's `message_start` and `message_delta` events; others are passed over.

    A delta's usage is cumulative: what it tells and is not null replaces, nothing is added up. Tier, region,
    speed and the split by cache lifetime come from the start, where the deltas do not repeat them. A stream
    that broke off before its delta has an unknown output: the start's placeholder is taken, and `broken_off`
    says so.
    """
    body: dict[str, object] = {}
    usage: dict[str, object] = {}
    ended, searches = False, 0
    fell: list[str] = []
    for event in events:
        if not isinstance(event, dict):
            continue
        message = event.get("message")
        if isinstance(message, dict) and event.get("type", "message_start") == "message_start":
            body = {name: message.get(name) for name in ("id", "model", "type", *_OF_MESSAGE)}
            usage = dict(table(message.get("usage")))
        elif event.get("type") == "message_delta":
            told = table(event.get("usage"))
            ended = ended or "output_tokens" in told
            fell += _overwrite(usage, told)
            delta = table(event.get("delta"))
            body.update({name: delta[name] for name in _OF_MESSAGE if delta.get(name)})
        elif event.get("type") == "content_block_start":
            searches += _is_search(table(event.get("content_block")))
        elif event.get("type") == "error":
            body["error"] = event.get("error") or True
    if usage:
        body["usage"] = usage
        if not ended:
            body["broken_off"] = True
            if searches:
                usage["server_tool_use"] = {"web_search_requests": searches}
    if fell:
        body["fell"] = fell
    return body


def _is_search(block: Body) -> bool:
    """Whether a block is the result of a search; one that failed is not billed."""
    return block.get("type") == "web_search_tool_result" and isinstance(block.get("content"), list)


def _overwrite(usage: dict[str, object], later: Body) -> list[str]:
    """Take what is told later, and say which of the counts fell, which cumulative ones cannot."""
    fell = []
    for name in _FROM_DELTA:
        value, before = later.get(name), usage.get(name)
        if value is None:
            continue
        if name in _GROWING and type(value) is int and type(before) is int and value < before:
            if value:  # a zero is what gateways fill in where they know nothing
                fell.append(f"{name} fell from {before} to {value} in the stream")
            continue
        usage[name] = value
    return fell
