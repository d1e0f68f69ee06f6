"""Requests that cost nothing, or whose cost nobody can know yet: nothing is counted twice, nothing is silent."""

from __future__ import annotations

from typing import Any

from otel_llmcost.server.demo_provider import Reply

from .bench import Bench, has_path
from .surfaces import ASK, MESSAGES
from .way import Expect, way

_FREE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("openai", "models.list", {}),
    ("openai", "models.retrieve", {"model": "gpt-4o-mini"}),
    ("openai", "files.list", {}),
    ("openai", "files.retrieve", {"file_id": "file_1"}),
    ("openai", "batches.list", {}),
    ("openai", "moderations.create", {"input": "hello"}),
    ("openai", "responses.input_tokens.count", {"model": "gpt-4.1", "input": "hello"}),
    ("openai", "responses.input_items.list", {"response_id": "resp_1"}),
    ("openai", "chat.completions.retrieve", {"completion_id": "chatcmpl-1"}),
    ("openai", "chat.completions.list", {}),
    ("openai", "vector_stores.list", {}),
    ("anthropic", "messages.count_tokens", {"model": "claude-sonnet-4-5", "messages": ASK}),
    ("anthropic", "beta.messages.count_tokens", {"model": "claude-sonnet-4-5", "messages": ASK}),
    ("anthropic", "models.list", {}),
    ("anthropic", "messages.batches.list", {}),
)

for _sdk, _path, _asked in _FREE:

    @way(_sdk, "free", _path, needs=_path)
    async def free(bench: Bench, path: str = _path, asked: dict[str, Any] = _asked) -> None:
        owner = bench.client
        for name in path.split("."):
            owner = getattr(owner, name)
        await bench.fails(lambda: owner(**asked))


_SAID = {"type": "user.message", "content": [{"type": "text", "text": "hello"}]}
_UNPRICED: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("openai", "videos.create", {"prompt": "a cat", "model": "sora-2"}),
    ("openai", "fine_tuning.jobs.create", {"model": "gpt-4o-mini", "training_file": "file_1"}),
    ("openai", "beta.threads.runs.create", {"thread_id": "thread_1", "assistant_id": "asst_1"}),
    ("openai", "beta.threads.create_and_run", {"assistant_id": "asst_1"}),
    ("openai", "beta.agents.sessions.create", {"environment": {"type": "auto"}}),
    ("openai", "beta.agents.sessions.events.create", {"session_id": "s_1", "events": [_SAID]}),
    ("openai", "fine_tuning.alpha.graders.run", {"grader": {"type": "string_check"}, "model_sample": "a"}),
    ("openai", "realtime.calls.accept", {"call_id": "c_1", "type": "realtime"}),
    ("openai", "live.sessions.accept", {"session_id": "s_1", "session": {"model": "gpt-live"}}),
    ("anthropic", "beta.sessions.events.send", {"session_id": "s_1", "events": [_SAID]}),
    ("anthropic", "beta.dreams.create", {"inputs": [], "model": "claude-sonnet-4-5"}),
    ("anthropic", "beta.deployments.run", {"deployment_id": "d_1"}),
)


for _sdk, _path, _asked in _UNPRICED:

    @way(
        _sdk,
        "visible as unpriced",
        _path,
        Expect(None, "unpriced", "not priced yet"),
        needs=_path,
    )
    async def unpriced(bench: Bench, path: str = _path, asked: dict[str, Any] = _asked) -> None:
        bench.provider.script([Reply({"id": "x_1", "object": "x", "model": "sora-2", "status": "queued"})])
        owner = bench.client
        for name in path.split("."):
            owner = getattr(owner, name)
        bench.saw(type(await bench.wait(owner(**asked))))


@way("anthropic", "messages", "unknown model", Expect(None, "unpriced", "no-price"))
async def unknown_model(bench: Bench) -> None:
    asked = {**MESSAGES.asked, "model": "claude-of-next-year-9"}
    bench.saw(await bench.wait(bench.client.messages.create(**asked)))


@way("openai", "chat.completions", "unknown model", Expect(None, "unpriced", "no-price"))
async def unknown_openai_model(bench: Bench) -> None:
    asked = {"model": "gpt-of-next-year", "messages": ASK}
    bench.saw(await bench.wait(bench.client.chat.completions.create(**asked)))


@way("openai", "chat.completions", "own hardware", Expect(None, "unpriced", "local", provider="local"))
async def own_hardware(bench: Bench) -> None:
    client = bench.make_client(base_url=bench.places.platform.openai_url)
    asked = {"model": "gpt-4o-mini", "messages": ASK}
    bench.saw(await bench.wait(client.chat.completions.create(**asked)), has_path(client, "chat"))
