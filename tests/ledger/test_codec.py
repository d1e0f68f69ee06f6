from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost.call import Call, Line, Priced, PricedLine, Tags
from otel_llmcost.ledger.codec import RowEncoder, decode, encode

FULL = Call(
    key="resp:api.anthropic.com:msg_1",
    provider="anthropic",
    operation="chat",
    request_model='odd "name"\n',
    response_model="claude-größer-☃",
    start_ns=1,
    end_ns=2,
    usage={"input": 10, "100%s": 1, 'a "b"': 4, "web_search": 2, "audio_second": Decimal("12.5")},
    tier="priority",
    speed="fast",
    region="us",
    variant="1024x1024/hd",
    lines=(
        Line("anthropic", "a", {"input": 4, "page": Decimal("0.1")}, tier="batch"),
        Line("openai", "b", {}),
    ),
    host="localhost",
    port=8080,
    response_id="msg_1",
    finish_reasons=("stop", "length"),
    error_type="TimeoutError",
    first_chunk_s=0.25,
    attempts=3,
    reported=Decimal("0.0021"),
    notes=("estimated: guessed",),
    tags=Tags("src", "stg", "team", "feat", "conv", "sess", "usr", {"customer": "Müller & Söhne"}),
)
FULL_PRICED = Priced(
    status="partial",
    amount=-5,
    components={"input": 7, "tools": -12},
    reasons=("no-rate: web_search",),
    version="v1",
    lines=(
        PricedLine("anthropic", "a", "batch", "input", 4, 9),
        PricedLine("anthropic", "a", "batch", "page", Decimal("0.1"), None),
    ),
    savings=-3,
    list_amount=11,
)


def test_a_plain_call_comes_back_whole(call: Callable[..., Call], priced: Callable[..., Priced]) -> None:
    row = decode(encode(call(), priced(), "shop"), pid=42)
    assert row is not None
    assert row.as_call() == call()
    assert (row.amount, row.status, row.savings) == (2_425_200_000_000_001, "exact", 540_000_000_000_000)
    assert row.components == priced().components
    assert (row.service, row.pid, row.currency, row.version) == ("shop", 42, "USD", "2026-11-20+3f9a1c2b")
    assert row.model == "gpt-5.4-mini-2026-03-17"
    assert row.duration_s == pytest.approx(1.250000001)


def test_a_call_that_uses_every_field_comes_back_whole() -> None:
    row = decode(RowEncoder("svc", "run-1").encode(FULL, FULL_PRICED))
    assert row is not None
    assert row.as_call() == FULL
    assert (row.amount, row.list_amount, row.savings) == (-5, 11, -3)
    assert (row.reasons, row.run_id) == (("no-rate: web_search",), "run-1")
    assert row.priced_lines == FULL_PRICED.lines


def test_an_unknown_amount_stays_unknown(call: Callable[..., Call], priced: Callable[..., Priced]) -> None:
    row = decode(
        encode(call(), priced(status="unpriced", amount=None, components={}, reasons=("no-price: x",)))
    )
    assert row is not None
    assert row.amount is None
    free = decode(encode(call(), priced(amount=0, components={})))
    assert free is not None
    assert free.amount == 0


def test_terms_that_change_are_not_mixed_up(call: Callable[..., Call], priced: Callable[..., Priced]) -> None:
    encoder = RowEncoder()
    for number in range(1200):
        row = decode(encoder.encode(call(tier=f"t{number % 7}", response_model=f"m{number}"), priced()))
        assert row is not None
        assert (row.tier, row.response_model) == (f"t{number % 7}", f"m{number}")


@given(st.text(), st.text(), st.text(max_size=5), st.integers(0, 2**70))
def test_any_text_is_kept_and_never_breaks_a_row(model: str, source: str, own: str, tokens: int) -> None:
    asked = replace(
        FULL, response_model=model, tags=Tags(source=source, own={own: model}), usage={"input": tokens}
    )
    row = decode(encode(asked, FULL_PRICED))
    assert row is not None
    assert row.as_call() == asked


def test_half_a_surrogate_pair_becomes_text_that_a_database_takes() -> None:
    row = decode(encode(replace(FULL, response_model="a\ud800b", error_type="\udfff"), FULL_PRICED))
    assert row is not None
    assert (row.response_model, row.error_type) == ("a?b", "?")


def test_money_that_no_ledger_holds_is_unknown_with_the_reason(
    call: Callable[..., Call], priced: Callable[..., Priced]
) -> None:
    row = decode(encode(call(), priced(amount=10**25)))
    assert row is not None
    assert (row.amount, row.status, row.components) == (None, "unpriced", {})
    assert row.reasons[-1].startswith("too-large: ")


def test_a_record_of_another_version_is_left_alone_and_rubbish_is_refused() -> None:
    whole = json.loads(encode(FULL, FULL_PRICED))
    assert decode(json.dumps({**whole, "v": 2}).encode()) is None
    assert decode(json.dumps({**whole, "added later": 1}).encode()) is not None
    for rubbish in (
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"v":1}',
        b"\xff",
        b"7",
        json.dumps({**whole, "usage": 5}).encode(),
    ):
        with pytest.raises(ValueError):
            decode(rubbish)
