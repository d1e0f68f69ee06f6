"""Tool runners of the SDKs: a request for each turn, and each request is one call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from otel_llmcost.server.demo_provider import Reply

from .bench import Bench
from .surfaces import MESSAGES, RESPONSES
from .way import Expect, way

_TOOL_USE = {"type": "tool_use", "id": "t", "name": "weather", "input": {"city": "Paris"}}
_TURNS = (
    {"content": [_TOOL_USE], "stop_reason": "tool_use"},
    {"content": [{"type": "text", "text": "It is."}]},
)
_TWO_MESSAGES = (Expect(MESSAGES.cost), Expect(MESSAGES.cost))


def _weather(bench: Bench) -> Any:
    from anthropic import beta_async_tool, beta_tool

    def weather(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    async def weather_async(city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"

    return beta_async_tool(weather_async, name="weather") if bench.is_async else beta_tool(weather)


def _turn(turn: dict[str, Any]) -> dict[str, Any]:
    usage = {"input_tokens": 400, "output_tokens": 250, "service_tier": "standard"}
    about = {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "usage": usage,
    }
    return {"stop_reason": "end_turn", "stop_sequence": None, **about, **turn}


def _streamed_turn(turn: dict[str, Any]) -> str:
    def events() -> Iterator[dict[str, Any]]:
        message = _turn(turn)
        block = message["content"][0]
        start = {**message, "content": [], "stop_reason": None}
        yield {
            "type": "message_start",
            "message": {**start, "usage": {**message["usage"], "output_tokens": 1}},
        }
        if block["type"] == "tool_use":
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
            yield {"type": "content_block_start", "index": 0, "content_block": {**block, "input": {}}}
        else:
            delta = {"type": "text_delta", "text": block["text"]}
            yield {"type": "content_block_start", "index": 0, "content_block": {**block, "text": ""}}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
        yield {"type": "content_block_stop", "index": 0}
        ended = {"stop_reason": message["stop_reason"], "stop_sequence": None}
        yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 250}}
        yield {"type": "message_stop"}

    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events())


@way(
    "anthropic",
    "beta.messages",
    "tool_runner: one call for each request",
    *_TWO_MESSAGES,
    needs="beta.messages.tool_runner",
)
async def tool_runner(bench: Bench) -> None:
    bench.provider.script([Reply(_turn(turn)) for turn in _TURNS])
    runner = bench.client.beta.messages.tool_runner(**MESSAGES.asked, tools=[_weather(bench)])
    await bench.each(runner, bench.saw)


@way(
    "anthropic",
    "beta.messages",
    "tool_runner, until_done()",
    *_TWO_MESSAGES,
    needs="beta.messages.tool_runner",
)
async def tool_runner_done(bench: Bench) -> None:
    bench.provider.script([Reply(_turn(turn)) for turn in _TURNS])
    runner = bench.client.beta.messages.tool_runner(**MESSAGES.asked, tools=[_weather(bench)])
    bench.saw(await bench.wait(runner.until_done()))


@way(
    "anthropic",
    "beta.messages stream",
    "tool_runner: one call for each request",
    *_TWO_MESSAGES,
    needs="beta.messages.tool_runner",
)
async def tool_runner_streamed(bench: Bench) -> None:
    bench.provider.script([Reply(_streamed_turn(turn), content_type="text/event-stream") for turn in _TURNS])
    runner = bench.client.beta.messages.tool_runner(**MESSAGES.asked, tools=[_weather(bench)], stream=True)
    streams: list[Any] = []
    if bench.is_async:
        async for stream in runner:
            await bench.each(stream, bench.saw)
            streams.append(type(stream))
    else:
        for stream in runner:
            await bench.each(stream, bench.saw)
            streams.append(type(stream))
    bench.saw(streams)


@way(
    "openai",
    "responses",
    "tool runner: one call for each request",
    Expect(RESPONSES.cost),
    Expect(RESPONSES.cost),
    needs="responses",
    imports=("openai.lib.responses_tool_runner",),
)
async def responses_tool_runner(bench: Bench) -> None:
    from openai.lib import responses_tool_runner as own

    call = {
        "type": "function_call",
        "id": "fc",
        "call_id": "c",
        "name": "weather",
        "arguments": '{"city": "Paris"}',
    }
    text = {"type": "output_text", "text": "It is.", "annotations": []}
    message = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    usage = {"input_tokens": 2000, "output_tokens": 500, "total_tokens": 2500}
    about = {"object": "response", "model": "gpt-4.1", "status": "completed", "usage": usage, "tools": []}
    turns = ({**call, "status": "completed"}, message)
    bench.provider.script([Reply({**about, "id": f"r{n}", "output": [item]}) for n, item in enumerate(turns)])

    def weather(arguments: Any, *more: Any) -> str:
        return "sunny"

    async def weather_async(arguments: Any, *more: Any) -> str:
        return "sunny"

    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {
        "type": "function",
        "name": "weather",
        "parameters": {**schema, "additionalProperties": False},
        "strict": True,
    }
    kind, run = (
        (own.AsyncRegisteredFunction, weather_async) if bench.is_async else (own.RegisteredFunction, weather)
    )
    runner = (own.AsyncResponsesToolRunner if bench.is_async else own.ResponsesToolRunner)(
        functions=[kind(tool, run)]
    )
    bench.saw(await bench.wait(runner.run(bench.client, dict(RESPONSES.asked))))
