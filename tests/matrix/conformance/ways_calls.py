"""Calls with a whole answer: raw and streaming responses, and clients of every kind."""

from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from .bench import Bench
from .surfaces import CHAT, COMPLETIONS, MESSAGES, RESPONSES, SURFACES, Surface
from .way import SYNC, Expect, way

_WHOLE = (CHAT, MESSAGES, RESPONSES)


async def create(bench: Bench, surface: Surface, client: Any = None, **more: Any) -> Any:
    """A call with a whole answer, shown to the witness."""
    owner = client if client is not None else bench.client
    answer = await bench.wait(surface.create(owner)(**surface.asked, **more))
    bench.saw(answer)
    return answer


for _surface in SURFACES:

    @way(_surface.sdk, _surface.path, "create", Expect(_surface.cost), needs=_surface.path)
    async def plain(bench: Bench, surface: Surface = _surface) -> None:
        await create(bench, surface)

    @way(_surface.sdk, _surface.path, "with_options", Expect(_surface.cost), needs=_surface.path)
    async def options(bench: Bench, surface: Surface = _surface) -> None:
        await create(bench, surface, bench.client.with_options(timeout=20, max_retries=1))

    @way(_surface.sdk, _surface.path, "with_raw_response, parsed", Expect(_surface.cost), needs=_surface.path)
    async def raw(bench: Bench, surface: Surface = _surface) -> None:
        response = await _raw(bench, surface)
        first, second = await bench.wait(response.parse()), await bench.wait(response.parse())
        bench.saw(first, first is second, response.status_code, dict(response.headers).keys() >= {"server"})

    @way(_surface.sdk, _surface.path, "with_raw_response, unread", Expect(_surface.cost), needs=_surface.path)
    async def raw_unread(bench: Bench, surface: Surface = _surface) -> None:
        response = await _raw(bench, surface)
        bench.saw(response.http_response.text)

    @way(
        _surface.sdk,
        f"{_surface.path} stream",
        "with_raw_response",
        Expect(_surface.cost),
        needs=_surface.path,
    )
    async def raw_stream(bench: Bench, surface: Surface = _surface) -> None:
        response = await _raw(bench, surface, stream=True, **surface.streamed)
        await bench.each(await bench.wait(response.parse()), bench.saw)


async def _raw(bench: Bench, surface: Surface, **more: Any) -> Any:
    owner: Any = surface.create(bench.client).__self__
    response = await bench.wait(owner.with_raw_response.create(**surface.asked, **more))
    bench.saw(type(response))
    return response


_READINGS = ("read", "iter_bytes", "iter_lines", "iter_text", "parse", "json", "text")

