"""Spans of others, priced one by one or line by line. Rates of gpt-5: $1.25 / $0.125 cached / $10 per million."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from otel_llmcost.money import femto
from otel_llmcost.prices import load_book
from otel_llmcost.pricing import instant_ns, price, price_lines
from otel_llmcost.toml_source import parse_toml

BOOK = load_book()
SPAN = {
    "gen_ai.provider.name": "openai",
    "gen_ai.response.model": "gpt-5",
    "gen_ai.usage.input_tokens": 1000,
    "gen_ai.usage.output_tokens": 100,
}
NOON = 1_795_348_800


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T12:00:00Z",
        "2026-11-22T13:00:00+01:00",
        "2026-11-22 12:00:00",
        dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC),
        NOON,
        float(NOON),
        str(NOON),
        NOON * 1000,
        NOON * 10**6,
        NOON * 10**9,
        f"{NOON}.0",
    ],
)
def test_times_as_people_and_programs_write_them(value: object) -> None:
    assert instant_ns(value) == NOON * 10**9


@pytest.mark.parametrize("value", ["soon", "", True, None, [], -1, float("nan"), 10**30, "2026-13-01"])
def test_what_is_no_time_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="time"):
        instant_ns(value)


def test_a_span_is_priced_from_its_attributes() -> None:
    priced = price(SPAN, time="2026-11-22", book=BOOK)
    assert (priced.status, priced.amount) == ("exact", femto("0.00225"))


def test_the_first_instant_is_not_now() -> None:
    promoted = {**SPAN, "gen_ai.response.model": "gpt-5.6-sol"}
    early, late = price(promoted, time=0, book=BOOK), price(promoted, time="2026-11-22", book=BOOK)
    assert early.amount != late.amount


def test_a_span_that_is_no_call_has_no_price() -> None:
    priced = price({"gen_ai.operation.name": "execute_tool"}, book=BOOK)
    assert (priced.status, priced.amount) == ("unpriced", None)
    assert priced.reasons[0].startswith("no-call")


def test_every_line_gets_an_answer() -> None:
    lines = [
        json.dumps({"attributes": SPAN, "time": "2026-11-22T12:00:00Z", "name": None, "scope": 7}),
        "",
        "nonsense",
        "[1]",
        '{"attributes": 5}',
        json.dumps({"attributes": SPAN, "time": "someday"}),
        "[" * 50_000,
        json.dumps({"attributes": {**SPAN, "gen_ai.usage.input_tokens": -5}, "time": NOON}),
    ]
    answers = list(price_lines(lines, BOOK))
    assert [understood for _, understood in answers] == [True, True, False, False, False, False, False, True]
    assert answers[1][0]["reasons"] == ["no-call: the line is blank"]
    first = answers[0][0]
    assert first == {
        "cost_usd": "0.00225",
        "status": "exact",
        "components": {"input": "0.00125", "output": "0.001"},
        "reasons": [],
        "price_version": BOOK.version,
    }
    for found, understood in answers[1:]:
        assert found["cost_usd"] is None or not str(found["cost_usd"]).startswith("-")
        if not understood:
            assert "invalid: " in str(found["reasons"])


def test_what_is_billed_by_duration_needs_an_end() -> None:
    own = '[[row]]\nprovider = "local"\nmodel = "q"\ngpu_hour = "1.80"\n'
    book = load_book(user_documents=[parse_toml(own, "own.toml")])
    asked = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "ollama", "gen_ai.request.model": "q"}
    span = {"attributes": asked, "time": 1795348800}
    lines = [json.dumps(span), json.dumps({**span, "end": "2026-11-22T12:00:02Z"})]
    (untold, _), (told, _) = price_lines(lines, book)
    assert (untold["cost_usd"], untold["status"]) == (None, "unpriced")
    # two seconds at 1.80 an hour
    assert (told["cost_usd"], told["status"]) == ("0.001", "exact")


def test_tokens_of_what_is_billed_by_duration_need_no_rate() -> None:
    own = '[[row]]\nprovider = "local"\nmodel = "q"\ngpu_hour = "3.60"\n'
    book = load_book(user_documents=[parse_toml(own, "own.toml")])
    asked = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "local", "gen_ai.request.model": "q"}
    tokens = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 50}
    span = {"attributes": {**asked, **tokens}, "time": 1795348800, "end": 1795348810}
    ((told, _),) = price_lines([json.dumps(span)], book)
    assert (told["cost_usd"], told["status"], told["reasons"]) == ("0.01", "exact", [])


@pytest.mark.parametrize(
    "name", ["llmcost.service_tier", "llmcost.speed", "llmcost.region", "llmcost.variant"]
)
def test_terms_that_are_no_text_make_no_exact_price(name: str) -> None:
    span = {
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1,
    }
    priced = price({**span, name: 5}, time=1795348800, book=load_book())
    assert (priced.status, priced.amount) == ("partial", femto("0.0000025"))
    assert priced.reasons == (f"incomplete: {name} is int, not text",)


@pytest.mark.parametrize(
    ("usage", "status"),
    [
        ({"llmcost.usage.image": 2}, "exact"),
        ({"gen_ai.usage.cache_read.input_tokens": 5}, "partial"),
        ({"gen_ai.usage.raw": "{}"}, "unpriced"),
    ],
)
def test_a_model_and_any_quantity_make_a_call(usage: dict[str, object], status: str) -> None:
    named = {"gen_ai.provider.name": "openai", "gen_ai.response.model": "dall-e-3"}
    if "gen_ai.usage.cache_read.input_tokens" in usage:
        named["gen_ai.response.model"] = "gpt-5"
    priced = price({**named, "llmcost.variant": "1024x1024/standard", **usage}, time="2024-11-20")
    assert priced.status == status
