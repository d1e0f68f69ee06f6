"""Work that is paid later and whose result does not tell what it used, or that another one counts."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from otel_llmcost.money import femto

from .conftest import World
from .replies import MESSAGE, RESPONSE, InProcess

BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file_1",
    "completion_window": "24h",
    "status": "completed",
    "created_at": 1_790_000_000,
    "output_file_id": "file_2",
    "request_counts": {"total": 3, "completed": 2, "failed": 1},
}
USAGE = {
    "input_tokens": 1000,
    "output_tokens": 100,
    "total_tokens": 1100,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}


def client(base_url: str, body: dict[str, Any]) -> openai.OpenAI:
    http = httpx2.Client(transport=InProcess(lambda request: httpx2.Response(200, json=body)))
    return openai.OpenAI(api_key="none", base_url=base_url, max_retries=0, http_client=http)


def settled(world: World) -> list[tuple[str, str, int | None, tuple[str, ...]]]:
    return [(call.key, priced.status, priced.amount, tuple(priced.reasons)) for call, priced in world.calls]


def test_a_finished_batch_that_tells_no_usage_is_unpriced_once(world: World) -> None:
    world.settler.tracer = world.engine.tracer
    asked = client("https://acme.openai.azure.com/openai/v1", BATCH)
    for _ in range(3):
        assert asked.batches.retrieve("batch_1").status == "completed"
    ((key, status, amount, reasons),) = settled(world)
    assert (key, status, amount) == ("batch:batch_1:untold", "unpriced", None)
    assert [span.name for span in world.spans.ended] == ["settle"]
    assert "no-usage: the batch tells no usage" in reasons


def test_usage_that_comes_later_counts_all_the_same(world: World) -> None:
    client("https://api.openai.com/v1", BATCH).batches.retrieve("batch_1")
    told = {**BATCH, "model": "gpt-4o-mini-2024-07-18", "usage": USAGE}
    client("https://api.openai.com/v1", told).batches.retrieve("batch_1")
    # half of 1000 x 0.15 + 100 x 0.60 millionths
    assert [(status, amount) for _, status, amount, _ in settled(world)] == [
        ("unpriced", None),
        ("exact", femto("0.000105")),
    ]


def test_a_batch_of_which_nothing_was_done_costs_nothing(world: World) -> None:
    failed = {**BATCH, "status": "failed", "request_counts": {"total": 3, "completed": 0, "failed": 3}}
    client("https://api.openai.com/v1", failed).batches.retrieve("batch_1")
    assert settled(world) == []


def test_what_a_delegated_gateway_settles_is_its_own(world: World) -> None:
    world.engine.clients.host_map["gateway.example.com"] = "delegated"
    asked = client("https://gateway.example.com/v1", {**RESPONSE, "background": True})
    asked.responses.retrieve("resp_1")
    assert settled(world) == []


ENDED = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "ended",
    "created_at": "2026-11-19T00:00:00Z",
    "expires_at": "2026-11-20T00:00:00Z",
    "request_counts": {"canceled": 0, "errored": 0, "expired": 0, "processing": 0, "succeeded": 2},
    "results_url": "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results",
}
RESULTS = b"".join(
    json.dumps({"custom_id": name, "result": {"type": "succeeded", "message": MESSAGE}}).encode() + b"\n"
    for name in ("a", "b")
)
# batch tier of claude-sonnet-4-5: 1000 x 1.50 + 100 x 7.50 = 2250 millionths
EACH = [(f"batch:msgbatch_1:{name}", "exact", femto("0.00225")) for name in ("a", "b")]


class Unread(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        yield from (RESULTS[at : at + 50] for at in range(0, len(RESULTS), 50))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def results(request: httpx2.Request) -> httpx2.Response:
    if request.url.path.endswith("/results"):
        return httpx2.Response(200, headers={"content-type": "application/x-jsonl"}, stream=Unread())
    return httpx2.Response(200, json=ENDED)


@pytest.mark.parametrize("way", ["plain", "raw", "raw text", "streamed lines"])
def test_results_of_a_batch_are_settled_whichever_way_they_are_read(world: World, way: str) -> None:
    http = httpx2.Client(transport=InProcess(results))
    batches = anthropic.Anthropic(api_key="none", max_retries=0, http_client=http).messages.batches
    if way == "plain":
        assert len(list(batches.results("msgbatch_1"))) == 2
    elif way == "raw":
        assert len(list(batches.with_raw_response.results("msgbatch_1").parse())) == 2
    elif way == "raw text":
        assert batches.with_raw_response.results("msgbatch_1").read() == RESULTS
    else:
        with batches.with_streaming_response.results("msgbatch_1") as answer:
            assert len(list(answer.iter_lines())) == 2
    assert [settlement[:3] for settlement in settled(world)] == EACH


async def _read_raw() -> int:
    async with httpx2.AsyncClient(transport=InProcess(results)) as http:
        client = anthropic.AsyncAnthropic(api_key="none", max_retries=0, http_client=http)
        answer = await client.messages.batches.with_raw_response.results("msgbatch_1")
        return len([row async for row in await answer.parse()])


def test_results_of_a_batch_are_settled_where_an_async_client_reads_them_raw(world: World) -> None:
    assert asyncio.run(_read_raw()) == 2
    assert [settlement[:3] for settlement in settled(world)] == EACH


@pytest.mark.parametrize("prefix", ["/anthropic", "/team/a/anthropic"])
def test_results_behind_a_gateway_with_a_path_are_settled(world: World, prefix: str) -> None:
    base = f"https://gateway.example.com{prefix}"
    world.engine.clients.host_map["gateway.example.com"] = "anthropic"
    ended = {**ENDED, "results_url": f"{base}/v1/messages/batches/msgbatch_1/results"}

    def answer(request: httpx2.Request) -> httpx2.Response:
        is_result = request.url.path.endswith("/results")
        return results(request) if is_result else httpx2.Response(200, json=ended)

    http = httpx2.Client(transport=InProcess(answer))
    asked = anthropic.Anthropic(api_key="none", base_url=base, max_retries=0, http_client=http)
    assert len(list(asked.messages.batches.results("msgbatch_1"))) == 2
    assert [settlement[:3] for settlement in settled(world)] == EACH


@pytest.mark.parametrize("address", ["/batches/batch_1", "https://api.openai.com/v1/batches/batch_1"])
def test_a_batch_is_settled_however_its_address_is_written(world: World, address: str) -> None:
    told = {**BATCH, "model": "gpt-4o-mini-2024-07-18", "usage": USAGE}
    client("https://api.openai.com/v1", told).get(address, cast_to=object)
    assert [settlement[:3] for settlement in settled(world)] == [
        ("batch:batch_1:", "exact", femto("0.000105"))
    ]


def test_a_settled_call_never_ends_before_it_starts(world: World) -> None:
    # the provider's clock is ahead of ours
    ahead = {**RESPONSE, "background": True, "created_at": int(time.time()) + 3600}
    before = time.time_ns()
    client("https://api.openai.com/v1", ahead).responses.retrieve("resp_1")
    ((call, priced),) = world.calls
    assert priced.status == "exact"
    assert before <= call.start_ns <= call.end_ns


def _events(status: str) -> bytes:
    response = {**RESPONSE, "background": True, "usage": USAGE}
    begun = {"type": "response.created", "response": {**response, "status": "in_progress", "usage": None}}
    ended = {"type": f"response.{status}", "response": {**response, "status": status}}
    return b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in (begun, ended))


def _background(request: httpx2.Request) -> httpx2.Response:
    if request.method == "POST":
        sse = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=sse, content=_events("completed"))
    return httpx2.Response(200, json={**RESPONSE, "background": True, "usage": USAGE})


def test_a_background_response_that_was_streamed_to_its_end_is_not_settled_again(world: World) -> None:
    claimed: list[str] = []
    world.settler.claim = lambda key: claimed.append(key) is None
    http = httpx2.Client(transport=InProcess(_background))
    asked = openai.OpenAI(api_key="none", max_retries=0, http_client=http)
    for _ in asked.responses.create(model="gpt-4o-mini", input="x", background=True, stream=True):
        pass
    asked.responses.retrieve("resp_1")
    ((call, priced),) = world.calls
    assert (call.key, call.operation, priced.status) == ("resp:api.openai.com:resp_1", "chat", "exact")
    assert claimed == [call.key]  # so that no other process settles it, either


class Held:
    """A reservation that tells how it ended."""

    def __init__(self) -> None:
        self.ended: list[object] = []

    def settle(self, priced: Any) -> tuple[object, ...]:
        if priced.status != "pending":
            self.ended.append(priced.amount)
        return ()

    def release(self) -> None:
        self.ended.append("released")


class Gate:
    """Budgets that admit all."""

    waits = False

    def __init__(self) -> None:
        self.held = Held()
        self.spent: list[int | None] = []

    def admit(self, asked: object) -> Held:
        return self.held

    def spend(self, call: Any, priced: Any, asked_tags: Any = None) -> tuple[object, ...]:
        self.spent.append(priced.amount)
        return ()


def test_a_budget_sees_every_line_of_a_batch(world: World) -> None:
    gate = world.settler.gate = Gate()  # type: ignore[assignment]

    def answer(request: httpx2.Request) -> httpx2.Response:
        begun = {**ENDED, "processing_status": "in_progress"}
        return httpx2.Response(200, json=begun) if request.method == "POST" else results(request)

    http = httpx2.Client(transport=InProcess(answer))
    batches = anthropic.Anthropic(api_key="none", max_retries=0, http_client=http).messages.batches
    asked: Any = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "x"}],
    }
    batches.create(requests=[{"custom_id": "a", "params": asked}])
    assert len(list(batches.results("msgbatch_1"))) == 2
    assert (gate.held.ended, gate.spent) == ([femto("0.00225")], [femto("0.00225")])


@pytest.mark.parametrize("end", ["failed", "claimed by another process"])
def test_what_was_set_aside_for_a_background_response_is_given_back(world: World, end: str) -> None:
    gate = world.settler.gate = Gate()  # type: ignore[assignment]
    world.settler.claim = lambda key: False
    bodies = {
        "POST": {**RESPONSE, "background": True, "status": "queued", "usage": None},
        "GET": {**RESPONSE, "background": True, "usage": USAGE}
        if end != "failed"
        else {**RESPONSE, "background": True, "status": "failed", "usage": None},
    }
    http = httpx2.Client(
        transport=InProcess(lambda request: httpx2.Response(200, json=bodies[request.method]))
    )
    asked = openai.OpenAI(api_key="none", max_retries=0, http_client=http)
    asked.responses.create(model="gpt-4o-mini", input="x", background=True)
    assert gate.held.ended == []
    asked.responses.retrieve("resp_1")
    assert (gate.held.ended, gate.spent) == (["released"], [])


def test_work_that_we_saw_begin_began_then_whatever_the_providers_clock_says(world: World) -> None:
    world.settler.tracer = world.engine.tracer
    long_ago = {**RESPONSE, "background": True, "created_at": 1_600_000_000}
    bodies = [{**long_ago, "status": "queued", "usage": None}, long_ago]
    http = httpx2.Client(transport=InProcess(lambda request: httpx2.Response(200, json=bodies.pop(0))))
    asked = openai.OpenAI(api_key="none", max_retries=0, http_client=http)
    asked.responses.create(model="gpt-4.1", input="Where?", background=True)
    asked.responses.retrieve("resp_1")
    (begun, _), (call, priced) = world.calls
    assert call.start_ns == begun.start_ns
    assert (priced.status, priced.amount) == ("exact", femto("0.0028"))  # at today's rates, not those of 2020
