"""Asking a chat stream for its usage where the program did not, and hiding the extra chunk from it.

Opt-in (`OTEL_LLMCOST_INCLUDE_USAGE=true`), and only for hosts that are known to take the option: others reject it, and
an empty-choices chunk breaks programs that take `choices[0]` of every chunk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from .. import semconv

if TYPE_CHECKING:
    from .observation import Observation

_TAKE_IT = frozenset({semconv.OPENAI, semconv.AZURE_OPENAI})
_OPTION = "stream_options"


def with_usage(observation: Observation, options: Any) -> Any:
    """The request's options, asking for usage; the very same object where nothing is to be added."""
    body = observation.body
    if observation.route.api != "chat_completions" or observation.client.provider not in _TAKE_IT:
        return options
    said = body.get(_OPTION)
    if not body.get("stream") or not isinstance(options.json_data, dict):
        return options
    if isinstance(said, dict) and "include_usage" in said:
        return options
    asking = options.model_copy() if hasattr(options, "model_copy") else options.copy()
    kept = said if isinstance(said, dict) else {}
    asking.json_data = {**options.json_data, _OPTION: {**kept, "include_usage": True}}
    observation.hides_usage = True
    return asking


def hide_usage(stream: Any) -> None:
    """Take the chunk that only carries usage out of what the program iterates over; the stream stays the SDK's own."""
    chunks = getattr(stream, "_iterator", None)
    if chunks is None:
        return
    stream._iterator = _hiding_async(chunks) if hasattr(chunks, "__anext__") else _hiding(chunks)


def _only_usage(chunk: Any) -> bool:
    return getattr(chunk, "choices", None) == [] and getattr(chunk, "usage", None) is not None


def _hiding(chunks: Any) -> Iterator[Any]:
    try:
        for chunk in chunks:
            if not _only_usage(chunk):
                yield chunk
    finally:
        chunks.close()


async def _hiding_async(chunks: Any) -> AsyncIterator[Any]:
    try:
        async for chunk in chunks:
            if not _only_usage(chunk):
                yield chunk
    finally:
        await chunks.aclose()
