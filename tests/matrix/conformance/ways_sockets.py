"""Websockets: each answer is a call, whoever reads its events; sessions that tell no usage are visible.

gpt-realtime in USD per million tokens: text 4 in, 0.40 cached, 16 out; audio 32 in, 64 out. gpt-4o-transcribe: audio
6 in, text 10 out (openai.com/api/pricing, checked 2026-11-23).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .bench import Bench
from .surfaces import RESPONSES
from .way import Expect, way

_SPOKEN = (55 * Decimal(4) + 64 * Decimal("0.40") + 13 * 32 + 30 * 16 + 91 * 64) / 10**6
_HEARD = (17 * Decimal(6) + 9 * Decimal(10)) / 10**6
_ASKED = {"type": "response.create", "response": {}}
_SOCKETS = ("websockets",)


def _client(bench: Bench) -> Any:
    return bench.make_client(websocket_base_url=bench.places.sockets.url)


async def _answers(bench: Bench, connection: Any, last: str, count: int = 1) -> None:
    for _ in range(count):
        await bench.wait(connection.send(_ASKED))
        kind = ""
        while kind != last:
            event = await bench.wait(connection.recv())
            kind = event.type
            bench.saw(type(event), event)


@way(
    "openai",
    "realtime",
    "connect: an answer and a transcription",
    Expect(_HEARD),
    Expect(_SPOKEN),
    needs="realtime.connect",
    imports=_SOCKETS,
)
async def realtime(bench: Bench) -> None:
    async def talk(connection: Any) -> None:
        bench.saw(type(connection))
        await _answers(bench, connection, "response.done")

    await bench.within(_client(bench).realtime.connect(model="gpt-realtime"), talk)


@way(
    "openai",
    "realtime",
    "enter(), iterated, an event parsed twice",
    Expect(_HEARD),
    Expect(_SPOKEN),
    needs="realtime.connect",
    imports=_SOCKETS,
)
async def realtime_entered(bench: Bench) -> None:
    connection = await bench.wait(_client(bench).realtime.connect(model="gpt-realtime").enter())
    await bench.wait(connection.send(_ASKED))
    events: list[Any] = []
    await bench.each(connection, events.append, 4)
    raw = await bench.wait(connection.recv_bytes())
    bench.saw(events, connection.parse_event(raw), connection.parse_event(raw))
    await bench.wait(connection.close())


@way(
    "openai",
    "responses",
    "connect: one call for each answer",
    Expect(RESPONSES.cost),
    needs="responses.connect",
    imports=_SOCKETS,
)
async def responses(bench: Bench) -> None:
    async def ask(connection: Any) -> None:
        await _answers(bench, connection, "response.completed")

    await bench.within(_client(bench).responses.connect(), ask)


for _path in ("realtime.translations.connect", "live.connect"):

    @way(
        "openai",
        "visible as unpriced",
        _path,
        Expect(None, "unpriced", "not priced yet"),
        needs=_path,
        imports=_SOCKETS,
    )
    async def opened(bench: Bench, path: str = _path) -> None:
        owner = _client(bench)
        for name in path.split("."):
            owner = getattr(owner, name)

        async def leave(connection: Any) -> None:
            bench.saw(type(connection))

        more = {} if path.startswith("live") else {"model": "gpt-realtime-translate"}
        await bench.within(owner(**more), leave)
