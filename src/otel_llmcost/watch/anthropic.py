"""The anthropic SDK, 0.40 and newer: which of its requests spend money, and who reads their answers.

From 1.15 it emits a span of its own for each call; that span is completed and priced instead of a second one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .. import semconv
from ..call import ESTIMATED_NOTE, PENDING_NOTE, Reading, note
from ..meters import Usage
from ..usage import anthropic as read
from .collectors import AnthropicCollector
from .declaration import Body, Route, Sdk
from .events import messages


def _message(body: Body, request: Body) -> Reading:
    reading = read.read_message(body)
    if "cache_write" in reading.usage and all(line.model == reading.model for line in reading.lines):
        _add_lifetime(reading, set(_lifetimes(request)))
    return reading


def _add_lifetime(reading: Reading, asked: set[str]) -> None:
    """The lifetime of what was written to the cache, of which the answer tells none: the request's, if it has one."""
    if "1h" not in asked:
        return  # five minutes, unless said
    if len(asked) > 1:
        text = "the answer does not say how much was cached for five minutes, how much for an hour"
        reading.notes = (*reading.notes, note(ESTIMATED_NOTE, text))
        return
    reading.usage = _for_an_hour(reading.usage)
    reading.lines = tuple(line._replace(usage=_for_an_hour(line.usage)) for line in reading.lines)


def _for_an_hour(usage: Usage) -> Usage:
    return {("cache_write_1h" if meter == "cache_write" else meter): n for meter, n in usage.items()}


def _lifetimes(asked: object) -> Iterator[str]:
    """Of everything in a request that is to be cached."""
    if isinstance(asked, Mapping):
        wanted = asked.get("cache_control")
        if isinstance(wanted, Mapping):
            yield str(wanted.get("ttl") or "5m")
        for name in ("system", "tools", "messages", "content"):
            yield from _lifetimes(asked.get(name))
    elif isinstance(asked, list | tuple):
        for part in asked:
            yield from _lifetimes(part)


def _batch(body: Body, request: Body) -> Reading:
    reading = _nothing(body, request)
    reading.notes = (note(PENDING_NOTE, "a batch is paid when its results are there"),)
    return reading


def _nothing(body: Body, request: Body) -> Reading:
    model = body.get("model")
    return Reading(model if isinstance(model, str) else "", str(body.get("id") or ""))


_MESSAGES = Route("messages", semconv.CHAT, _message, fold=read.fold_message, collector=AnthropicCollector)
_BATCH = Route("batches", "create_batch", _batch)


def _unpriced(api: str, what: str) -> Route:
    return Route(api, semconv.CHAT, _nothing, unpriced=f"{what}: this surface is not priced yet")


_SESSIONS = _unpriced("sessions", "agent sessions")

SDK = Sdk(
    name="anthropic",
    provider=semconv.ANTHROPIC,
    routes={
        "POST /v1/messages": _MESSAGES,
        "POST /v1/messages?beta=true": _MESSAGES,
        "POST /v1/messages/batches": _BATCH,
        "POST /v1/messages/batches?beta=true": _BATCH,
        "POST /v1/complete": Route(
            "completions",
            semconv.TEXT_COMPLETION,
            _nothing,
            unpriced="the legacy completions API tells no usage",
        ),
    },
    patterns=(
        (re.compile(r"^POST (/.*)?/v1/messages$"), _MESSAGES),
        # a batch's results are fetched from an absolute address, behind a gateway with the gateway's path in it
        (re.compile(r"^POST (/.*)?/v1/messages/batches$"), _BATCH),
        (re.compile(r"^POST (/.*)?/v1/dreams$"), _unpriced("dreams", "dreams")),
        (re.compile(r"^POST (/.*)?/v1/sessions/[^/]+/events$"), _SESSIONS),
        (
            re.compile(r"^POST (/.*)?/v1/deployments/[^/]+/run$"),
            _unpriced("deployments", "runs of deployments"),
        ),
        (
            re.compile(r"^GET (/.*)?/v1/messages/batches/[^/]+/results$"),
            Route("batches", semconv.FETCH_RESPONSE, _message, settles="batch", lines=True),
        ),
    ),
    providers_by_class={
        "AnthropicBedrock": semconv.BEDROCK,
        "AsyncAnthropicBedrock": semconv.BEDROCK,
        "AnthropicBedrockMantle": semconv.BEDROCK,
        "AsyncAnthropicBedrockMantle": semconv.BEDROCK,
        "AnthropicVertex": semconv.VERTEX,
        "AsyncAnthropicVertex": semconv.VERTEX,
        "AnthropicFoundry": semconv.AZURE_INFERENCE,
        "AsyncAnthropicFoundry": semconv.AZURE_INFERENCE,
        "AnthropicAWS": semconv.ANTHROPIC,
        "AsyncAnthropicAWS": semconv.ANTHROPIC,
        "AnthropicGoogleCloud": semconv.ANTHROPIC,
        "AsyncAnthropicGoogleCloud": semconv.ANTHROPIC,
    },
    native_scope="com.anthropic.sdk.python",
    frame=messages,
)
