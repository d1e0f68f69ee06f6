"""The shipped prices: what is in them, where each row comes from, and figures typed from published pages."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest

from otel_llmcost import semconv
from otel_llmcost.call import EXACT, UNPRICED, Call
from otel_llmcost.money import as_text
from otel_llmcost.prices import SHIPPED, Book, Row, load_book, read_snapshot
from otel_llmcost.prices.fields import instant_ns

MODELS_AT_LEAST = {
    "openai": 115,
    "azure.ai.openai": 145,
    "azure.ai.inference": 145,
    "anthropic": 30,
    "aws.bedrock": 165,
    "gcp.vertex_ai": 155,
    "gcp.gemini": 65,
    "mistral_ai": 80,
    "cohere": 20,
    "groq": 35,
    "together_ai": 140,
    "fireworks_ai": 290,
    "deepseek": 11,
    "x_ai": 55,
    "perplexity": 85,
    "moonshot_ai": 16,
    "cerebras": 10,
    "openrouter": 900,
}
RETIRED = {
    "openai": ("text-davinci-003", "gpt-4-32k", "gpt-4.5-preview", "o1-preview", "dall-e-2"),
    "anthropic": (
        "claude-2.1",
        "claude-3-opus-20240229",
        "claude-opus-4-1-20250805",
        "claude-3-5-sonnet-20240620",
    ),
    "x_ai": ("grok-4", "grok-3", "grok-2-1212"),
    "groq": ("llama-3.1-70b-versatile", "gemma2-9b-it"),
    "gcp.gemini": ("gemini-1.5-pro", "gemini-2.0-flash"),
}


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book()


@pytest.fixture(scope="module")
def rows() -> list[tuple[int, Row]]:
    snapshot = read_snapshot(SHIPPED)
    pages = [snapshot.page(provider) for provider in snapshot.texts]
    return [row for page in pages if page for model in page.models for row in page.rows(model)]


def price(book: Book, provider: str, model: str, usage: dict[str, int | Decimal], **terms: str) -> str:
    """The cost in USD as text, at noon UTC of `day` (default 2026-11-20) or at `at`."""
    at = terms.pop("at", f"{terms.pop('day', '2026-11-20')}T12:00:00Z")
    call = Call(provider=provider, response_model=model, start_ns=instant_ns(at, "at"), usage=usage, **terms)
    priced = book.price(call)
    assert priced.status == EXACT, priced
    assert priced.amount is not None
    return as_text(priced.amount)


MILLION = 1_000_000


def test_every_provider_has_its_models(rows: list[tuple[int, Row]]) -> None:
    models: dict[str, set[str]] = defaultdict(set)
    for _, row in rows:
        models[row.provider].add(row.model)
    assert {p: len(models[p]) for p, least in MODELS_AT_LEAST.items() if len(models[p]) < least} == {}


def test_providers_are_those_of_the_conventions_and_ours(rows: list[tuple[int, Row]]) -> None:
    known = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    assert {row.provider for _, row in rows} <= known


@pytest.mark.parametrize(("provider", "model"), [(p, m) for p, names in RETIRED.items() for m in names])
def test_retired_models_keep_their_prices(book: Book, provider: str, model: str) -> None:
    assert book.rows(provider, model)


def test_every_row_says_where_it_comes_from(rows: list[tuple[int, Row]]) -> None:
    for layer, row in rows:
        assert row.source_url.startswith("https://"), row
        assert row.upstream, row
        dt.date.fromisoformat(row.recorded_at)
        if layer == 1:
            assert row.upstream.startswith("prices/"), row
            dt.date.fromisoformat(row.verified_at)


def test_no_two_rows_of_the_same_terms_hold_at_once(rows: list[tuple[int, Row]]) -> None:
    spans: dict[object, list[tuple[int, int]]] = defaultdict(list)
    for _, row in rows:
        spans[row.provider, row.model, row.tier, row.speed, row.region].append((row.from_ns, row.to_ns))
    for terms, found in spans.items():
        for (_, end), (start, _) in pairwise(sorted(found)):
            assert end <= start, terms


def test_zero_is_never_a_price_that_nobody_knew(rows: list[tuple[int, Row]]) -> None:
    zero = {
        row.model
        for _, row in rows
        if not row.free and ((not any(row.rates.values()) and row.rates) or not row.rates.get("input", 1))
    }
    assert zero == set()
    free = {(row.provider, row.model) for _, row in rows if row.free}
    assert ("openai", "moderation") in free
    assert all(
        model.endswith(":free")
        or provider in ("openai", "gcp.gemini", "gcp.vertex_ai")
        or model == "openrouter/free"
        for provider, model in free
    )


def test_a_long_prompt_raises_every_rate_of_a_makers_own_model(rows: list[tuple[int, Row]]) -> None:
    makers = ("anthropic", "gcp.gemini", "deepseek", "x_ai", "mistral_ai")
    for _, row in rows:
        for level in row.thresholds:
            if row.provider in makers:
                assert set(row.rates) == set(level.rates), (row.model, row.tier)
                assert all(rate >= row.rates[meter] for meter, rate in level.rates.items()), row.model


# -- OpenAI: https://developers.openai.com/api/docs/models/gpt-6.2-sol, prompt-caching, data-residency


def test_gpt_6_2_sol(book: Book) -> None:
    usage = {"input": 1000, "cache_read": 2000, "cache_write_30m": 300, "cache_write_12h": 40, "output": 500}
    # 0.002 + 0.0002 + 0.00075 + 0.0002 + 0.005
    assert price(book, "openai", "gpt-6.2-sol", usage) == "0.00815"
    assert price(book, "openai", "gpt-6.2-sol", usage, tier="batch") == "0.004075"
    assert price(book, "openai", "gpt-6.2-sol", usage, tier="priority") == "0.0163"


def test_gpt_6_2_astra_and_what_flex_is_not_sold_for(book: Book) -> None:
    usage = {"input": 1000, "cache_read": 2000, "cache_write_30m": 100, "output": 500}
    assert price(book, "openai", "gpt-6.2-astra", usage) == "0.0298"  # 0.008 + 0.0008 + 0.001 + 0.02
    assert price(book, "openai", "gpt-6.2-astra", usage, tier="batch") == "0.0149"
    flex = Call(provider="openai", response_model="gpt-6.2-sol", tier="flex", usage={"input": 1})
    assert book.price(flex).status == UNPRICED


def test_the_long_context_price_begins_one_token_above_the_limit(book: Book) -> None:
    # 272,000 x $2 = 0.544 + 1,000 x $10; one more: 272,001 x $4 + 1,000 x $15
    assert price(book, "openai", "gpt-6.2-sol", {"input": 272_000, "output": 1000}) == "0.554"
    assert price(book, "openai", "gpt-6.2-sol", {"input": 272_001, "output": 1000}) == "1.103004"


def test_ultrafast_costs_three_times_through_february_2027(book: Book) -> None:
    usage = {"input": MILLION // 10, "output": 1000}
    for at, cost in (("2027-02-28T23:59:59Z", "0.63"), ("2027-03-01T00:00:00Z", "1.26")):
        assert price(book, "openai", "gpt-6.2-sol", usage, tier="ultrafast", at=at) == cost


def test_regional_hosts_add_a_tenth_from_gpt_5_4_on_and_nothing_to_searches(book: Book) -> None:
    usage = {"input": 1000, "output": 1000, "web_search": 2}
    assert price(book, "openai", "gpt-5.4", usage, region="eu") == "0.03925"  # (0.0025 + 0.015) x 1.1 + 0.02
    assert price(book, "openai", "gpt-5.4", usage) == "0.0375"
    assert price(book, "openai", "gpt-4.1", usage, region="eu") == "0.03"  # released before 2026-03-05


@pytest.mark.parametrize(
    ("model", "day", "cost"),
    [
        ("gpt-5.6-sol", "2026-08-20", "35"),
        ("gpt-5.6-sol", "2026-08-21", "24"),
        ("gpt-5.6-terra", "2026-07-29", "17.5"),
        ("gpt-5.6-terra", "2026-07-30", "14"),
        ("gpt-5.6-luna", "2026-07-29", "7"),
        ("gpt-5.6-luna", "2026-07-30", "1.4"),
        ("o3", "2025-06-09", "50"),
        ("o3", "2025-06-10", "10"),
    ],
)
def test_openai_history(book: Book, model: str, day: str, cost: str) -> None:
    # Four quarters, so that no prompt is long.
    quarter = price(book, "openai", model, {"input": MILLION // 4, "output": MILLION // 4}, day=day)
    assert Decimal(quarter) * 4 == Decimal(cost)


def test_o3_read_its_cache_for_five_times_as_much(book: Book) -> None:
    assert price(book, "openai", "o3", {"cache_read": MILLION}, day="2025-06-09") == "2.5"
    assert price(book, "openai", "o3", {"cache_read": MILLION}, day="2025-06-10") == "0.5"


def test_tiers_that_are_no_clean_half(book: Book) -> None:
    assert price(book, "openai", "gpt-5.4", {"cache_read": 100_000}, tier="flex") == "0.013"
    assert price(book, "openai", "gpt-5-mini", {"input": 100_000}, tier="priority") == "0.045"
    assert price(book, "gcp.gemini", "gemini-2.5-flash", {"cache_read": 100_000}, tier="batch") == "0.003"
    assert (
        price(book, "gcp.gemini", "gemini-3.1-pro-preview", {"cache_read": 100_000}, tier="batch") == "0.02"
    )


def test_openai_tools(book: Book) -> None:
    usage = {"input": 1000, "web_search": 3, "file_search": 2, "container": 1}
    assert price(book, "openai", "gpt-5", usage) == "0.06625"  # 0.00125 + 0.03 + 0.005 + 0.03


def test_media_by_size_second_and_character(book: Book) -> None:
    assert price(book, "openai", "dall-e-3", {"image": 2}, variant="1024x1792/hd") == "0.24"
    assert price(book, "openai", "dall-e-3", {"image": 1}, variant="1024x1024/standard") == "0.04"
    assert price(book, "openai", "whisper-1", {"audio_second": 90}) == "0.009"
    assert price(book, "openai", "tts-1-hd", {"character": 1000}) == "0.03"
    assert price(book, "mistral_ai", "mistral-ocr-latest", {"page": 7}, day="2026-11-20") == "0.028"
    assert price(book, "openai", "gpt-image-1", {"input": 1000, "output_image": 1000}) == "0.045"


# -- Anthropic: https://platform.claude.com/docs/en/about-claude/pricing


def test_claude_cache_lifetimes(book: Book) -> None:
    usage = {"input": 100, "cache_read": 1000, "cache_write_5m": 2000, "cache_write_1h": 500, "output": 10}
    # Opus 5.5: 0.0004 + 0.0002 + 0.01 + 0.004 + 0.0002
    assert price(book, "anthropic", "claude-opus-5-5", usage) == "0.0148"
    assert price(book, "anthropic", "claude-opus-5-5", usage, tier="batch") == "0.0074"
    assert price(book, "anthropic", "claude-opus-5-5", usage, speed="fast") == "0.0296"
    assert price(book, "anthropic", "claude-opus-5-5", usage, region="us") == "0.01628"


def test_sonnet_5_5_read_its_cache_for_twice_as_much_until_october(book: Book) -> None:
    usage = {"cache_read": MILLION}
    assert price(book, "anthropic", "claude-sonnet-5-5", usage, at="2026-10-06T23:59:59Z") == "0.2"
    assert price(book, "anthropic", "claude-sonnet-5-5", usage, at="2026-10-07T00:00:00Z") == "0.1"
    assert (
        price(book, "anthropic", "claude-sonnet-5-5", usage, at="2026-10-06T23:59:59Z", tier="batch") == "0.1"
    )


def test_opus_4_6_lost_its_long_context_premium(book: Book) -> None:
    usage = {"input": 200_001}
    assert price(book, "anthropic", "claude-opus-4-6", usage, day="2026-03-12") == "2.00001"
    assert price(book, "anthropic", "claude-opus-4-6", usage, day="2026-03-13") == "1.000005"


def test_haiku_5_5_counts_cached_tokens_towards_its_limit(book: Book) -> None:
    below = {"input": 50_000, "cache_read": 50_000}
    assert price(book, "anthropic", "claude-haiku-5-5", below) == "0.0055"  # 0.005 + 0.0005
    above = {"input": 50_000, "cache_read": 50_001}
    assert price(book, "anthropic", "claude-haiku-5-5", above) == "0.02750005"  # 0.025 + 0.00250005


def test_fast_mode_of_opus_4_8_ends(book: Book) -> None:
    assert (
        price(book, "anthropic", "claude-opus-4-8", {"output": 1000}, speed="fast", day="2026-11-29")
        == "0.05"
    )
    call = Call(
        provider="anthropic",
        response_model="claude-opus-4-8",
        speed="fast",
        usage={"output": 1000},
        start_ns=instant_ns("2026-12-02", "at"),
    )
    assert book.price(call).status == UNPRICED


def test_old_claude_batches_are_half(book: Book) -> None:
    usage = {"input": MILLION // 10, "output": MILLION // 10}
    assert price(book, "anthropic", "claude-3-opus-20240229", usage, tier="batch") == "4.5"


# -- Google: https://ai.google.dev/gemini-api/docs/pricing


@pytest.mark.parametrize(
    ("model", "last", "first"),
    [("gemini-3.8-flash", "2026-12-31", "2027-01-01"), ("gemini-4-argon", "2026-11-30", "2026-12-01")],
)
@pytest.mark.parametrize("tier", ["standard", "batch", "flex", "priority"])
def test_gemini_promotions_end_in_every_tier(
    book: Book, model: str, last: str, first: str, tier: str
) -> None:
    usage = {"input": 1000, "input_audio": 10, "cache_read": 200, "output": 500}
    before = price(book, "gcp.gemini", model, usage, tier=tier, at=f"{last}T23:59:59Z")
    after = price(book, "gcp.gemini", model, usage, tier=tier, at=f"{first}T00:00:00Z")
    assert Decimal(after) == 2 * Decimal(before)


def test_grounding_per_query_and_per_prompt(book: Book) -> None:
    assert price(book, "gcp.gemini", "gemini-3.8-flash", {"web_search": 3}) == "0.042"
    assert price(book, "gcp.gemini", "gemini-2.5-flash", {"grounded_prompt": 1}) == "0.035"


def test_gemini_audio_and_long_prompts(book: Book) -> None:
    assert price(book, "gcp.gemini", "gemini-2.5-flash", {"input": 1000, "input_audio": 1000}) == "0.0013"
    assert price(book, "gcp.gemini", "gemini-2.5-pro", {"input": 200_000, "output": 1000}) == "0.26"
    assert price(book, "gcp.gemini", "gemini-2.5-pro", {"input": 200_001, "output": 1000}) == "0.5150025"
    assert price(book, "gcp.gemini", "gemini-2.5-pro", {"input": 200_001}, tier="flex") == "0.25000125"


# -- DeepSeek: https://api-docs.deepseek.com/quick_start/pricing (peak 01:00-04:00 and 06:00-10:00 UTC, Monday to Friday)


@pytest.mark.parametrize(
    ("at", "cost"),
    [
        ("2026-11-20T00:59:59Z", "0.75"),  # Friday, 08:59 in Beijing
        ("2026-11-20T01:00:00Z", "1.5"),
        ("2026-11-20T03:59:59Z", "1.5"),
        ("2026-11-20T04:00:00Z", "0.75"),
        ("2026-11-20T09:59:59Z", "1.5"),
        ("2026-11-20T10:00:00Z", "0.75"),
        ("2026-11-21T02:00:00Z", "0.75"),  # Saturday
        ("2026-10-01T02:00:00Z", "0.75"),  # National Day, a Thursday
    ],
)
def test_deepseek_peak_hours(book: Book, at: str, cost: str) -> None:
    assert price(book, "deepseek", "deepseek-flash", {"input": MILLION, "output": MILLION}, at=at) == cost


@pytest.mark.parametrize(
    ("at", "cost"),
    [
        ("2026-08-16T15:59:59Z", "0.42"),
        ("2026-08-16T16:00:00Z", "0.88"),
        ("2026-08-22T02:00:00Z", "1.76"),  # Saturday: weekends became off-peak a day later
        ("2026-08-23T02:00:00Z", "0.88"),
        ("2026-09-10T12:00:00Z", "0.75"),
    ],
)
def test_deepseek_v4_flash_history(book: Book, at: str, cost: str) -> None:
    assert price(book, "deepseek", "deepseek-v4-flash", {"input": MILLION, "output": MILLION}, at=at) == cost


# -- others


def test_xai_counts_its_limit_inclusively_and_bills_tools(book: Book) -> None:
    assert price(book, "x_ai", "grok-4.7", {"input": 199_999}) == "0.399998"
    assert price(book, "x_ai", "grok-4.7", {"input": 200_000}) == "0.8"
    assert (
        price(book, "x_ai", "grok-4.3", {"web_search": 2, "code_execution": 1, "file_search": 1}) == "0.0175"
    )


def test_mistral_names_that_move(book: Book) -> None:
    usage = {"input": MILLION, "output": MILLION}
    for day, cost in (("2025-12-01", "8"), ("2025-12-02", "2"), ("2026-11-20", "2")):
        assert price(book, "mistral_ai", "mistral-large-latest", usage, day=day) == cost
    for day, cost in (("2026-10-19", "2.77"), ("2026-10-20", "5.54"), ("2026-10-29", "2.8")):
        assert price(book, "mistral_ai", "mistral-large-4", usage, day=day) == cost
    assert price(book, "mistral_ai", "magistral-medium-latest", usage) == "9"


def test_bedrock_profiles(book: Book) -> None:
    usage = {"input": 1000, "output": 1000}
    assert price(book, "aws.bedrock", "global.anthropic.claude-opus-5-5", usage) == "0.024"
    assert price(book, "aws.bedrock", "us.anthropic.claude-opus-5-5", usage) == "0.0264"
    assert price(book, "aws.bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", usage) == "0.0198"
    assert price(book, "aws.bedrock", "anthropic.claude-opus-5-5", usage, region="eu-central-1") == "0.0264"


def test_vertex_regional_endpoints_add_a_tenth(book: Book) -> None:
    usage = {"input": 1000, "output": 1000}
    assert price(book, "gcp.vertex_ai", "claude-opus-5-5", usage, region="global") == "0.024"
    assert price(book, "gcp.vertex_ai", "claude-opus-5-5", usage, region="us-east5") == "0.0264"
    assert price(book, "gcp.vertex_ai", "claude-opus-5-5@default", usage, tier="batch") == "0.012"


def test_budgets_can_ask_for_limits(book: Book) -> None:
    assert book.max_output("openai", "gpt-6.2-sol") == 128_000
    assert book.context_window("openai", "gpt-6.2-sol") == 1_050_000
    assert book.max_output("anthropic", "claude-opus-5-5") == 128_000
    assert book.max_output("gcp.gemini", "gemini-4-argon") == 65_536
