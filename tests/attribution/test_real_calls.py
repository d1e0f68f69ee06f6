"""A program of its own with the real SDKs: nested sources over threads, tasks and streams, compared with
sums by hand.

The bundled provider answers each chat completion with 1,200 prompt and 300 completion tokens; gpt-5 costs
$1.25 and $10 per million: $0.0015 + $0.003 = $0.0045.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.ledger.drain import open_up_to_date
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.server.demo_provider import DemoProvider

EACH = Decimal("0.0045")
PROGRAM = """
import asyncio, json, sys
from concurrent.futures import ThreadPoolExecutor
import anthropic, openai
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)

import otel_llmcost
from otel_llmcost.attribution import carry, stage, tag, track_call, track_source
from otel_llmcost.clients import get_llm_client, get_model_for_use_case
from otel_llmcost.sessions import session
from otel_llmcost.tracker import CostTracker

otel_llmcost.instrument()
client, async_client = openai.OpenAI(), openai.AsyncOpenAI()
asked = dict(model="gpt-5", messages=[{"role": "user", "content": "hi"}], user="alice@example.com")


def call(which=client):
    return which.chat.completions.create(**asked)


@track_call("answer")
def answer(conversation_id, user_id):
    call()
    return call(client.with_options(timeout=30))


@track_call("stream")
async def stream():
    reply = await async_client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    async for chunk in reply:
        yield chunk


async def task(number):
    async with track_source(f"task-{number}"):
        await asyncio.gather(*(async_client.chat.completions.create(**asked) for _ in range(number)))


async def many():
    async with stage("many"):
        await asyncio.gather(*(task(number) for number in (1, 2, 3)))
    async for chunk in stream():
        pass


tracker = CostTracker()
with session("S", {"run": 7}, task="build", against="gpt-5", summary=sys.stderr) as whole:
    reply = answer("c-1", user_id="bob@example.com")
    counted_again = tracker.update(provider="openai", response=reply)
    with track_source("pool"), tag(tenant="acme"), ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(carry(call)) for _ in range(5)]:
            future.result()
    with session("inner") as inner, whole.phase(2):
        asyncio.run(many())
    get_llm_client("coding").chat.completions.create(**{**asked, "model": get_model_for_use_case("coding")})
call()
print(json.dumps({
    "whole": whole.metrics(), "inner": inner.metrics(), "counted": counted_again.counted,
    "spans": [{"name": span.name, **span.attributes} for span in exporter.get_finished_spans()],
}, default=list))
"""
SETTINGS = """
[use_cases.coding]
model = "gpt-5"
tags = { team = "tools" }

[tags]
region = "eu"
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], list[LedgerRow], str]:
    folder: Path = tmp_path_factory.mktemp("program")
    (folder / "app.py").write_text(PROGRAM)
    (folder / "otel-llmcost.toml").write_text(SETTINGS)
    with DemoProvider() as provider:
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "OPENAI_API_KEY": "sk-none",
                "OPENAI_BASE_URL": provider.openai_url,
                "OTEL_LLMCOST_HOSTS": f"127.0.0.1:{provider.port}=openai",
                "OTEL_LLMCOST_LEDGER": str(folder / "ledger"),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        headers = [{name.lower() for name in request.headers} for request in provider.requests]
    assert done.returncode == 0, done.stderr
    assert len(headers) == 16
    assert not any("baggage" in names for names in headers)
    with open_up_to_date(folder / "ledger") as ledger:
        rows = list(ledger.rows())
    return json.loads(done.stdout), rows, done.stderr


def usd(rows: list[LedgerRow]) -> Decimal:
    return Decimal(sum(row.amount or 0 for row in rows)).scaleb(-15)


def test_every_call_is_in_the_ledger_once_with_its_source(ran: tuple[dict, list[LedgerRow], str]) -> None:
    _, rows, _ = ran
    assert usd(rows) == 16 * EACH
    assert Counter(row.tags.source for row in rows) == {
        "": 4,  # two in `answer`, the stream, the last one outside of all
        "pool": 5,
        "task-1": 1,
        "task-2": 2,
        "task-3": 3,
        "coding": 1,
    }
    assert {row.tags.own.get("region") for row in rows} == {"eu"}
    assert [row.tags.own["tenant"] for row in rows if row.tags.source == "pool"] == ["acme"] * 5
    assert [row.tags.team for row in rows if row.tags.source == "coding"] == ["tools"]


def test_sessions_equal_the_sums_by_hand_and_the_ledger(ran: tuple[dict, list[LedgerRow], str]) -> None:
    answer, rows, _ = ran
    whole, inner = answer["whole"], answer["inner"]
    assert (whole["calls"], Decimal(whole["cost_usd"])) == (15, 15 * EACH)
    assert (inner["calls"], Decimal(inner["cost_usd"])) == (7, 7 * EACH)
    assert (whole["input_tokens"], whole["output_tokens"]) == (15 * 1_200, 15 * 300)
    assert usd([row for row in rows if row.tags.session == "inner"]) == 7 * EACH
    assert usd([row for row in rows if row.tags.session == "S"]) == 8 * EACH
    stages = {each["stage"]: (each["calls"], Decimal(each["cost_usd"])) for each in inner["stages"]}
    assert stages == {"many": (6, 6 * EACH), "phase 2": (1, EACH)}
    assert Decimal(whole["would_cost_usd"]) == 15 * EACH
    assert whole["saved_usd"] == "0"


def test_tracked_work_carries_the_sum_of_its_calls(ran: tuple[dict, list[LedgerRow], str]) -> None:
    spans = {span["name"]: span for span in ran[0]["spans"] if not span["name"].startswith("chat")}
    assert spans.keys() == {"answer", "stream"}
    assert spans["answer"]["llmcost.rollup.cost"] == 0.009
    assert spans["answer"]["gen_ai.conversation.id"] == "c-1"
    assert spans["stream"]["llmcost.rollup.calls"] == 1
    assert "gen_ai.usage.cost" not in spans["answer"]
    assert sum(1 for span in ran[0]["spans"] if "gen_ai.usage.cost" in span) == 16


def test_people_are_hashed_or_absent_everywhere(ran: tuple[dict, list[LedgerRow], str]) -> None:
    answer, rows, _ = ran
    assert "@example.com" not in json.dumps(answer)
    assert "@example.com" not in repr(rows)
    hashed = {row.tags.user for row in rows}
    assert len(hashed) == 2  # none, and bob's, who was passed by name
    assert all(user == "" or user.startswith("h:") for user in hashed)


def test_a_watched_response_is_not_counted_again(ran: tuple[dict, list[LedgerRow], str]) -> None:
    assert ran[0]["counted"] is False


def test_the_summary_is_one_line_and_nothing_else_was_said(ran: tuple[dict, list[LedgerRow], str]) -> None:
    (line,) = ran[2].splitlines()
    assert line.startswith("session S (build) completed, ")
    assert "15 calls, 18,000 in + 4,500 out tokens, $0.067500, saved $0.000000 against openai/gpt-5" in line
