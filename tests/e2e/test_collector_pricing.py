"""pricing.yaml in a real collector: the same answers as the library, for spans of any scope on its list."""

from __future__ import annotations

import json
import random
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_llmcost import semconv as s
from otel_llmcost.call import SpanFacts
from otel_llmcost.collector import Options
from otel_llmcost.prices.book import Book
from otel_llmcost.prices.load import load_book
from otel_llmcost.spans import read_call

from . import real_parts
from .otlp_wire import Span
from .pricing_collector import PricingCollector, by_library

NODE = "@opentelemetry/instrumentation-openai"
NOW = 1_795_000_000 * 10**9  # 2026-11-18
RECORDED = Path(__file__).parents[1] / "spans" / "recorded"


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book()


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory, book: Book) -> Iterator[PricingCollector]:
    parts = real_parts.Parts(tmp_path_factory.mktemp("pricing"))
    try:
        yield PricingCollector(parts, book)
    finally:
        parts.stop()


def chat(**changed: object) -> dict[str, object]:
    """An OpenAI chat; `a__b` stands for `a.b`, None removes an attribute."""
    attributes: dict[str, object] = {
        s.OPERATION: "chat",
        s.PROVIDER: "openai",
        s.REQUEST_MODEL: "gpt-5",
        s.RESPONSE_MODEL: "gpt-5-2025-08-07",
        s.SERVER_ADDRESS: "api.openai.com",
        s.INPUT_TOKENS: 1200,
        s.OUTPUT_TOKENS: 300,
    }
    attributes.update({name.replace("__", "."): value for name, value in changed.items()})
    return {name: value for name, value in attributes.items() if value is not None}


def span(attributes: dict[str, object], scope: str = NODE, start_ns: int = NOW, **more: object) -> Span:
    return Span(attributes, scope=scope, start_ns=start_ns, **more)  # type: ignore[arg-type]


def money_of(attributes: dict[str, object]) -> dict[str, object]:
    """Status, cost, components and price version: what both must agree on to the last digit."""
    ours = (s.STATUS, s.COST, s.PRICE_VERSION)
    return {
        name: value
        for name, value in attributes.items()
        if name in ours or name.startswith(s.COST_COMPONENT_PREFIX)
    }


def assert_same(collector: PricingCollector, book: Book, spans: list[Span]) -> None:
    for sent, back in zip(spans, collector.priced(spans), strict=True):
        expected, _ = by_library(book, sent)
        assert money_of(back) == money_of(expected), (sent, back.get(s.REASONS), expected.get(s.REASONS))
        assert back[s.STATUS] == "exact" or back[s.REASONS], sent
        assert not {"llmcost.pricing", "llmcost.beyond"} & back.keys()


