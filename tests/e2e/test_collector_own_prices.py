"""Own rows and discounts in a real collector: the names that they are on are those of the library."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_llmcost import semconv as s
from otel_llmcost.collector import Options
from otel_llmcost.prices.book import Book
from otel_llmcost.prices.load import load_book
from otel_llmcost.toml_source import parse_toml

from . import real_parts
from .pricing_collector import PricingCollector, by_library
from .test_collector_pricing import assert_same, chat, money_of, span

PROVIDERS = ("openai", "anthropic", "aws.bedrock", "azure.ai.openai")
OWN = """
[[row]]
provider = "openai"
model = "gpt-4o"
rates = { input = "2.00", cache_read = "1", output = "8" }
[[row]]
provider = "azure.ai.openai"
model = "gpt-4.1"
rates = { input = "1.50", cache_read = "0.5", output = "6" }
[[row]]
provider = "anthropic"
model = "claude-3-5-sonnet"
rates = { input = "2.50", cache_read = "0.25", output = "12" }
[[discount]]
percent = 20
model = "gpt-4o-mini-2024-07-18"
[[discount]]
percent = 30
provider = "openai"
model = "gpt-5"
[[discount]]
percent = 50
provider = "openai"
model = "gpt-5-codex"
[[discount]]
percent = 10
provider = "anthropic"
model = "claude-haiku-4-5-*"
[[discount]]
percent = "12.5"
provider = "anthropic"
model = "claude-opus-*"
meters = ["input", "cache_read"]
[[discount]]
percent = 5
provider = "anthropic"
model = "claude-sonnet-4-5-2025*"
[[discount]]
percent = 25
provider = "aws.bedrock"
model = "anthropic.claude-sonnet-4-5-20250929"
[[discount]]
percent = 40
provider = "aws.bedrock"
model = "us.anthropic.claude-haiku-4-5*"
"""
NAMES = {
    "openai": (
        *("gpt-4o", "gpt-4o-2024-05-13", "gpt-4o-2024-11-20", "gpt-4o-2031-01-31", "openai/gpt-4o-2024-08-06"),
        *("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4o-mini-2031-01-31"),
        *("gpt-5", "gpt-5-2025-08-07", "gpt-5-20310131", "gpt-5-codex", "gpt-5-codex-2031-01-31"),
        *("gpt-5-chat-latest", "gpt-5-mini", "gpt-5.1", "ft:gpt-4o-2024-08-06:acme::id"),
    ),
    "anthropic": (
        *("claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5-20310131"),
        *("claude-opus-4-5", "claude-opus-4-5-20251101", "claude-opus-4-5-20310131", "claude-opus-5"),
        *("claude-3-5-sonnet", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-latest", "claude-3-5-sonnet-v9"),
        *("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ),
    "aws.bedrock": (
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "anthropic.claude-opus-4-5-20251101-v1:0",
    ),
    "azure.ai.openai": ("gpt-4.1", "gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14", "gpt-4o-mini-2024-07-18"),
}  # fmt: skip


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(user_documents=[parse_toml(OWN, "own.toml")])


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory, book: Book) -> Iterator[PricingCollector]:
    parts = real_parts.Parts(tmp_path_factory.mktemp("own"))
    try:
        yield PricingCollector(parts, book, Options(providers=PROVIDERS))
    finally:
        parts.stop()


def of(provider: str, model: str) -> dict[str, object]:
    return chat(
        **{s.PROVIDER: provider, s.RESPONSE_MODEL: model, s.REQUEST_MODEL: None, s.SERVER_ADDRESS: None},
        **{s.CACHE_READ_TOKENS: 100},
    )


def test_own_rows_and_discounts_are_on_the_same_names(collector: PricingCollector, book: Book) -> None:
    assert book.problems == []
    spans = [span(of(provider, name)) for provider, names in NAMES.items() for name in names]
    assert_same(collector, book, spans)


def test_every_listed_name(collector: PricingCollector, book: Book) -> None:
    spans = []
    for provider in PROVIDERS:
        page = book.catalogue.page(provider)
        assert page is not None
        spans += [span(of(provider, name)) for name in sorted({*page.models, *page.aliases})]
    wrong = []
    for sent, back in zip(spans, collector.priced(spans), strict=True):
        expected, _ = by_library(book, sent)
        if money_of(back) != money_of(expected) and back[s.STATUS] == "exact":
            wrong.append((sent.attributes[s.RESPONSE_MODEL], money_of(back), expected))
    assert wrong == []


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-sonnet-4-5-20260131"),
        ("aws.bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    ],
)
def test_where_names_cannot_be_told_apart_nothing_is_exact(
    collector: PricingCollector, provider: str, model: str
) -> None:
    (back,) = collector.priced([span(of(provider, model))])
    assert back[s.STATUS] == "estimated"
    assert "a discount is on some of the names" in str(back[s.REASONS])
