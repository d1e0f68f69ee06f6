"""What OpenAI-compatible hosts add to the common shape: stray usage, reported costs, searches.

Field names from the hosts' documentation and SDKs, checked 2026-11-22: DeepSeek `prompt_cache_hit_tokens`,
Moonshot `cached_tokens`, Groq `x_groq.usage`, OpenRouter `usage.cost`, Perplexity `usage.cost.total_cost`,
xAI `cost_in_usd_ticks` (10**10 ticks a dollar), DeepInfra `estimated_cost`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ..call import INCOMPLETE_NOTE, NOTED, Line, Reading, note
from . import terms
from .openai_tokens import chat_meters
from .quantities import count, money, rows, table, text, total_of

Body = Mapping[str, object]

XAI_TICKS_PER_USD = 10**10
_DEEP_RESEARCH = "sonar-deep-research"


def stray_usage(body: Body) -> Body:
    """The usage object where it is not at `usage`: Groq has it in `x_groq`, Moonshot in the choice."""
    groq = table(body.get("x_groq")).get("usage")
    if isinstance(groq, dict):
        return groq
    for choice in rows(body.get("choices")):
        if isinstance(choice.get("usage"), dict):
            return table(choice["usage"])
    return {}


def add_tier(reading: Reading, body: Body, usage: Body, notes: list[str]) -> None:
    """The served tier: at the body's top, or in the usage object (Mistral, some gateways)."""
    said = body.get("service_tier")
    if said is None:
        said = usage.get("service_tier")
    if said is not None:
        reading.tier = terms.tier(said)
        if reading.tier == terms.COMMITTED:
            notes.append(terms.bought_beforehand(said))


_VENDOR_FIELDS = frozenset(
    {
        "cost",
        "citation_tokens",
        "cost_in_usd_ticks",
        "estimated_cost",
        "num_sources_used",
        "server_side_tool_usage_details",
        "server_tool_use",
        "search_context_size",
        "num_search_queries",
        "inference_geo",
        "speed",
    }
)


def add_vendor_fields(reading: Reading, body: Body, usage: Body, notes: list[str]) -> None:
    """What only some hosts say: their own figure of the cost, searches, a breakdown by model."""
    if not _VENDOR_FIELDS.isdisjoint(usage):
        reading.reported = reported(reading.model, usage, notes)
        _add_tool_counts(reading, usage, notes)
        _add_terms(reading, usage)
    if "usage_breakdown" in body:
        _add_breakdown(reading, body, notes)
    if "-search-" in reading.model and reading.model.startswith(_SEARCH_MODELS):
        _add_standing_search(reading, notes)


# OpenAI's chat models that look everything up: one search an answer, which the body does not count.
_SEARCH_MODELS = ("gpt-4o-search-preview", "gpt-4o-mini-search-preview", "gpt-5-search-api")


def _add_standing_search(reading: Reading, notes: list[str]) -> None:
    if reading.usage and "web_search" not in reading.usage:
        reading.usage = {**reading.usage, "web_search": 1}
        notes.append(note(NOTED, f"{reading.model} searches once for every answer"))


def reported(model: str, usage: Body, notes: list[str]) -> Decimal | None:
    """The host's own figure in USD. A zero is believed only of a model that says it is free."""
    ticks = usage.get("cost_in_usd_ticks")
    cost = usage.get("cost")
    if ticks is not None:
        exact = money(ticks, "cost_in_usd_ticks", notes)
        amount = None if exact is None else exact / XAI_TICKS_PER_USD
    elif isinstance(cost, dict):
        amount = money(cost.get("total_cost"), "cost.total_cost", notes)
    elif cost is not None:
        amount = money(cost, "cost", notes)
        amount = None if amount is None else amount + _upstream(usage, notes)
    else:
        amount = money(usage.get("estimated_cost"), "estimated_cost", notes)
    if amount is not None and not amount and not model.endswith(":free"):
        notes.append(note(NOTED, "the host reports a cost of 0, which is not believed"))
        return None
    return amount


def _upstream(usage: Body, notes: list[str]) -> Decimal:
    # OpenRouter with the caller's own upstream key: `cost` is its fee alone, the rest is billed upstream.
    if usage.get("is_byok") is not True:
        return Decimal(0)
    upstream = table(usage.get("cost_details")).get("upstream_inference_cost")
    return money(upstream, "upstream_inference_cost", notes) or Decimal(0)


def _add_terms(reading: Reading, usage: Body) -> None:
    # LiteLLM hands Anthropic's terms on in OpenAI's shape.
    geo = text(usage.get("inference_geo")).lower()
    reading.region = "" if geo == "not_available" else geo
    reading.speed = terms.speed(usage.get("speed"))


def _add_tool_counts(reading: Reading, usage: Body, notes: list[str]) -> None:
    extra = dict(reading.usage)
    searches = table(usage.get("server_tool_use")).get("web_search_requests")
    if searches is None:
        searches = usage.get("num_search_queries")
    used = table(usage.get("server_side_tool_usage_details"))
    web = count(used.get("web_search_calls", searches), "web searches", notes)
    web += count(used.get("x_search_calls"), "x_search_calls", notes)
    counted = {
        "web_search": web,
        "code_execution": count(used.get("code_interpreter_calls"), "code_interpreter_calls", notes),
        "file_search": count(used.get("file_search_calls"), "file_search_calls", notes),
    }
    extra.update({meter: quantity for meter, quantity in counted.items() if quantity})
    sources = count(usage.get("num_sources_used"), "num_sources_used", notes)
    if sources and reading.reported is None:
        notes.append(note(INCOMPLETE_NOTE, f"{sources} sources of xAI's live search have no meter"))
    if reading.model.startswith(_DEEP_RESEARCH):
        # Its input is the prompt and what it read; its reasoning stands beside the answer.
        for meter, field in (("input", "citation_tokens"), ("output_reasoning", "reasoning_tokens")):
            extra[meter] = extra.get(meter, 0) + count(usage.get(field), field, notes)
    size = text(usage.get("search_context_size"))
    if size:
        extra["request"] = 1  # Perplexity charges each request by the size of its search
        reading.variant = size
    reading.usage = extra


def _add_breakdown(reading: Reading, body: Body, notes: list[str]) -> None:
    # Groq's compound systems: several models behind one name, each with a usage of its own.
    lines = [
        Line("", text(part.get("model")), chat_meters(table(part.get("usage")), notes))
        for part in rows(table(body.get("usage_breakdown")).get("models"))
    ]
    if lines:
        reading.lines = tuple(lines)
        reading.usage = total_of(reading.lines)