TERMS = {
    "plain": chat(),
    "cache read and reasoning": chat(**{s.CACHE_READ_TOKENS: 1024, s.REASONING_TOKENS: 128}),
    "old cache name": chat(
        **{s.RESPONSE_MODEL: "gpt-6.2-sol", "gen_ai.usage.cache_creation.input_tokens": 600}
    ),
    "flex": chat(openai__response__service_tier="flex"),
    "priority": chat(openai__response__service_tier="priority"),
    "fast is priority": chat(openai__response__service_tier="fast"),
    "unknown tier": chat(openai__response__service_tier="scale"),
    "a tier that the model has not": chat(llmcost__service_tier="ultrafast"),
    "requested tier only": chat(openai__request__service_tier="flex"),
    "the standard tier requested": chat(openai__request__service_tier="standard"),
    "at the threshold": chat(gen_ai__response__model="gpt-6.2-sol", gen_ai__usage__input_tokens=272_000),
    "one above": chat(gen_ai__response__model="gpt-6.2-sol", gen_ai__usage__input_tokens=272_001),
    "residency": chat(server__address="us.api.openai.com", gen_ai__response__model="gpt-6.2-sol"),
    "a host below private ones": chat(server__address="10.1.2.3"),
    "a gateway that nobody knows": chat(server__address="llm.example.com"),
    "another provider behind the library": chat(
        server__address="api.groq.com", gen_ai__response__model="llama-3.3-70b-versatile"
    ),
    "response unknown": chat(gen_ai__response__model="gpt-99"),
    "both unknown": chat(gen_ai__response__model="gpt-99", gen_ai__request__model="gpt-98"),
    "a later date": chat(gen_ai__response__model="gpt-5-2031-01-31"),
    "prefix of the provider": chat(gen_ai__response__model="openai/gpt-5"),
    "searches": chat(llmcost__usage__web_search=2),
    "no usage": chat(gen_ai__usage__input_tokens=None, gen_ai__usage__output_tokens=None),
    "input missing": chat(gen_ai__usage__input_tokens=None, **{s.CACHE_READ_TOKENS: 500}),
    "more cached than input": chat(**{s.CACHE_READ_TOKENS: 2000}),
    "more reasoning than output": chat(**{s.REASONING_TOKENS: 400}),
    "embeddings": chat(
        gen_ai__operation__name="embeddings",
        gen_ai__response__model="text-embedding-3-small",
        gen_ai__usage__output_tokens=None,
    ),
    "audio": chat(
        gen_ai__response__model="gpt-audio", **{s.AUDIO_INPUT_TOKENS: 200, s.AUDIO_OUTPUT_TOKENS: 100}
    ),
    "images": chat(
        gen_ai__response__model="gpt-image-1.5", **{s.IMAGE_INPUT_TOKENS: 300, s.IMAGE_OUTPUT_TOKENS: 250}
    ),
    "cached audio": chat(
        gen_ai__response__model="gpt-realtime",
        **{s.AUDIO_INPUT_TOKENS: 200, s.AUDIO_CACHE_READ_TOKENS: 100, s.CACHE_READ_TOKENS: 150},
    ),
    "Bedrock by its host": chat(
        gen_ai__provider__name="aws.bedrock",
        gen_ai__response__model="anthropic.claude-sonnet-4-5-20250929-v1:0",
        server__address="bedrock-runtime.us-east-1.amazonaws.com",
    ),
    "Bedrock by a profile": chat(
        gen_ai__provider__name="aws.bedrock",
        gen_ai__request__model="us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        gen_ai__response__model=None,
        server__address=None,
    ),
    "Vertex by its host": chat(
        gen_ai__provider__name="gcp.vertex_ai",
        gen_ai__response__model="claude-sonnet-4-5",
        server__address="us-east5-aiplatform.googleapis.com",
    ),
    "one token": chat(gen_ai__usage__input_tokens=1, gen_ai__usage__output_tokens=1),
    "nothing used": chat(gen_ai__usage__input_tokens=0, gen_ai__usage__output_tokens=0),
}


@pytest.mark.parametrize("name", TERMS)
def test_terms(collector: PricingCollector, book: Book, name: str) -> None:
    assert_same(collector, book, [span(TERMS[name])])


def claude(**changed: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "gen_ai__provider__name": "anthropic",
        "gen_ai__request__model": "claude-sonnet-4-5",
        "gen_ai__response__model": "claude-sonnet-4-5-20250929",
        "server__address": "api.anthropic.com",
        "gen_ai__usage__input_tokens": 3510,
        "gen_ai__usage__output_tokens": 100,
        s.CACHE_READ_TOKENS: 1000,
        s.CACHE_WRITE_TOKENS: 2500,
    }
    return chat(**{**usual, **changed})


LIFETIMES = {
    "not told": claude(),
    "both": claude(
        **{
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 2000,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 500,
        }
    ),
    "ours": claude(llmcost__usage__cache_write_5m=2000, llmcost__usage__cache_write_1h=500),
    "only some": claude(llmcost__usage__cache_write_1h=500),
    "more than written": claude(llmcost__usage__cache_write_1h=5000),
    "in a region": claude(gen_ai__response__model="claude-sonnet-5-5", llmcost__region="us"),
    "in a region without a price": claude(
        gen_ai__response__model="claude-sonnet-5-5", llmcost__region="mars"
    ),
    "searches": claude(llmcost__usage__web_search=2),
    "fast": claude(gen_ai__response__model="claude-opus-5-5", llmcost__speed="fast"),
}


