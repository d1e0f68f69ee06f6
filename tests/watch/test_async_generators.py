"""The event loop closes every asynchronous generator at its end, all at once: none of them is ours."""

from __future__ import annotations

import asyncio
import sys
from types import AsyncGeneratorType
from typing import Any

import openai
import pytest

from otel_llmcost.server.demo_provider import DemoProvider

from .conftest import World

ASKED: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Why?"}], "stream": True}


async def _read(base_url: str, limit: int) -> tuple[int, list[str]]:
    """Events read, and the files of the asynchronous generators that began."""
    begun: list[str] = []

    def note(generator: AsyncGeneratorType[Any, Any]) -> None:
        begun.append(generator.ag_code.co_filename)

    kept = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(firstiter=note, finalizer=kept.finalizer)
    count = 0
    try:
        async with openai.AsyncOpenAI(api_key="none", max_retries=0, base_url=base_url) as client:
            stream = await client.chat.completions.create(**ASKED)
            async for _ in stream:
                count += 1
                if count == limit:
                    break
            await stream.close()
    finally:
        sys.set_asyncgen_hooks(*kept)
    return count, begun


@pytest.mark.parametrize("include_usage", [False, True])
@pytest.mark.parametrize("limit", [2, 1000])
def test_none_is_ours(world: World, include_usage: bool, limit: int) -> None:
    world.engine.include_usage = include_usage
    with DemoProvider() as provider:
        world.engine.clients.host_map = {f"127.0.0.1:{provider.port}": "openai"}
        count, begun = asyncio.run(_read(provider.openai_url, limit))
        asked = provider.requests[-1].body.get("stream_options")
    assert asked == ({"include_usage": True} if include_usage else None)
    assert count > 1
    assert any("openai" in file for file in begun)
    assert [file for file in begun if "otel_llmcost" in file] == []
    assert len(world.calls) == 1
    status = world.last[1].status
    assert status == ("exact" if include_usage and limit > 2 else "estimated")
