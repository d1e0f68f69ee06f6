"""A program whose every call into us is made to fail: each of our functions that runs inside a user's call, in turn.

The functions are found by watching the interpreter during the calls. A broken function keeps its kind (a generator
fails when it is read, a coroutine when it is awaited). Prints what came out as JSON.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import anthropic
import httpx2
import openai
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

import otel_llmcost

from .replies import InProcess, by_path

PACKAGE = str(Path(otel_llmcost.__file__).parent)
ASK = [{"role": "user", "content": "Where?"}]
COROUTINE, GENERATOR, ASYNC_GENERATOR = 0x80, 0x20, 0x200
CALLS = 10
"""Watched calls in one round of `calls`."""


class Program:
    """The user's program."""

    def __init__(self) -> None:
        transport = InProcess(by_path)
        sync, other = httpx2.Client(transport=transport), httpx2.AsyncClient(transport=transport)
        none: dict[str, Any] = {"api_key": "none", "max_retries": 0}
        self.ai, self.claude = (
            openai.OpenAI(http_client=sync, **none),
            anthropic.Anthropic(http_client=sync, **none),
        )
        self.ai_async = openai.AsyncOpenAI(http_client=other, **none)
        self.claude_async = anthropic.AsyncAnthropic(http_client=other, **none)
        self.chat = {"model": "gpt-4o-mini", "messages": ASK}
        self.told = {**self.chat, "stream": True, "stream_options": {"include_usage": True}}
        self.message = {"model": "claude-sonnet-4-5", "max_tokens": 100, "messages": ASK}
        self.loop = asyncio.new_event_loop()

    def calls(self) -> Iterator[Any]:
        """Every kind of call once; what the program sees of each."""
        yield self.ai.chat.completions.create(**self.chat)
        yield list(self.ai.chat.completions.create(**self.told))
        yield self.ai.chat.completions.with_raw_response.create(**self.chat).http_response.text
        stream = self.ai.responses.create(model="gpt-4.1", input="Where?", stream=True)
        yield next(iter(stream))
        stream.close()
        try:
            self.ai.chat.completions.create(model="gone", messages=ASK)
        except openai.NotFoundError as error:
            yield str(error)
        yield self.claude.messages.create(**self.message)
        yield list(self.claude.messages.create(**self.message, stream=True))
        yield self.loop.run_until_complete(self._async())
        yield self._over_a_socket()

    def _over_a_socket(self) -> Any:
        manager = self.ai.responses.connect()
        manager._connect_ws = lambda *more: None  # the library for websockets need not be there
        connection = manager.enter()
        usage = {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}
        answer = {"id": "resp_w", "object": "response", "model": "gpt-4.1", "output": [], "usage": usage}
        connection.parse_event(json.dumps({"type": "response.created", "response": answer}))
        return connection.parse_event(json.dumps({"type": "response.completed", "response": answer}))

    async def _async(self) -> list[Any]:
        stream = await self.ai_async.chat.completions.create(**self.told)
        events = [event async for event in stream]
        return [events, await self.claude_async.messages.create(**self.message)]

    def seen(self) -> str:
        """One round, as text."""
        try:
            return repr(list(self.calls()))
        except BaseException as error:
            return f"altered: {type(error).__name__}: {error}"


def functions_inside(program: Program) -> list[CodeType]:
    """Code of ours that runs while the program makes its calls."""
    found: dict[CodeType, None] = {}

    def note(frame: Any, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE) and not code.co_name.startswith("<"):
            found[code] = None

    sys.setprofile(note)
    try:
        program.seen()
    finally:
        sys.setprofile(None)
    return list(found)


def failing(code: CodeType) -> CodeType:
    """Code of the same kind, with the same free variables, that raises."""
    names = "".join(f"    {name} = None\n" for name in code.co_freevars)
    uses = "".join(f"        {name}\n" for name in code.co_freevars)
    kind = "async " if code.co_flags & (COROUTINE | ASYNC_GENERATOR) else ""
    yields = "        yield\n" if code.co_flags & (GENERATOR | ASYNC_GENERATOR) else ""
    text = f"def outer():\n{names}    {kind}def f(*args, **kwargs):\n        raise RuntimeError('made to fail')\n"
    outer: dict[str, Any] = {}
    exec(text + yields + uses, outer)
    made = next(one for one in outer["outer"].__code__.co_consts if isinstance(one, CodeType))
    assert made.co_freevars == code.co_freevars, (made.co_freevars, code.co_freevars)
    return made


@contextmanager
def broken(code: CodeType, functions: list[FunctionType]) -> Iterator[None]:
    """Every function with this code fails, those that others make when they run too."""
    bad = failing(code)
    kept = []
    for function in functions:
        held = function.__code__
        if held is code:
            kept.append((function, held))
            function.__code__ = bad
        elif code in held.co_consts:
            kept.append((function, held))
            consts = tuple(bad if one is code else one for one in held.co_consts)
            function.__code__ = held.replace(co_consts=consts)
    try:
        yield
    finally:
        for function, held in kept:
            function.__code__ = held


def rows(folder: str) -> int:
    """Rows in the ledger."""
    from otel_llmcost.ledger.drain import open_up_to_date

    with open_up_to_date(Path(folder)) as store:
        return sum(1 for _ in store.rows())


def main(room: str = "") -> None:
    """Break each function in turn, or those of a room ("budgets/")."""
    logging.getLogger("otel_llmcost").setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.unraisablehook = lambda event: None  # a shell that fails while it is dropped
    trace.set_tracer_provider(TracerProvider())
    metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
    program = Program()
    plain = program.seen()
    otel_llmcost.instrument()
    folder = os.environ["OTEL_LLMCOST_LEDGER"]
    assert program.seen() == plain
    inside = functions_inside(program)
    gc.collect()
    functions = [one for one in gc.get_objects() if isinstance(one, FunctionType) and _ours(one.__code__)]
    gc.freeze()  # not earlier: what is frozen is not listed
    before = rows(folder)
    results = {}
    for code in inside:
        place = f"{Path(code.co_filename).relative_to(PACKAGE)}:{code.co_qualname}"
        if not place.startswith(room):
            continue
        with broken(code, functions):
            seen = program.seen()
            gc.collect()
        now = rows(folder)
        results[place] = {"altered": "" if seen == plain else seen[:300], "rows": now - before}
        before = now
    whole = program.seen() == plain
    gc.collect()
    print(json.dumps({"whole": whole, "last_round": rows(folder) - before, "functions": results}))


def _ours(code: CodeType) -> bool:
    return code.co_filename.startswith(PACKAGE)


if __name__ == "__main__":
    main(*sys.argv[1:])
