"""Streams: read to the end, left, dropped, closed, failed and cancelled, on every surface that streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from otel_llmcost.server.demo_provider import Reply

from .bench import Bench
from .surfaces import CHAT, SURFACES, Surface
from .way import ASYNC, BOTH, Expect, way

Taker = Callable[[Any], None]
Run = Callable[[Bench, Surface], Awaitable[None]]
_CANCELLED = "cancelled inside __anext__"
LEFT = 4
"""Events that are read of a stream that is left early."""


class ConsumerError(Exception):
    """What the program itself raises while it reads a stream."""


def taker(bench: Bench, surface: Surface) -> Taker:
    """Shows an event to the witness."""

    def take(event: Any) -> None:
        bench.events += 1
        bench.characters += len(surface.text(event))
        bench.saw(event)

    return take


async def opened(bench: Bench, surface: Surface, client: Any = None, **more: Any) -> Any:
    """A stream that nobody has read yet."""
    create = surface.create(client if client is not None else bench.client)
    stream = await bench.wait(create(**surface.asked, **surface.streamed, stream=True, **more))
    bench.saw(type(stream))
    return stream


async def full(bench: Bench, surface: Surface) -> None:
    await bench.each(await opened(bench, surface), taker(bench, surface))


async def break_dropped(bench: Bench, surface: Surface) -> None:
    await bench.each(await opened(bench, surface), taker(bench, surface), LEFT)


async def break_kept(bench: Bench, surface: Surface) -> None:
    stream = await opened(bench, surface)
    await bench.each(stream, taker(bench, surface), LEFT)
    bench.switch.program_ends()
    del stream


async def closed(bench: Bench, surface: Surface) -> None:
    stream = await opened(bench, surface)
    await bench.each(stream, taker(bench, surface), LEFT)
    await bench.wait(stream.close())


async def closed_twice_after_end(bench: Bench, surface: Surface) -> None:
    stream = await opened(bench, surface)
    await bench.each(stream, taker(bench, surface))
    for _ in range(2):
        await bench.wait(stream.close())


async def context_left_early(bench: Bench, surface: Surface) -> None:
    async def read(stream: Any) -> None:
        await bench.each(stream, taker(bench, surface), LEFT)

    await bench.within(await opened(bench, surface), read)


async def context_to_the_end(bench: Bench, surface: Surface) -> None:
    async def read(stream: Any) -> None:
        await bench.each(stream, taker(bench, surface))

    await bench.within(await opened(bench, surface), read)


async def never_read(bench: Bench, surface: Surface) -> None:
    await opened(bench, surface)


async def closed_unread(bench: Bench, surface: Surface) -> None:
    stream = await opened(bench, surface)
    await bench.wait(stream.close())


async def consumer_fails(bench: Bench, surface: Surface) -> None:
    take, count = taker(bench, surface), 0

    def failing(event: Any) -> None:
        nonlocal count
        take(event)
        count += 1
        if count == LEFT:
            raise ConsumerError("the program's own")

    async def read() -> None:
        await bench.each(await opened(bench, surface), failing)

    await bench.fails(read)


async def by_next(bench: Bench, surface: Surface) -> None:
    stream, take = await opened(bench, surface), taker(bench, surface)
    while True:
        try:
            take(await anext(stream) if bench.is_async else next(stream))
        except (StopIteration, StopAsyncIteration):
            return


def _cancelled(pause: bool) -> Run:
    async def run(bench: Bench, surface: Surface) -> None:
        first, forever = asyncio.Event(), asyncio.Event()
        take = taker(bench, surface)

        async def read() -> None:
            async for event in await opened(bench, surface, extra_headers={"x-demo-event-delay": "0.05"}):
                take(event)
                first.set()
                if pause:
                    await forever.wait()

        task = asyncio.ensure_future(read())
        await first.wait()
        await asyncio.sleep(0)
        task.cancel()
        await bench.fails(lambda: asyncio.gather(task, return_exceptions=True))

    return run


CONSUMED: tuple[tuple[str, Run, tuple[str, ...]], ...] = (
    ("iterated to the end", full, BOTH),
    ("iterated with next()", by_next, BOTH),
    ("with, to the end", context_to_the_end, BOTH),
    ("closed again after the end", closed_twice_after_end, BOTH),
)
LEFT_EARLY: tuple[tuple[str, Run, tuple[str, ...]], ...] = (
    ("break, dropped", break_dropped, BOTH),
    ("break, kept until exit", break_kept, BOTH),
    ("closed early", closed, BOTH),
    ("with, left early", context_left_early, BOTH),
    ("never iterated, dropped", never_read, BOTH),
    ("never iterated, closed", closed_unread, BOTH),
    ("exception in the consumer", consumer_fails, BOTH),
    (_CANCELLED, _cancelled(pause=False), (ASYNC,)),
    ("cancelled in the consumer's body", _cancelled(pause=True), (ASYNC,)),
)


def _add(surface: Surface, name: str, run: Run, modes: tuple[str, ...], whole: bool) -> None:
    def left(bench: Bench) -> tuple[Expect, ...]:
        cost = surface.cost_of(bench.characters, bench.events)
        error = "CancelledError" if name == _CANCELLED else ""
        return (Expect(cost, "estimated", "left before its usage came", error=error),)

    settled = {"after": None if whole else left}
    expected = (Expect(surface.cost),) if whole else ()

    @way(surface.sdk, f"{surface.path} stream", name, *expected, needs=surface.path, modes=modes, **settled)
    async def run_way(bench: Bench) -> None:
        await run(bench, surface)


for _surface in SURFACES:
    for _name, _run, _modes in CONSUMED:
        _add(_surface, _name, _run, _modes, whole=True)
    if _surface.path == "completions":
        continue  # the legacy stream has one piece: nothing is left to leave
    for _name, _run, _modes in LEFT_EARLY:
        _add(_surface, _name, _run, _modes, whole=False)


# -- what comes over the wire


for _surface in SURFACES:
    for _name, _wishes in (
        ("gzip", {"x-demo-gzip": "1"}),
        ("in writes of 33 bytes", {"x-demo-split": "33"}),
        ("gzip in writes of 33 bytes", {"x-demo-gzip": "1", "x-demo-split": "33"}),
        ("1,000 events", {"x-demo-chunks": "1000"}),
    ):
        if "1,000" in _name and _surface is not CHAT:
            continue

        @way(_surface.sdk, f"{_surface.path} stream", _name, Expect(_surface.cost), needs=_surface.path)
        async def wire(bench: Bench, surface: Surface = _surface, wishes: dict[str, str] = _wishes) -> None:
            events: list[Any] = []
            await bench.each(await opened(bench, surface, extra_headers=wishes), events.append)
            bench.saw(len(events), "".join(surface.text(event) for event in events), events[-1])


def _usage_missing(bench: Bench) -> tuple[Expect, ...]:
    return (Expect(CHAT.cost_of(bench.characters, bench.events), "estimated", "the stream carried no usage"),)


@way("openai", "chat.completions stream", "without include_usage", after=_usage_missing)
async def without_usage(bench: Bench) -> None:
    stream = await bench.wait(CHAT.create(bench.client)(**CHAT.asked, stream=True))
    await bench.each(stream, taker(bench, CHAT))


@way("openai", "chat.completions stream", "several usages: the last one counts", Expect(CHAT.cost))
async def several_usages(bench: Bench) -> None:
    def chunk(count: int, text: str = "") -> str:
        usage = {"prompt_tokens": 1200, "completion_tokens": count, "total_tokens": 1200 + count}
        choices = [{"index": 0, "delta": {"content": text}, "finish_reason": None}] if text else []
        body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
        return f"data: {json.dumps({**body, 'choices': choices, 'usage': usage})}\n\n"

    body = chunk(100, "one") + chunk(200, "two") + chunk(300) + "data: [DONE]\n\n"
    bench.provider.script([Reply(body, content_type="text/event-stream")])
    await bench.each(await opened(bench, CHAT), taker(bench, CHAT))
