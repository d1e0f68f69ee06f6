"""The clouds' clients: the class decides the provider, whatever host answers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .bench import Bench, has_path
from .surfaces import ASK, CHAT, MESSAGES
from .way import Expect, way
from .ways_streams import taker

_AWS = {"aws_access_key": "none", "aws_secret_key": "none", "aws_region": "us-east-1"}
_SONNET = MESSAGES.cost
_REGIONAL = _SONNET * Decimal("1.1")
"""Bedrock's and Vertex's regional endpoints cost 10% more from Claude Sonnet 4.5 on
(platform.claude.com/docs/en/about-claude/pricing, checked 2026-11-23)."""


def _client(bench: Bench, name: str, **options: Any) -> Any:
    kind = getattr(bench.module, f"Async{name}" if bench.is_async else name)
    return kind(max_retries=0, http_client=bench.make_http_client(), **options)


def _azure(bench: Bench) -> Any:
    url = bench.places.platform.url
    return _client(bench, "AzureOpenAI", azure_endpoint=url, api_key="none", api_version="2024-10-21")


def _bedrock(bench: Bench) -> Any:
    return _client(bench, "AnthropicBedrock", base_url=bench.places.platform.url, **_AWS)


def _vertex(bench: Bench) -> Any:
    url = bench.places.platform.url
    return _client(
        bench, "AnthropicVertex", base_url=url, region="us-east5", project_id="p", access_token="none"
    )


def _foundry(bench: Bench) -> Any:
    return _client(bench, "AnthropicFoundry", base_url=bench.places.platform.url, api_key="none")


@way("openai", "Azure", "chat.completions", Expect(CHAT.cost, provider="azure.ai.openai"))
async def azure(bench: Bench) -> None:
    bench.saw(await bench.wait(_azure(bench).chat.completions.create(**CHAT.asked)))


@way("openai", "Azure", "chat.completions stream", Expect(CHAT.cost, provider="azure.ai.openai"))
async def azure_stream(bench: Bench) -> None:
    create = _azure(bench).chat.completions.create
    await bench.each(await bench.wait(create(**CHAT.asked, **CHAT.streamed, stream=True)), taker(bench, CHAT))


@way("openai", "Azure", "deployment with a name of its own", Expect(CHAT.cost, provider="azure.ai.openai"))
async def azure_deployment(bench: Bench) -> None:
    asked = {"model": "our-deployment", "messages": ASK, "extra_headers": {"x-demo-model": "gpt-4o-mini"}}
    bench.saw(await bench.wait(_azure(bench).chat.completions.create(**asked)))


@way("openai", "Azure", "embeddings", Expect(24 * Decimal("0.02") / 10**6, provider="azure.ai.openai"))
async def azure_embeddings(bench: Bench) -> None:
    call = _azure(bench).embeddings.create
    bench.saw(await bench.wait(call(model="text-embedding-3-small", input=["a", "b"])))


_CLOUDS: tuple[tuple[str, str, str, Callable[[Bench], Any], Decimal], ...] = (
    ("Vertex", "gcp.vertex_ai", "claude-sonnet-4-5@20250929", _vertex, _REGIONAL),
    ("Foundry", "azure.ai.inference", "claude-sonnet-4-5", _foundry, _SONNET),
)
