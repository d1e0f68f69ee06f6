"""The clouds' clients: the class decides the provider, whatever host answers."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from otel_llmcost.server.demo_provider import Reply, SeenRequest
from otel_llmcost.server.demo_provider.anthropic_messages import message
from otel_llmcost.server.demo_provider.memory import Memory

from .bench import Bench
from .surfaces import ASK, CHAT, MESSAGES
from .way import Expect, way
from .ways_streams import taker

_AWS = {"aws_access_key": "none", "aws_secret_key": "none", "aws_region": "us-east-1"}
_BEARER = {"api_key": "none", "aws_region": "us-east-1"}
_SONNET = MESSAGES.cost
_ANSWERS_AS = "claude-sonnet-4-5-20250929"
"""Whatever a cloud calls the model, the message names it as Anthropic does."""
_REGIONAL = _SONNET * Decimal("1.1")
"""Bedrock's and Vertex's regional endpoints cost 10% more from Claude Sonnet 4.5 on
(platform.claude.com/docs/en/about-claude/pricing, checked 2026-11-23)."""


def _client(bench: Bench, name: str, **options: Any) -> Any:
    kind = getattr(bench.module, f"Async{name}" if bench.is_async else name)
    return kind(max_retries=0, http_client=bench.http_client, **options)


def _azure(bench: Bench) -> Any:
    url = bench.places.platform.url
    return _client(bench, "AzureOpenAI", azure_endpoint=url, api_key="none", api_version="2024-10-21")


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


@dataclass(frozen=True)
class Cloud:
    """A cloud's client for Claude: its class, its options, what it calls the model, what the call costs."""

    kind: str
    provider: str
    model: str
    cost: Decimal
    options: Mapping[str, Any]
    imports: tuple[str, ...] = ()
    event_stream: bool = False
    """Whether its streams are framed as AWS event streams."""


_CLOUDS = (
    Cloud(
        "AnthropicBedrock",
        "aws.bedrock",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        _REGIONAL,
        _AWS,
        ("botocore", "boto3"),
        event_stream=True,
    ),
    Cloud(
        "AnthropicBedrock",
        "aws.bedrock",
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        _SONNET,
        _AWS,
        ("botocore", "boto3"),
        event_stream=True,
    ),
    Cloud(
        "AnthropicBedrockMantle",
        "aws.bedrock",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        _REGIONAL,
        _BEARER,
        ("botocore", "boto3"),
    ),
    Cloud(
        "AnthropicVertex",
        "gcp.vertex_ai",
        "claude-sonnet-4-5@20250929",
        _REGIONAL,
        {"region": "us-east5", "project_id": "p", "access_token": "none"},
        ("google.auth",),
    ),
    Cloud(
        "AnthropicVertex",
        "gcp.vertex_ai",
        "claude-sonnet-4-5@20250929",
        _SONNET,
        {"region": "global", "project_id": "p", "access_token": "none"},
        ("google.auth",),
    ),
    Cloud("AnthropicFoundry", "azure.ai.inference", "claude-sonnet-4-5", _SONNET, {"api_key": "none"}),
    Cloud("AnthropicAWS", "anthropic", "claude-sonnet-4-5", _SONNET, {"workspace_id": "w", **_BEARER}),
    Cloud(
        "AnthropicGoogleCloud",
        "anthropic",
        "claude-sonnet-4-5",
        _SONNET,
        {"project": "p", "location": "us-east5", "workspace_id": "w", "skip_auth": True},
    ),
)


def _as_cloud(cloud: Cloud) -> Callable[[SeenRequest], Reply]:
    """The message of the demo provider, at the cloud's own address and in its own framing."""

    def reply(request: SeenRequest) -> Reply:
        streamed = "stream" in request.path.lower() or request.body.get("stream") is True
        body = {**request.body, "model": _ANSWERS_AS, "stream": streamed}
        made = message(replace(request, body=body), Memory())
        if not (streamed and cloud.event_stream):
            return made
        frames = b"".join(_frame(json.dumps(event.data).encode()) for event in made.events or ())
        return Reply(frames, content_type="application/vnd.amazon.eventstream")

    return reply


def _frame(event: bytes) -> bytes:
    """One message of an AWS event stream: lengths, headers, payload, each part with its checksum."""
    headers = b"".join(
        bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in (
            (b":event-type", b"chunk"),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    payload = json.dumps({"bytes": base64.b64encode(event).decode()}).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


def _open(bench: Bench, cloud: Cloud) -> Any:
    bench.places.platform.script([_as_cloud(cloud)])
    return _client(bench, cloud.kind, base_url=bench.places.platform.url, **cloud.options)


for _cloud in _CLOUDS:
    _title = f"{_cloud.kind.removeprefix('Anthropic')}, {_cloud.options.get('region', _cloud.model)}"
    _expected = Expect(_cloud.cost, provider=_cloud.provider)

    @way("anthropic", _title, "messages", _expected, kind=_cloud.kind, imports=_cloud.imports)
    async def cloud_message(bench: Bench, cloud: Cloud = _cloud) -> None:
        asked = {**MESSAGES.asked, "model": cloud.model}
        bench.saw(await bench.wait(_open(bench, cloud).messages.create(**asked)))

    @way("anthropic", _title, "messages stream", _expected, kind=_cloud.kind, imports=_cloud.imports)
    async def cloud_stream(bench: Bench, cloud: Cloud = _cloud) -> None:
        asked = {**MESSAGES.asked, "model": cloud.model}
        stream = await bench.wait(_open(bench, cloud).messages.create(**asked, stream=True))
        await bench.each(stream, taker(bench, MESSAGES))


@way(
    "openai",
    "Bedrock",
    "chat.completions",
    Expect(None, "unpriced", "no-price", provider="aws.bedrock"),
    kind="BedrockOpenAI",
)
async def bedrock_openai(bench: Bench) -> None:
    url = bench.places.platform.openai_url
    client = _client(bench, "BedrockOpenAI", base_url=url, api_key="none", aws_region="us-east-1")
    bench.saw(await bench.wait(client.chat.completions.create(**CHAT.asked)))
