"""Asking a chat stream for its usage where the program did not, and hiding the extra chunk from it.

Opt-in (`OTEL_LLMCOST_INCLUDE_USAGE=true`), and only for hosts that are known to take the option: others reject it, and
an empty-choices chunk breaks programs that take `choices[0]` of every chunk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from .. import semconv

_TAKE_IT = frozenset({semconv.OPENAI, semconv.AZURE_OPENAI})
_ASKED_BY_OPTION = frozenset({"chat_completions", "completions"})
_OPTION = "stream_options"


def with_usage(options: Any, body: Mapping[str, Any], api: str, provider: str) -> Any:
    """The request's options, asking for usage; the very same object where nothing is to be added."""
    if api != "chat_completions" or provider not in _TAKE_IT:
        return options
    said = body.get(_OPTION)
    if not body.get("stream") or not isinstance(options.json_data, dict):
        return options
    if isinstance(said, dict) and "include_usage" in said:
        return options
    asking = options.model_copy() if hasattr(options, "model_copy") else options.copy()
    kept = said if isinstance(said, dict) else {}
    asking.json_data = {**options.json_data, _OPTION: {**kept, "include_usage": True}}
    return asking


def usage_remedy(body: Mapping[str, Any], api: str, provider: str) -> str:
    """How a stream would tell its usage, "" where there is no way or the program asked for it."""
    said = body.get(_OPTION)
    if api not in _ASKED_BY_OPTION or (isinstance(said, dict) and "include_usage" in said):
        return ""
    option = 'stream_options={"include_usage": True}'
    if api == "chat_completions" and provider in _TAKE_IT:
        return f"{option}, or OTEL_LLMCOST_INCLUDE_USAGE=true"
    return f"{option}, if the host takes it"


def hide_usage(stream: Any) -> None:
    """Take the chunk that only carries usage out of what the program iterates over; the stream stays the SDK's own."""
    chunks = getattr(stream, "_iterator", None)
    if chunks is None:
        return
    stream._iterator = _HidingAsync(chunks) if hasattr(chunks, "__anext__") else _hiding(chunks)


def _only_usage(chunk: Any) -> bool:
    return getattr(chunk, "choices", None) == [] and getattr(chunk, "usage", None) is not None


def _hiding(chunks: Any) -> Iterator[Any]:
    try:
        for chunk in chunks:
            if not _only_usage(chunk):
                yield chunk
    finally:
        chunks.close()


class _HidingAsync:
    """As `body._AsyncChunks`: no generator, which the event loop would close at the same time as the one inside."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: Any) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        while True:
            chunk = await self._chunks.__anext__()
            if not _only_usage(chunk):
                return chunk

    async def aclose(self) -> None:
        await self._chunks.aclose()
