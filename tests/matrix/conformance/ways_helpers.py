"""The SDKs' own helpers around a call: parsing, stream helpers, polling."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from otel_llmcost.server.demo_provider import Reply

from .bench import Bench
from .surfaces import BETA_MESSAGES, CHAT, MESSAGES, RESPONSES, Surface
from .way import Expect, way


class City(BaseModel):
    """What `.parse()` helpers make of an answer."""

    city: str


JSON_ANSWER = '{"city": "Paris"}'


def _json_answer(bench: Bench) -> dict[str, Any]:
    if bench.sdk == "openai":
        message = {"role": "assistant", "content": JSON_ANSWER, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {"extra_headers": {"x-demo-body": json.dumps({"choices": [choice]})}}
    return {
        "extra_headers": {"x-demo-body": json.dumps({"content": [{"type": "text", "text": JSON_ANSWER}]})}
    }


@way("openai", "beta.chat.completions", "parse", Expect(CHAT.cost), needs="beta.chat.completions.parse")
async def beta_parse(bench: Bench) -> None:
    call = bench.client.beta.chat.completions.parse
    answer = await bench.wait(call(**CHAT.asked, response_format=City, **_json_answer(bench)))
    bench.saw(answer, answer.choices[0].message.parsed)


@way("openai", "chat.completions", "parse", Expect(CHAT.cost), needs="chat.completions.parse")
async def chat_parse(bench: Bench) -> None:
    call = bench.client.chat.completions.parse
    answer = await bench.wait(call(**CHAT.asked, response_format=City, **_json_answer(bench)))
    bench.saw(answer, answer.choices[0].message.parsed)


@way("openai", "responses", "parse", Expect(RESPONSES.cost), needs="responses.parse")
async def responses_parse(bench: Bench) -> None:
    text = {"type": "output_text", "text": JSON_ANSWER, "annotations": []}
    item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
    headers = {"x-demo-body": json.dumps({"output": [item]})}
    call = bench.client.responses.parse
    answer = await bench.wait(call(**RESPONSES.asked, text_format=City, extra_headers=headers))
    bench.saw(answer, answer.output_parsed)


@way("anthropic", "messages", "parse", Expect(MESSAGES.cost), needs="messages.parse")
async def messages_parse(bench: Bench) -> None:
    call = bench.client.messages.parse
    answer = await bench.wait(call(**MESSAGES.asked, output_format=City, **_json_answer(bench)))
    bench.saw(answer, answer.parsed_output)


_HELPERS: tuple[tuple[Surface, str, dict[str, Any]], ...] = (
    (CHAT, "chat.completions.stream", {"stream_options": {"include_usage": True}}),
    (CHAT, "beta.chat.completions.stream", {"stream_options": {"include_usage": True}}),
    (RESPONSES, "responses.stream", {}),
    (MESSAGES, "messages.stream", {}),
    (BETA_MESSAGES, "beta.messages.stream", {}),
)


def _helper(bench: Bench, path: str) -> Any:
    owner = bench.client
    for name in path.split("."):
        owner = getattr(owner, name)
    return owner


for _surface, _path, _more in _HELPERS:

    @way(_surface.sdk, _path, "to the end", Expect(_surface.cost), needs=_path)
    async def helper_full(
        bench: Bench, surface: Surface = _surface, path: str = _path, more: dict[str, Any] = _more
    ) -> None:
        async def read(stream: Any) -> None:
            bench.saw(type(stream))
            await bench.each(stream, lambda event: bench.saw(type(event), event))

        await bench.within(_helper(bench, path)(**surface.asked, **more), read)

    @way(_surface.sdk, _path, "the final answer alone", Expect(_surface.cost), needs=_path)
    async def helper_final(
        bench: Bench, surface: Surface = _surface, path: str = _path, more: dict[str, Any] = _more
    ) -> None:
        async def read(stream: Any) -> None:
            name = next(
                name
                for name in ("get_final_completion", "get_final_response", "get_final_message")
                if hasattr(stream, name)
            )
            bench.saw(await bench.wait(getattr(stream, name)()))

        await bench.within(_helper(bench, path)(**surface.asked, **more), read)

    def _left(bench: Bench, surface: Surface = _surface) -> tuple[Expect, ...]:
        cost = surface.cost_of(bench.characters, bench.events)
        return (Expect(cost, "estimated", "left before its usage came"),)

    @way(_surface.sdk, _path, "left at the first event", after=_left, needs=_path)
    async def helper_left(
        bench: Bench, surface: Surface = _surface, path: str = _path, more: dict[str, Any] = _more
    ) -> None:
        async def read(stream: Any) -> None:
            def take(event: Any) -> None:
                bench.events += 1
                bench.saw(event)

            await bench.each(stream, take, 1)

        await bench.within(_helper(bench, path)(**surface.asked, **more), read)


@way("anthropic", "messages.stream", "text_stream", Expect(MESSAGES.cost), needs="messages.stream")
async def text_stream(bench: Bench) -> None:
    async def read(stream: Any) -> None:
        await bench.each(stream.text_stream, bench.saw)

    await bench.within(bench.client.messages.stream(**MESSAGES.asked), read)


# -- polling

_RUN = {
    "id": "run_1",
    "object": "thread.run",
    "thread_id": "thread_1",
    "assistant_id": "asst_1",
    "model": "gpt-4o",
}
_LATER = Expect(None, "unpriced", "not priced yet")


@way("openai", "beta.threads", "create_and_run_poll", _LATER, needs="beta.threads.create_and_run_poll")
async def run_polled(bench: Bench) -> None:
    bench.provider.script(
        [Reply({**_RUN, "status": status}) for status in ("queued", "in_progress", "completed")]
    )
    call = bench.client.beta.threads.create_and_run_poll
    bench.saw(await bench.wait(call(assistant_id="asst_1", poll_interval_ms=1)))


@way("openai", "videos", "create_and_poll", _LATER, needs="videos.create_and_poll")
async def video_polled(bench: Bench) -> None:
    about = {"id": "video_1", "object": "video", "model": "sora-2", "seconds": "4", "size": "720x1280"}
    bench.provider.script([Reply({**about, "status": status}) for status in ("queued", "completed")])
    call = bench.client.videos.create_and_poll
    bench.saw(await bench.wait(call(model="sora-2", prompt="a cat", poll_interval_ms=1)))
