"""The provider's own usage, where a span carries it: whole (Logfire), or in the body (OpenInference)."""

from __future__ import annotations

from collections.abc import Iterable

from .. import semconv as s
from ..call import ESTIMATED_NOTE, note
from .ottl import Statements, assign, attribute, cache, first_of, quoted
from .statements import IN_WORK, pricing
from .terms import doubt, tier_spellings

_RAW, _OUTPUT, _METADATA = "gen_ai.usage.raw", "output.value", "ai.response.providerMetadata"
LARGEST_BODY = 20_000
"""Characters; reading a larger body costs more than all the rest."""


def bodies() -> Iterable[Statements]:
    """Takes counts and terms from a body that says more than the span's attributes."""
    raw, output = attribute(_RAW), attribute(_OUTPUT)
    yield _metadata()
    # Streamed answers are recorded as their last piece, without usage.
    with_usage = f'IsString({output}) and HasPrefix({output}, "{{") and Index({output}, "\\"usage\\"") > 0'
    group = Statements(
        [IN_WORK, f"(IsString({raw}) or {with_usage})"],
        comment="Usage as the provider sent it, where the span carries it.",
    )
    body, usage = cache("body"), cache("usage")
    small = f"Len({output}) <= {LARGEST_BODY}"
    group.add(
        assign(body, f"ParseJSON({output})", f"IsString({output}) and {small}"),
        assign(usage, f'{body}["usage"]', f"{body} != nil"),
        assign(usage, f"ParseJSON({raw})", f"IsString({raw})"),
        assign(pricing("body"), "true", f"IsMap({usage})"),
    )
    text = note(ESTIMATED_NOTE, "the body on the span is too large to be read here; it may tell other terms")
    group.add(*doubt(text, f"not IsMap({usage})"))
    group.add(*_counts(usage, f"IsMap({usage})"), *_terms(body, usage, f"IsMap({usage})"))
    yield group


def _metadata() -> Statements:
    """What an adapter of Vercel's AI SDK adds: OpenAI's served tier, Anthropic's usage as it came."""
    text, parsed, usage = attribute(_METADATA), cache("metadata"), cache("usage")
    group = Statements([IN_WORK, f"IsString({text})"], comment="What adapters of the AI SDK add.")
    served = f'{parsed}["openai"]["serviceTier"]'
    group.add(
        assign(parsed, f"ParseJSON({text})"),
        assign(cache("tier"), first_of(served, pricing("tier")), f'{parsed}["openai"] != nil'),
        assign(pricing("tier"), cache("tier"), f"{cache('tier')} != nil"),
        assign(usage, f'{parsed}["anthropic"]["usage"]', f'{parsed}["anthropic"] != nil'),
        assign(pricing("body"), "true", f"IsMap({usage})"),
    )
    group.add(*_counts(usage, f"IsMap({usage})"), *_terms(cache("body"), usage, f"IsMap({usage})"))
    return group


def _counts(usage: str, where: str) -> Iterable[str]:
    def told(path: str, *names: str) -> str:
        return f"Int({first_of(*(f'{path}[{quoted(name)}]' for name in names), '0')})"

    for part, names in (
        ("prompt", ("prompt_tokens_details", "input_tokens_details")),
        ("made", ("completion_tokens_details", "output_tokens_details")),
        ("lived", ("cache_creation",)),
        ("tools", ("server_tool_use",)),
    ):
        yield assign(cache(part), first_of(*(f"{usage}[{quoted(name)}]" for name in names), "{}"), where)
    read = first_of(f'{usage}["cache_read_input_tokens"]', f'{cache("prompt")}["cached_tokens"]', "0")
    written = first_of(
        f'{usage}["cache_creation_input_tokens"]', f'{cache("prompt")}["cache_write_tokens"]', "0"
    )
    yield assign(pricing("cache_read"), f"Int({read})", where)
    yield assign(pricing("cache_write"), f"Int({written})", where)
    yield assign(pricing("reasoning"), told(cache("made"), "reasoning_tokens", "thinking_tokens"), where)
    yield assign(pricing("input"), told(usage, "prompt_tokens", "input_tokens"), where)
    yield assign(pricing("output"), told(usage, "completion_tokens", "output_tokens"), where)
    # Anthropic counts what is cached apart from the input.
    apart = f'{where} and {usage}["cache_creation_input_tokens"] != nil'
    total = f"{pricing('input')} + {pricing('cache_read')} + {pricing('cache_write')}"
    yield assign(pricing("input"), total, apart)
    for meter, name in (
        ("cache_write_5m", "ephemeral_5m_input_tokens"),
        ("cache_write_1h", "ephemeral_1h_input_tokens"),
    ):
        yield assign(
            pricing(meter), told(cache("lived"), name), f"{where} and {cache('lived')}[{quoted(name)}] != nil"
        )
    searches = f'{cache("tools")}["web_search_requests"]'
    yield assign(
        attribute(s.USAGE_PREFIX + "web_search"),
        f"Int({searches})",
        f"{where} and {searches} != nil and {searches} > 0",
    )


def _terms(body: str, usage: str, where: str) -> Iterable[str]:
    tier, said = cache("tier"), first_of(f'{body}["service_tier"]', f'{usage}["service_tier"]')
    yield assign(tier, first_of(f'{usage}["service_tier"]', pricing("tier")), where)
    yield assign(tier, said, f"{where} and {body} != nil and {said} != nil")
    yield from tier_spellings(tier)
    yield assign(pricing("tier"), tier, where)
    geo = f'{usage}["inference_geo"]'
    placed = f'{where} and IsString({geo}) and {geo} != "not_available" and {geo} != "global"'
    yield assign(pricing("region"), f"ToLowerCase({geo})", placed)
    speed = f'{usage}["speed"]'
    yield assign(pricing("speed"), speed, f'{where} and IsString({speed}) and {speed} != "standard"')
