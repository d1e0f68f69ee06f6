"""Failures: of the provider, the network, the body, the program; and retries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from otel_llmcost.server.demo_provider import Reply

from .bench import Bench
from .surfaces import CHAT, MESSAGES, RESPONSES, Surface
from .way import ASYNC, Expect, way
from .ways_streams import opened, taker

_WHOLE = (CHAT, MESSAGES, RESPONSES)
_ERRORS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "InternalServerError",
}
_UNBILLED = "not-billed"
_SLOW_DOWN = Reply({"error": {"message": "slow down"}}, status=429, headers={"retry-after-ms": "10"})


def _free(error: str, attempts: int = 1) -> Expect:
    return Expect(Decimal(0), "exact", _UNBILLED, error=error, attempts=attempts)


for _surface in _WHOLE:
    for _status, _error in _ERRORS.items():

        @way(_surface.sdk, _surface.path, f"HTTP {_status}", _free(_error), needs=_surface.path)
        async def http_error(bench: Bench, surface: Surface = _surface, status: int = _status) -> None:
            headers = {"x-demo-status": str(status)}
            await bench.fails(lambda: surface.create(bench.client)(**surface.asked, extra_headers=headers))

    @way(
        _surface.sdk, f"{_surface.path} stream", "HTTP 500", _free("InternalServerError"), needs=_surface.path
    )
    async def stream_error(bench: Bench, surface: Surface = _surface) -> None:
        await bench.fails(lambda: opened(bench, surface, extra_headers={"x-demo-status": "500"}))

    @way(
        _surface.sdk,
        _surface.path,
        "answered at the third attempt",
        Expect(_surface.cost, reason="answered at attempt 3", attempts=3),
        needs=_surface.path,
    )
    async def retried(bench: Bench, surface: Surface = _surface) -> None:
        bench.provider.script([_SLOW_DOWN] * 2)
        client = bench.client.with_options(max_retries=3)
        bench.saw(await bench.wait(surface.create(client)(**surface.asked)))

    @way(
        _surface.sdk,
        f"{_surface.path} stream",
        "answered at the second attempt",
        Expect(_surface.cost, reason="answered at attempt 2", attempts=2),
        needs=_surface.path,
    )
    async def retried_stream(bench: Bench, surface: Surface = _surface) -> None:
        bench.provider.script([_SLOW_DOWN])
        stream = await opened(bench, surface, bench.client.with_options(max_retries=2))
        await bench.each(stream, taker(bench, surface))

    @way(
        _surface.sdk,
        _surface.path,
        "answered after an attempt without an answer",
        Expect(_surface.cost, "partial", "no answer came to 1 before it (", attempts=2),
        needs=_surface.path,
    )
    async def lost(bench: Bench, surface: Surface = _surface) -> None:
        bench.provider.script([Reply({}, delay_s=0.6)])
        client = bench.client.with_options(max_retries=1)
        bench.saw(await bench.wait(surface.create(client)(**surface.asked, timeout=0.3)))

    @way(
        _surface.sdk,
        _surface.path,
        "every attempt fails",
        _free("RateLimitError", attempts=3),
        needs=_surface.path,
    )
    async def all_fail(bench: Bench, surface: Surface = _surface) -> None:
        headers = {"x-demo-status": "429", "x-demo-retry-after": "0.01"}
        client = bench.client.with_options(max_retries=2)
        await bench.fails(lambda: surface.create(client)(**surface.asked, extra_headers=headers))

    @way(
        _surface.sdk,
        _surface.path,
        "time-out",
        Expect(None, "unpriced", "the provider may bill it all the same", error="APITimeoutError"),
        needs=_surface.path,
    )
    async def timed_out(bench: Bench, surface: Surface = _surface) -> None:
        headers = {"x-demo-delay": "0.4"}
        create = surface.create(bench.client)
        await bench.fails(lambda: create(**surface.asked, timeout=0.1, extra_headers=headers))

    @way(
        _surface.sdk,
        _surface.path,
        "no connection",
        Expect(Decimal(0), "exact", "nothing was sent", error="APIConnectionError"),
        needs=_surface.path,
    )
    async def refused(bench: Bench, surface: Surface = _surface) -> None:
        client = bench.make_client(base_url="http://127.0.0.1:9/v1")
        await bench.fails(lambda: surface.create(client)(**surface.asked))

    @way(
        _surface.sdk,
        _surface.path,
        "connection broken in the body",
        Expect(None, "unpriced", error="APIConnectionError"),
        needs=_surface.path,
    )
    async def cut_body(bench: Bench, surface: Surface = _surface) -> None:
        headers = {"x-demo-cut-bytes": "40"}
        await bench.fails(lambda: surface.create(bench.client)(**surface.asked, extra_headers=headers))

    def _seen_so_far(bench: Bench, surface: Surface = _surface) -> tuple[Expect, ...]:
        cost = surface.cost_of(bench.characters, bench.events)
        return (Expect(cost, "estimated", "failed before its usage came", error="RemoteProtocolError"),)

    @way(
        _surface.sdk,
        f"{_surface.path} stream",
        "connection broken after five events",
        after=_seen_so_far,
        needs=_surface.path,
    )
    async def cut_stream(bench: Bench, surface: Surface = _surface) -> None:
        stream = await opened(bench, surface, extra_headers={"x-demo-cut-events": "5"})
        await bench.fails(lambda: bench.each(stream, taker(bench, surface)))

    @way(
        _surface.sdk,
        _surface.path,
        "cancelled before the answer",
        Expect(None, "unpriced", "may bill it", error="CancelledError"),
        needs=_surface.path,
        modes=(ASYNC,),
    )
    async def cancelled(bench: Bench, surface: Surface = _surface) -> None:
        headers = {"x-demo-delay": "0.3"}
        task = asyncio.ensure_future(surface.create(bench.client)(**surface.asked, extra_headers=headers))
        while not bench.provider.requests:
            await asyncio.sleep(0.005)
        task.cancel()
        await bench.fails(lambda: asyncio.gather(task, return_exceptions=True))


# -- bodies that no provider should send

_BODIES: dict[str, Any] = {
    "empty": b"",
    "truncated": b'{"id": "x", "usage": {"prompt_to',
    "null": None,
    "a list": [],
    "a number": 7,
    "an empty object": {},
    "usage of a wrong type": {"usage": "many"},
    "usage a list": {"usage": [1]},
    "usage null": {"usage": None},
    "counts of wrong types": {"usage": {"prompt_tokens": "x", "input_tokens": [], "output_tokens": {}}},
    "counts null": {"usage": {"prompt_tokens": None, "completion_tokens": None, "input_tokens": None}},
    "an error with status 200": {"error": {"message": "overloaded", "type": "server_error"}},
    "nested nonsense": {"choices": [None], "content": [7], "output": {"a": 1}, "usage": {"total_tokens": {}}},
}


def _unknown(bench: Bench, told: str = "") -> tuple[Expect, ...]:
    """Whatever stood in the body: no price, and if the SDK raised, its error, else the one that was `told`."""
    kind = bench.seen[-1][1][0].rpartition(".")[2] if bench.seen[-1][0] == "raised" else told
    return (Expect(None, "unpriced", error=kind),)


for _surface in _WHOLE:
    for _name, _body in _BODIES.items():
        _told = "server_error" if "error" in _name else ""

        @way(
            _surface.sdk,
            _surface.path,
            f"body: {_name}",
            after=partial(_unknown, told=_told),
            needs=_surface.path,
        )
        async def hostile(bench: Bench, surface: Surface = _surface, body: Any = _body) -> None:
            reply = Reply(body, content_type="application/json")
            bench.provider.script([reply])
            await bench.fails(lambda: surface.create(bench.client)(**surface.asked))


def _usage(surface: Surface, read: Any, written: Any) -> Mapping[str, Any]:
    names = ("prompt_tokens", "completion_tokens") if surface is CHAT else ("input_tokens", "output_tokens")
    return dict(zip(names, (read, written), strict=True))


for _surface in _WHOLE:

    @way(
        _surface.sdk,
        _surface.path,
        "negative counts",
        Expect(None, "unpriced", "-5"),
        needs=_surface.path,
    )
    async def negative(bench: Bench, surface: Surface = _surface) -> None:
        headers = {"x-demo-usage": json.dumps(_usage(surface, -5, -7))}
        bench.saw(await bench.wait(surface.create(bench.client)(**surface.asked, extra_headers=headers)))

    @way(
        _surface.sdk,
        _surface.path,
        "huge counts",
        Expect(None, "unpriced", "beyond any credible"),
        needs=_surface.path,
    )
    async def huge_counts(bench: Bench, surface: Surface = _surface) -> None:
        headers = {"x-demo-usage": json.dumps(_usage(surface, 10**30, 10**30))}
        bench.saw(await bench.wait(surface.create(bench.client)(**surface.asked, extra_headers=headers)))

    def _nonsense(bench: Bench, surface: Surface = _surface) -> tuple[Expect, ...]:
        # a whole message or response tells its end
        return (Expect(surface.cost_of(0, 0), "estimated", error="" if surface is CHAT else "api_error"),)

    @way(
        _surface.sdk,
        f"{_surface.path} stream",
        "events of wrong types",
        after=_nonsense,
        needs=_surface.path,
    )
    async def odd_events(bench: Bench, surface: Surface = _surface) -> None:
        events = [
            "[]",
            "7",
            '"text"',
            '{"choices": null, "delta": null, "type": null}',
            '{"choices": [{"delta": {"content": 7, "tool_calls": [null]}}], "type": "content_block_delta"}',
            '{"choices": [7], "type": ["x"]}',
        ]
        body = "".join(f"data: {event}\n\n" for event in events) + "data: [DONE]\n\n"
        bench.provider.script([Reply(body, content_type="text/event-stream")])
        stream = await opened(bench, surface)
        await bench.fails(lambda: bench.each(stream, lambda event: bench.saw(type(event))))
