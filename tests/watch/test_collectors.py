"""Streams of chat completions whose usage stands elsewhere than at `usage`."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import openai

from otel_llmcost.money import femto

from .conftest import World
from .replies import InProcess

USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


def chunk(model: str, content: str, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish, **more.pop("choice", {})}
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    return {**frame, "choices": [choice], **more}


def ask(world: World, base_url: str, chunks: list[dict[str, Any]]) -> tuple[str, int | None]:
    body = b"".join(b"data: " + json.dumps(part).encode() + b"\n\n" for part in chunks) + b"data: [DONE]\n\n"
    head = {"content-type": "text/event-stream"}
    http = httpx2.Client(
        transport=InProcess(lambda request: httpx2.Response(200, headers=head, content=body))
    )
    client = openai.OpenAI(api_key="none", base_url=base_url, max_retries=0, http_client=http)
    asked = [{"role": "user", "content": "Where?!"}]
    assert len(list(client.chat.completions.create(model=chunks[0]["model"], messages=asked, stream=True)))
    _, priced = world.calls[-1]
    return priced.status, priced.amount


def test_moonshot_says_it_in_the_choice(world: World) -> None:
    model = "kimi-k2-0905-preview"
    chunks = [
        chunk(model, "Paris"),
        chunk(model, "", "stop", choice={"usage": {**USAGE, "cached_tokens": 20}}),
    ]
    # 80 x 0.60 + 20 x 0.15 + 50 x 2.50 = 176 millionths
    assert ask(world, "https://api.moonshot.ai/v1", chunks) == ("exact", femto("0.000176"))


def test_groq_says_it_in_its_own_field(world: World) -> None:
    model = "llama-3.3-70b-versatile"
    chunks = [chunk(model, "Paris", x_groq={"id": "1"}), chunk(model, "", "stop", x_groq={"usage": USAGE})]
    # 100 x 0.59 + 50 x 0.79 = 98.5 millionths
    assert ask(world, "https://api.groq.com/openai/v1", chunks) == ("exact", femto("0.0000985"))


def test_groqs_first_chunk_has_no_usage_yet(world: World) -> None:
    model = "llama-3.3-70b-versatile"
    chunks = [chunk(model, "Paris is", x_groq={"id": "1"})]
    # estimated by four characters a token: 2 x 0.59 + 2 x 0.79 = 2.76 millionths
    assert ask(world, "https://api.groq.com/openai/v1", chunks) == ("estimated", femto("0.00000276"))


def test_thoughts_of_mistral_count_towards_an_estimate(world: World) -> None:
    thought: Any = [{"type": "thinking", "thinking": [{"type": "text", "text": "x" * 396}]}]
    told: Any = [{"type": "text", "text": "Paris"}]
    url = "https://api.mistral.ai/v1"
    ask(world, url, [chunk("magistral-medium-latest", part) for part in ("", thought, told)])
    call, priced = world.calls[-1]
    assert (call.usage["output"], priced.status) == (101, "estimated")  # 401 characters


def test_lines_of_one_events_data_are_joined(world: World) -> None:
    lines = json.dumps(
        {**chunk("gpt-4o-mini", "Paris"), "choices": [], "usage": USAGE}, indent=1
    ).splitlines()
    body = "".join(f"data: {line}\n" for line in lines).encode() + b"\ndata: [DONE]\n\n"
    http = httpx2.Client(transport=InProcess(lambda request: httpx2.Response(200, content=body)))
    client = openai.OpenAI(api_key="none", http_client=http)
    with client.chat.completions.with_streaming_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "?"}], stream=True
    ) as response:
        response.read()
    call, priced = world.calls[-1]
    assert (call.usage, priced.status) == ({"input": 100, "output": 50}, "exact")