@pytest.mark.parametrize("name", LIFETIMES)
def test_lifetimes_regions_and_speeds(collector: PricingCollector, book: Book, name: str) -> None:
    assert_same(collector, book, [span(LIFETIMES[name], "com.anthropic.sdk.python")])


def test_each_price_holds_on_its_days(collector: PricingCollector, book: Book) -> None:
    spans = []
    for model in ("gpt-5.6-sol", "claude-sonnet-5-5", "gpt-6.2-sol", "o3", "claude-opus-4-6"):
        provider = "anthropic" if model.startswith("claude") else "openai"
        terms = book.terms_of((provider, model, "", "", "", "", "", ""))
        for segment in terms.segments:
            for at in (segment.from_ns - 10**9, segment.from_ns, segment.from_ns + 10**9):
                if 10**18 < at < 2 * 10**18:
                    changed = {s.PROVIDER: provider, s.RESPONSE_MODEL: model, s.SERVER_ADDRESS: None}
                    spans.append(span(chat(**changed), start_ns=at))
    assert len(spans) >= 9
    assert_same(collector, book, spans)


def test_every_name_of_the_book(collector: PricingCollector, book: Book) -> None:
    """All names that the price list knows, each on a tier and with counts drawn by lot."""
    draw = random.Random(20261123)
    spans = []
    for provider in sorted(book.catalogue.snapshot.texts):
        page = book.catalogue.page(provider)
        assert page is not None
        for name in sorted({*page.models, *page.aliases}):
            counts = [draw.randrange(0, 5000) for _ in range(2)]
            spans.append(
                span(
                    {
                        s.OPERATION: "chat",
                        s.PROVIDER: provider,
                        s.RESPONSE_MODEL: name,
                        s.SERVICE_TIER: draw.choice(["standard", "batch", "flex", "priority"]),
                        s.INPUT_TOKENS: sum(counts) + draw.choice([0, 500, 300_000]),
                        s.CACHE_READ_TOKENS: counts[0],
                        s.CACHE_WRITE_TOKENS: draw.choice([0, counts[1]]),
                        s.OUTPUT_TOKENS: draw.randrange(0, 4000),
                    }
                )
            )
    assert len(spans) > 3000
    different = []
    for sent, back in zip(spans, collector.priced(spans), strict=True):
        expected, _ = by_library(book, sent)
        if money_of(back) != money_of(expected):
            different.append((dict(sent.attributes), money_of(back), back.get(s.REASONS), expected))
    # What the collector cannot reckon exactly it must not call exact.
    wrong = [row for row in different if row[1].get(s.STATUS) == "exact"]
    assert wrong == []
    assert len(different) <= len(spans) // 100, different[:5]


def recorded() -> list[tuple[str, Span]]:
    spans = []
    for file in sorted(RECORDED.glob("*.json")):
        for number, one in enumerate(json.loads(file.read_text())["spans"]):
            at_anthropic = "anthropic" in str(one["attributes"])
            host = "api.anthropic.com" if at_anthropic else "api.openai.com"
            attributes = {
                name: host
                if name == s.SERVER_ADDRESS
                else f"https://{host}/v1"
                if name == "gen_ai.openai.api_base"
                else value
                for name, value in one["attributes"].items()
                if name != s.SERVER_PORT
            }
            spans.append(
                (
                    f"{file.stem} {number}",
                    span(attributes, one["scope"], scope_version=one["scope_version"], name=one["name"]),
                )
            )
    return spans


def test_recorded_spans_of_other_instrumentations(collector: PricingCollector, book: Book) -> None:
    """Where the collector says exact, the library says the same amount; where it cannot know, it does not say exact."""
    named = recorded()
    instrumentations = set()
    for (name, sent), back in zip(named, collector.priced(one for _, one in named), strict=True):
        expected, _ = by_library(book, sent)
        if back.get(s.STATUS) == "exact":
            instrumentations.add(name.partition(" ")[0])
            assert money_of(back)[s.COST] == expected.get(s.COST), (
                name,
                money_of(back),
                back.get(s.REASONS),
                expected,
            )
    assert len(instrumentations) >= 5, instrumentations


