"""A signal handler of the program that raises in the middle of our work: a time limit, Ctrl-C.

The limit reaches the program, wherever it comes; nothing of ours stays in force; what was answered is counted.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from opentelemetry import context as otel_context

import otel_llmcost
from otel_llmcost.watch.guard import contained
from otel_llmcost.watch.in_context import current

from .conftest import World
from .replies import InProcess, by_path

PACKAGE = str(Path(otel_llmcost.__file__).parent)
ASK = [{"role": "user", "content": "Where?"}]


class TimeLimit(Exception):
    """As Celery's `SoftTimeLimitExceeded`."""


class Interrupt(KeyboardInterrupt):
    """Ctrl-C."""


@pytest.fixture(params=[TimeLimit, Interrupt])
def limit(request: pytest.FixtureRequest) -> Iterator[type[BaseException]]:
    def handler(number: int, frame: FrameType | None) -> None:
        raise request.param

    before = signal.signal(signal.SIGUSR1, handler)
    yield request.param
    signal.signal(signal.SIGUSR1, before)


class Wire:
    """The provider, in this process: how many requests it answered."""

    def __init__(self) -> None:
        self.answered = 0
        http = httpx2.Client(transport=InProcess(self.answer))
        self.ai = openai.OpenAI(api_key="none", max_retries=0, http_client=http)
        self.claude = anthropic.Anthropic(api_key="none", max_retries=0, http_client=http)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.answered += 1
        return by_path(request)

    def chat(self) -> object:
        return self.ai.chat.completions.create(model="gpt-4o-mini", messages=ASK)  # type: ignore[arg-type]

    def stream(self) -> object:
        options: Any = {"stream_options": {"include_usage": True}, "messages": ASK}
        return list(self.ai.chat.completions.create(model="gpt-4o-mini", stream=True, **options))

    def message(self) -> object:
        return self.claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=ASK)  # type: ignore[arg-type]


SEAMS = {
    # between two steps that are guarded, each a few instructions: what comes there may lose the call, not the limit
    "guarded",
    "Engine.conclude",
    "CallSpans.start",
    "Settler.settle",
    "Settler._tell",
    "Exchange.ended",
    "Observation.open",
    "Observation.finish",
    "_closed",
    "_wrap_request.<locals>.request",
}


def interrupted_at(step: int, work: Callable[[], object]) -> tuple[str, str]:
    """Do the work; the signal comes when our package enters or leaves a function for the `step`th time.

    The event and the function where it came, ("", "") where the work was over before.
    """
    left = step
    where = ("", "")

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal left, where
        if event in ("call", "return") and frame.f_code.co_filename.startswith(PACKAGE):
            left -= 1
            if left < 0 and not where[0]:
                where = event, frame.f_code.co_qualname
                signal.raise_signal(signal.SIGUSR1)

    sys.setprofile(count)
    try:
        work()
    except (TimeLimit, Interrupt):
        return "raised", where[1]
    finally:
        sys.setprofile(None)
    return where


@pytest.mark.parametrize("way", ["chat", "stream", "message"])
def test_wherever_a_limit_comes_it_reaches_the_program(
    world: World, limit: type[BaseException], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored: list[object] = []  # Python itself keeps what is raised while something is dropped
    monkeypatch.setattr(sys, "unraisablehook", lambda event: ignored.append(event.exc_value))
    wire = Wire()
    work = getattr(wire, way)
    work()
    outside, failures = otel_context.get_current(), contained()
    counted, open_spans, lost, swallowed = len(world.calls), 0, set(), set()
    for step in range(2_000):
        before = wire.answered
        event, function = interrupted_at(step, work)
        if not event:
            break
        if event != "raised" and not ignored:
            swallowed.add(function)
        ignored.clear()
        assert current.get() is None, function
        assert otel_context.get_current() is outside, function
        if wire.answered - before > len(world.calls) - counted or len(world.spans.open) > open_spans:
            lost.add(function)
        counted, open_spans = len(world.calls), len(world.spans.open)
    assert step > 150
    assert swallowed == set()
    assert lost <= SEAMS
    assert contained() == failures
    world.spans.clear()
