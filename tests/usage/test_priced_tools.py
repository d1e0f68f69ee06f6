"""Hosted tools of the Responses API, priced with the shipped book: containers by size, searches by kind."""

from __future__ import annotations

from typing import Any

import pytest

from otel_llmcost.call import Call, Priced, SpanFacts
from otel_llmcost.money import as_text
from otel_llmcost.prices import load_book
from otel_llmcost.spans import project, read_call
from otel_llmcost.usage import read_body

BOOK = load_book()
NOVEMBER_21 = 1_795_219_200  # 2026-11-21T00:00:00Z
JUNE_1 = 1_780_358_399  # 2026-06-01T23:59:59Z, the last second of whole sessions
USAGE = {
    "input_tokens": 1000,
    "output_tokens": 100,
    "total_tokens": 1100,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
"""At gpt-5.4's 2.50 and 15 per million 0.004, at gpt-4.1's 2 and 8 0.0028, at gpt-5's 1.25 and 10 0.00225."""


def response(model: str, output: list[Any], tools: list[Any] | None, **more: Any) -> dict[str, Any]:
    body = {"id": "resp_1", "object": "response", "status": "completed", "model": model, "usage": USAGE}
    told = {} if tools is None else {"tools": tools}
    return {**body, "created_at": NOVEMBER_21, "output": output, **told, **more}


def priced(body: dict[str, Any]) -> Priced:
    reading = read_body("openai", body)
    call = Call(
        key="otel:00000000000000000000000000000001:0000000000000002",
        provider="openai",
        response_model=reading.model,
        start_ns=body["created_at"] * 10**9,
        usage=reading.usage,
        lines=reading.lines,
        notes=reading.notes,
    )
    facts = SpanFacts(
        scope="otel_llmcost", start_ns=call.start_ns, trace_id=1, span_id=2, attributes=project(call)
    )
    assert read_call(facts) == call
    return BOOK.price(call)


def ran(container: str) -> dict[str, Any]:
    return {"type": "code_interpreter_call", "id": "ci", "container_id": container, "status": "completed"}


def shell(container: str) -> dict[str, Any]:
    place = {"type": "container_reference", "container_id": container}
    return {"type": "shell_call", "id": "sh", "status": "completed", "environment": place}


def interpreter(size: str | None) -> dict[str, Any]:
    return {"type": "code_interpreter", "container": {"type": "auto", "memory_limit": size}}


def hosted(size: str | None) -> dict[str, Any]:
    return {"type": "shell", "environment": {"type": "container_auto", "memory_limit": size}}


@pytest.mark.parametrize(
    ("size", "usd"),
    [(None, "0.034"), ("1g", "0.034"), ("4g", "0.124"), ("16g", "0.484"), ("64g", "1.924")],
)
@pytest.mark.parametrize(("created", "status"), [(JUNE_1, "exact"), (JUNE_1 + 1, "estimated")])
def test_a_container_costs_by_its_size(size: str | None, usd: str, created: int, status: str) -> None:
    for output, tool in (([ran("c"), ran("c")], interpreter(size)), ([shell("c")], hosted(size))):
        found = priced(response("gpt-5.4", output, [tool], created_at=created))
        assert (as_text(found.amount or 0), found.status) == (usd, status), found.reasons


def test_a_size_that_has_no_price_is_a_lower_bound() -> None:
    found = priced(response("gpt-5.4", [ran("c")], [interpreter("128g")]))
    assert (as_text(found.amount or 0), found.status) == ("0.004", "partial")
    assert any("container of 128g" in reason for reason in found.reasons)


def test_containers_of_two_sizes_have_their_own_prices() -> None:
    """0.004 + 0.12 for the interpreter's + 0.03 for the shell's."""
    found = priced(response("gpt-5.4", [ran("a"), shell("b")], [interpreter("4g"), hosted(None)]))
    assert (as_text(found.amount or 0), found.status) == ("0.154", "estimated")


def test_of_two_sizes_that_cannot_be_told_apart_the_smaller_is_counted() -> None:
    found = priced(response("gpt-5.4", [ran("a")], [interpreter("16g"), interpreter("4g")]))
    assert (as_text(found.amount or 0), found.status) == ("0.124", "partial")


def test_a_hosted_shell_whose_container_is_not_told_is_one() -> None:
    call = {"type": "shell_call", "id": "sh", "status": "completed", "environment": None}
    assert as_text(priced(response("gpt-5.4", [call, call], [hosted("4g")])).amount or 0) == "0.124"
    local = priced(response("gpt-5.4", [call], [{"type": "shell", "environment": {"type": "local"}}]))
    assert (as_text(local.amount or 0), local.status) == ("0.004", "exact")


@pytest.mark.parametrize("created", [JUNE_1, NOVEMBER_21])
@pytest.mark.parametrize("before", [{"previous_response_id": "resp_0"}, {"conversation": {"id": "conv_1"}}])
def test_a_container_may_be_that_of_the_response_before(before: dict[str, Any], created: int) -> None:
    body = response("gpt-5.4", [ran("c")], [interpreter(None)], created_at=created, **before)
    found = priced(body)
    assert (as_text(found.amount or 0), found.status) == ("0.034", "estimated")


@pytest.mark.parametrize(("created", "status"), [(JUNE_1, "exact"), (NOVEMBER_21, "estimated")])
def test_a_container_that_the_request_names_is_not_started_again(created: int, status: str) -> None:
    there = {"type": "container_reference", "container_id": "c"}
    for output, tool in (
        ([ran("c")], {"type": "code_interpreter", "container": "c"}),
        ([shell("c")], {"type": "shell", "environment": there}),
    ):
        found = priced(response("gpt-5.4", output, [tool], created_at=created))
        assert (as_text(found.amount or 0), found.status) == ("0.004", status)


SEARCH = {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}}
PLAIN, PREVIEW = {"type": "web_search"}, {"type": "web_search_preview_2025_03_11"}


@pytest.mark.parametrize(
    ("model", "tools", "usd", "status"),
    [
        # gpt-4.1 does not reason: $25 by web_search_preview, $10 by web_search
        ("gpt-4.1-2025-04-14", [PREVIEW], "0.0278", "exact"),
        ("gpt-4.1-2025-04-14", [{"type": "web_search_preview"}], "0.0278", "exact"),
        ("gpt-4.1-2025-04-14", [PLAIN], "0.0128", "exact"),
        ("gpt-4.1-2025-04-14", [PLAIN, PREVIEW], "0.0128", "estimated"),
        ("gpt-4.1-2025-04-14", None, "0.0128", "estimated"),
        # gpt-5 does: $10 by either
        ("gpt-5-2025-08-07", [PREVIEW], "0.01225", "exact"),
        ("gpt-5-2025-08-07", [PLAIN], "0.01225", "exact"),
        ("gpt-5-2025-08-07", None, "0.01225", "exact"),
    ],
)
def test_a_search_costs_by_its_tool(model: str, tools: list[Any] | None, usd: str, status: str) -> None:
    found = priced(response(model, [SEARCH], tools))
    assert (as_text(found.amount or 0), found.status) == (usd, status), found.reasons


def test_a_search_by_the_preview_and_a_container_have_a_line_each() -> None:
    """0.0028 + 0.025 + 0.12; the tokens come first."""
    found = priced(response("gpt-4.1", [SEARCH, ran("c")], [PREVIEW, interpreter("4g")]))
    assert as_text(found.amount or 0) == "0.1478"
    assert [(line.meter, line.quantity) for line in found.lines] == [
        ("input", 1000),
        ("output", 100),
        ("web_search", 1),
        ("container", 1),
    ]