for _surface in _WHOLE:
    for _reading in _READINGS:

        @way(
            _surface.sdk,
            _surface.path,
            f"with_streaming_response, {_reading}",
            Expect(_surface.cost),
            needs=_surface.path,
        )
        async def streaming_response(
            bench: Bench, surface: Surface = _surface, reading: str = _reading
        ) -> None:
            owner: Any = surface.create(bench.client).__self__

            async def read(response: Any) -> None:
                bench.saw(type(response))
                result = getattr(response, reading)()
                if reading.startswith("iter_"):
                    pieces: list[Any] = []
                    await bench.each(result, pieces.append)
                    empty = b"" if reading == "iter_bytes" else ""
                    bench.saw(empty.join(pieces))
                else:
                    bench.saw(await bench.wait(result))

            await bench.within(owner.with_streaming_response.create(**surface.asked), read)

    @way(
        _surface.sdk,
        f"{_surface.path} stream",
        "with_streaming_response, bytes",
        Expect(_surface.cost),
        needs=_surface.path,
    )
    async def streamed_bytes(bench: Bench, surface: Surface = _surface) -> None:
        owner: Any = surface.create(bench.client).__self__

        async def read(response: Any) -> None:
            pieces: list[bytes] = []
            await bench.each(response.iter_bytes(), pieces.append)
            bench.saw(b"".join(pieces))

        asked = {**surface.asked, **surface.streamed, "stream": True}
        await bench.within(owner.with_streaming_response.create(**asked), read)

    @way(
        _surface.sdk,
        _surface.path,
        "with_streaming_response, left unread",
        Expect(None, "unpriced", "no-usage"),
        needs=_surface.path,
    )
    async def left_unread(bench: Bench, surface: Surface = _surface) -> None:
        owner: Any = surface.create(bench.client).__self__

        async def leave(response: Any) -> None:
            bench.saw(response.status_code)

        await bench.within(owner.with_streaming_response.create(**surface.asked), leave)

    # -- clients

    @way(
        _surface.sdk, _surface.path, "client made before watching", Expect(_surface.cost), needs=_surface.path
    )
    async def early(bench: Bench, surface: Surface = _surface) -> None:
        await create(bench, surface, bench.early_client)

    @way(
        _surface.sdk,
        _surface.path,
        "method bound before watching",
        Expect(_surface.cost),
        needs=_surface.path,
    )
    async def bound(bench: Bench, surface: Surface = _surface) -> None:
        bench.switch.off()
        method = surface.create(bench.early_client)
        bench.switch.on()
        bench.saw(await bench.wait(method(**surface.asked)))

    @way(_surface.sdk, _surface.path, "after uninstrument", needs=_surface.path)
    async def off(bench: Bench, surface: Surface = _surface) -> None:
        bench.switch.off()
        try:
            await create(bench, surface)
        finally:
            bench.switch.on()

    @way(_surface.sdk, _surface.path, "instrumented again", Expect(_surface.cost), needs=_surface.path)
    async def again(bench: Bench, surface: Surface = _surface) -> None:
        for _ in range(3):
            bench.switch.off()
            bench.switch.on()
            bench.switch.on()
        await create(bench, surface)

    @way(_surface.sdk, _surface.path, "copied and pickled", Expect(_surface.cost), needs=_surface.path)
    async def copied(bench: Bench, surface: Surface = _surface) -> None:
        answer = await create(bench, surface)
        bench.saw(copy.copy(answer), copy.deepcopy(answer), pickle.loads(pickle.dumps(answer)))
        bench.saw(answer == copy.deepcopy(answer), isinstance(answer, BaseModel))

    @way(_surface.sdk, _surface.path, "raw response pickled", Expect(_surface.cost), needs=_surface.path)
    async def pickled(bench: Bench, surface: Surface = _surface) -> None:
        response = (await _raw(bench, surface)).http_response
        bench.saw(pickle.loads(pickle.dumps(response)).text)

    @way(_surface.sdk, _surface.path, "dict in extra_body", Expect(_surface.cost), needs=_surface.path)
    async def extra_body(bench: Bench, surface: Surface = _surface) -> None:
        await create(bench, surface, extra_body={"vendor_option": {"a": [1]}})

    @way(_surface.sdk, _surface.path, "subclass of the client", Expect(_surface.cost), needs=_surface.path)
    async def subclass(bench: Bench, surface: Surface = _surface) -> None:
        kind = type("Own", (type(bench.client),), {})
        client = kind(api_key="sk", base_url=bench.base_url, http_client=bench.http_client)
        await create(bench, surface, client)


@way("openai", "chat.completions", "client.post, absolute address", Expect(CHAT.cost))
async def post_absolute(bench: Bench) -> None:
    url = f"{bench.base_url}/chat/completions"
    bench.saw(await bench.wait(bench.client.post(url, body=dict(CHAT.asked), cast_to=dict[str, object])))


@way("anthropic", "messages", "client.post", Expect(MESSAGES.cost))
async def post(bench: Bench) -> None:
    bench.saw(
        await bench.wait(
            bench.client.post("/v1/messages", body=dict(MESSAGES.asked), cast_to=dict[str, object])
        )
    )


@way("openai", "chat.completions", "module-level client", Expect(CHAT.cost), modes=(SYNC,))
async def module_level(bench: Bench) -> None:
    module = bench.module
    # the module, unlike a client, joins base and path as they stand
    module.api_key, module.base_url, module.http_client = "sk", f"{bench.base_url}/", bench.http_client
    await create(bench, CHAT, module)


@way("openai", "embeddings", "create, base64 and floats", *[Expect(24 * Decimal("0.02") / 10**6)] * 2)
async def embeddings(bench: Bench) -> None:
    for more in ({}, {"encoding_format": "float"}):
        call = bench.client.embeddings.create
        bench.saw(await bench.wait(call(model="text-embedding-3-small", input=["a", "b"], **more)))


@way("openai", "completions", "several prompts", Expect(COMPLETIONS.cost))
async def prompts(bench: Bench) -> None:
    asked = {**COMPLETIONS.asked, "prompt": ["a", "b"]}
    bench.saw(await bench.wait(bench.client.completions.create(**asked)))


@way("openai", "chat.completions", "refusal", Expect(CHAT.cost))
async def refusal(bench: Bench) -> None:
    message = {"role": "assistant", "content": None, "refusal": "I cannot help with that."}
    choice = {"index": 0, "message": message, "finish_reason": "content_filter", "logprobs": None}
    headers = {"x-demo-body": json.dumps({"choices": [choice]})}
    await create(bench, CHAT, extra_headers=headers)


@way("anthropic", "messages", "refusal", Expect(MESSAGES.cost))
async def refused_message(bench: Bench) -> None:
    await create(bench, MESSAGES, extra_headers={"x-demo-body": json.dumps({"stop_reason": "refusal"})})
