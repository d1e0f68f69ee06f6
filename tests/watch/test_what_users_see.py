"""What the program sees is the SDK's own: signatures, names, coroutines, exceptions, the context around a call."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
import traceback
from typing import Any
from unittest import mock

import anthropic
import httpx2
import openai
import openai._base_client
import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace

from .conftest import WATCHED, World
from .replies import InProcess, by_path

ASK = [{"role": "user", "content": "Where?"}]
SEAM = (
    ("SyncAPIClient", "request"),
    ("AsyncAPIClient", "request"),
    ("SyncAPIClient", "_process_response"),
    ("AsyncAPIClient", "_process_response"),
    ("BaseClient", "_process_response_data"),
)


def sync_client() -> openai.OpenAI:
    http = httpx2.Client(transport=InProcess(by_path))
    return openai.OpenAI(api_key="none", max_retries=0, http_client=http)


def async_client() -> openai.AsyncOpenAI:
    http = httpx2.AsyncClient(transport=InProcess(by_path))
    return openai.AsyncOpenAI(api_key="none", max_retries=0, http_client=http)


def seam() -> dict[tuple[str, str, str], Any]:
    return {
        (sdk.name, owner, name): vars(getattr(module, owner))[name]
        for sdk, module in WATCHED
        for owner, name in SEAM
    }


def test_the_seam_looks_as_it_did(world: World) -> None:
    watched = seam()
    world.unwatch()
    for place, original in seam().items():
        replacement = watched[place]
        assert replacement is not original
        assert inspect.signature(replacement) == inspect.signature(original)
        assert inspect.iscoroutinefunction(replacement) == inspect.iscoroutinefunction(original), place
        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            assert getattr(replacement, name) == getattr(original, name)


@pytest.mark.parametrize("name", ["request", "_process_response", "_sleep_for_retry"])
def test_what_stands_in_for_a_function_is_of_its_kind(world: World, name: str) -> None:
    for owner in (openai._base_client.AsyncAPIClient, anthropic._base_client.AsyncAPIClient):
        assert inspect.iscoroutinefunction(getattr(owner, name))
        with mock.patch.object(owner, name) as stand_in:
            assert isinstance(stand_in, mock.AsyncMock)
    for owner in (openai._base_client.SyncAPIClient, anthropic._base_client.SyncAPIClient):
        assert not inspect.iscoroutinefunction(getattr(owner, name))
    request = openai._base_client.AsyncAPIClient.request
    assert request.__kwdefaults__ == inspect.unwrap(request).__kwdefaults__


def test_afterwards_the_very_functions_are_back(world: World) -> None:
    world.unwatch()
    before = seam()
    for _ in range(3):
        world.watch()
        world.unwatch()
    assert seam() == before


def test_watching_twice_counts_once(world: World) -> None:
    world.watch()
    sync_client().chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert len(world.calls) == 1


def test_somebody_who_wrapped_us_since_is_left_alone(world: World) -> None:
    kind = openai._base_client.SyncAPIClient
    ours = kind.request
    heard = []

    def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        heard.append(args)
        return ours(self, *args, **kwargs)

    kind.request = theirs  # type: ignore[method-assign]
    try:
        world.unwatch()
        assert kind.request is theirs
        world.engine.active.clear()
        sync_client().chat.completions.create(model="gpt-4o-mini", messages=ASK)
        assert len(heard) == 1
        assert world.calls == []
    finally:
        kind.request = inspect.unwrap(ours)  # type: ignore[method-assign]


def test_no_additional_await(world: World) -> None:
    def steps() -> int:
        """How often a call gives up control until it is done."""
        loop = asyncio.new_event_loop()
        counted = 0

        async def call() -> None:
            nonlocal counted
            made = client.chat.completions.create(model="gpt-4o-mini", messages=ASK).__await__()
            for _ in made:
                counted += 1
                await asyncio.sleep(0)

        client = async_client()
        loop.run_until_complete(call())
        loop.close()
        return counted

    watched = steps()
    world.unwatch()
    assert watched == steps()


def test_no_span_stays_current(world: World) -> None:
    before = otel_context.get_current()
    client = sync_client()
    client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)
    assert not trace.get_current_span().get_span_context().is_valid
    for _ in stream:
        assert not trace.get_current_span().get_span_context().is_valid
    assert otel_context.get_current() == before


def test_a_traceback_has_one_frame_of_ours(world: World) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        sync_client().chat.completions.create(model="gone", messages=ASK)
    frames = [
        frame
        for frame in traceback.extract_tb(raised.value.__traceback__)
        if "otel_llmcost" in frame.filename
    ]
    assert [frame.name for frame in frames] == ["request"]
    assert raised.value.__context__ is None or isinstance(raised.value.__context__, httpx2.HTTPStatusError)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_answers_and_streams_are_the_sdks_own(world: World) -> None:
    client = sync_client()
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert type(answer) is openai.types.chat.ChatCompletion
    assert pickle.loads(pickle.dumps(answer)) == copy.deepcopy(answer) == answer
    stream = client.chat.completions.create(model="gpt-4o-mini", messages=ASK, stream=True)
    assert type(stream) is openai.Stream
    list(stream)
    http = httpx2.Client(transport=InProcess(by_path))
    claude = anthropic.Anthropic(api_key="none", http_client=http)
    message = claude.messages.create(model="claude-sonnet-4-5", max_tokens=9, messages=ASK)
    assert type(message) is anthropic.types.Message
    assert len(world.calls) == 3


def test_clients_are_not_kept_alive(world: World) -> None:
    import gc
    import weakref

    client = sync_client()
    client.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None


def test_only_the_named_client_is_watched(world: World) -> None:
    world.engine.active.clear()
    watched, other = sync_client(), sync_client()
    world.engine.only.add(watched)
    other.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert world.calls == []
    watched.chat.completions.create(model="gpt-4o-mini", messages=ASK)
    watched.with_options(timeout=3).chat.completions.create(model="gpt-4o-mini", messages=ASK)
    assert len(world.calls) == 2