def test_a_span_that_carries_its_cost_is_left_alone(collector: PricingCollector) -> None:
    own = chat(gen_ai__usage__cost=1.5, llmcost__status="exact")
    foreign = chat(operation__cost=0.5)
    for attributes, back in zip((own, foreign), collector.priced([span(own), span(foreign)]), strict=True):
        assert back == attributes


@pytest.mark.parametrize(
    ("scope", "operation"),
    [
        ("langchain", "chat"),
        ("opentelemetry.instrumentation.langchain", "chat"),
        (NODE, "invoke_agent"),
        (NODE, "fetch_response"),
        (NODE, "execute_tool"),
    ],
)
def test_what_is_no_leaf_is_left_alone(collector: PricingCollector, scope: str, operation: str) -> None:
    attributes = chat(gen_ai__operation__name=operation)
    assert collector.priced([span(attributes, scope)]) == [attributes]


def test_counters_are_the_sum_of_what_was_priced_here(tmp_path: Path, book: Book) -> None:
    parts = real_parts.Parts(tmp_path)
    try:
        collector = PricingCollector(parts, book, Options(providers=("openai",), tokens=True))
        collector.priced(
            [span(chat())] * 3
            + [
                span(chat(gen_ai__usage__cost=5.0, llmcost__status="exact")),
                span(chat(gen_ai__response__model="x", gen_ai__request__model="y")),
            ]
        )
        text = urllib.request.urlopen(f"http://{collector.scrape}/metrics", timeout=5).read().decode()
    finally:
        parts.stop()
    found: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.partition("{")
            found[name] = found.get(name, 0.0) + float(value.rpartition(" ")[2])
    assert found["llm_cost_USD_total"] == pytest.approx(0.0135, abs=1e-15)
    assert found["llm_calls_total"] == 4
    assert found["llm_tokens_total"] == 4 * 1500


def test_counters_of_what_few_spans_have(tmp_path: Path, book: Book) -> None:
    """Cache writes by lifetime, searches: counted apart from the usual meters, under the same names and labels."""
    parts = real_parts.Parts(tmp_path)
    asked = span(
        claude(
            llmcost__usage__cache_write_5m=2000,
            llmcost__usage__cache_write_1h=500,
            llmcost__usage__web_search=2,
        )
    )
    try:
        collector = PricingCollector(parts, book, Options(providers=("anthropic",), tokens=True))
        collector.priced([asked, asked])
        text = urllib.request.urlopen(f"http://{collector.scrape}/metrics", timeout=5).read().decode()
    finally:
        parts.stop()
    found: dict[tuple[str, str], float] = {}
    for line in text.splitlines():
        if line.startswith(("llm_cost", "llm_tokens")):
            assert "beyond" not in line
            label = re.search(r'llmcost_(?:component|meter)="(\w+)"', line)
            assert label
            found[line.partition("{")[0], label[1]] = float(line.rpartition(" ")[2])
    # claude-sonnet-4-5: $3 input, $0.30 read, $3.75 and $6 written, $15 output per million, $10 per 1,000 searches
    assert {what: round(value, 12) for what, value in found.items()} == {
        ("llm_cost_USD_total", "input"): 2 * 0.00003,
        ("llm_cost_USD_total", "cache_read"): 2 * 0.0003,
        ("llm_cost_USD_total", "cache_write"): 2 * 0.0105,
        ("llm_cost_USD_total", "output"): 2 * 0.0015,
        ("llm_cost_USD_total", "tools"): 2 * 0.02,
        ("llm_tokens_total", "input"): 2 * 10,
        ("llm_tokens_total", "cache_read"): 2 * 1000,
        ("llm_tokens_total", "cache_write_5m"): 2 * 2000,
        ("llm_tokens_total", "cache_write_1h"): 2 * 500,
        ("llm_tokens_total", "output"): 2 * 100,
    }


def test_the_library_reads_what_was_sent() -> None:
    """The comparison above compares something: every recorded span of a call is one for the library."""
    calls = [
        read_call(
            SpanFacts(
                scope=one.scope, scope_version=one.scope_version, name=one.name, attributes=one.attributes
            )
        )
        for _, one in recorded()
    ]
    assert sum(call is not None for call in calls) >= 15
