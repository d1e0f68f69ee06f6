"""The whole way: real SDKs, watched, refused before a request leaves; each case is a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from otel_llmcost.server.demo_provider import DemoProvider

PROGRAM = """
import asyncio, json, sys, threading
import otel_llmcost
otel_llmcost.instrument()
import anthropic, openai
from otel_llmcost.runtime import runtime

admitted, refused = [], []

def counted(ask):
    try:
        ask()
        admitted.append(1)
    except otel_llmcost.BudgetExceeded as error:
        assert error.budget == "cap"
        refused.append(1)

chat = openai.OpenAI(max_retries=0)
claude = anthropic.Anthropic(max_retries=0)
TEXT = "hello " * 400  # the provider bills up to 2,000 tokens of input: so many bytes there have to be
QUESTION = [{"role": "user", "content": TEXT}]
WAYS = [
    lambda: chat.chat.completions.create(model="gpt-5-mini", messages=QUESTION, max_completion_tokens=200),
    lambda: list(chat.chat.completions.create(model="gpt-5-mini", messages=QUESTION, max_completion_tokens=200,
                                              stream=True, stream_options={"include_usage": True})),
    lambda: chat.responses.create(model="gpt-5-mini", input=TEXT, max_output_tokens=200),
    lambda: chat.chat.completions.with_raw_response.create(model="gpt-5-mini", messages=QUESTION,
                                                           max_completion_tokens=200).parse(),
    lambda: claude.messages.create(model="claude-sonnet-5", messages=QUESTION, max_tokens=200),
]

def work(number):
    for turn in range(4):
        counted(WAYS[(number + turn) % len(WAYS)])

threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]

async def tasks():
    client = openai.AsyncOpenAI(max_retries=0)
    async def one():
        try:
            await client.chat.completions.create(model="gpt-5-mini", messages=QUESTION, max_completion_tokens=200)
            admitted.append(1)
        except otel_llmcost.BudgetExceeded:
            refused.append(1)
    await asyncio.gather(*(one() for _ in range(40)))

asyncio.run(tasks())
gate = runtime().gate
assert gate.flush(5)
state = gate.snapshot()[0]
print(json.dumps({"admitted": len(admitted), "refused": len(refused), "spent": state.spent, "limit": state.limit,
                  "reserved": state.reserved, "counted": state.refused}))
"""


@pytest.mark.parametrize("scope", ["process", "machine"])
def test_two_hundred_calls_of_every_way_stay_within_the_limit(tmp_path: Path, scope: str) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        f'[budgets.cap]\namount = "0.05"\nwindow = "total"\naction = "block"\nscope = "{scope}"\n'
    )
    with DemoProvider() as chat, DemoProvider() as claude:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(PROGRAM)],
            env={
                **os.environ,
                "OTEL_LLMCOST_CONFIG": str(settings),
                "OTEL_LLMCOST_LEDGER": str(tmp_path / "ledger"),
                "OTEL_LLMCOST_HOSTS": f"127.0.0.1:{chat.port}=openai,127.0.0.1:{claude.port}=anthropic",
                "OTEL_TRACES_EXPORTER": "none",
                "OTEL_METRICS_EXPORTER": "none",
                "OPENAI_API_KEY": "none",
                "ANTHROPIC_API_KEY": "none",
                "OPENAI_BASE_URL": chat.openai_url,
                "ANTHROPIC_BASE_URL": claude.url,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        reached = len(chat.requests) + len(claude.requests)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["admitted"] + seen["refused"] == 200
    assert seen["refused"] == seen["counted"] > 0
    assert seen["admitted"] == reached > 0
    assert 0 < seen["spent"] <= seen["limit"]
    assert seen["reserved"] == 0
