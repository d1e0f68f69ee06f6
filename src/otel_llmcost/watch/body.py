"""Learning that the body of a response ended, whichever way the program lets go of it.

The byte stream of the response is replaced by one that reports its end once: read to the end, closed, failed or
dropped. A body that is in memory already never touches its byte stream, so there the iterators are wrapped.
httpx and httpx2 are told apart by the objects at hand and never imported.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from types import FrameType
from typing import Any

from .guard import guarded

Ended = Callable[[BaseException | None, bool], None]
"""Called with (error or None, whether the body was read to its end)."""
_TEE_CAP = 16 * 1024 * 1024
_GENERATOR = "__stream__"
"""The method of the SDKs' streams that reads events, and closes the body whatever it raises."""

_FRAMES = 12
"""How many functions stand between that method and the close of the body, at most."""

_now = time.time_ns
_stream_classes: dict[type, type] = {}


class _Watched:
    """What the byte streams of both kinds share."""

    _llmcost_inner: Any
    _llmcost_ended: Ended
    _llmcost_tee: list[bytes] | None
    _llmcost_size: int
    _llmcost_heard: list[int]
    """When a chunk came last, in ns since the epoch: an abandoned stream may be found much later."""

    def _llmcost_copy(self, chunk: bytes) -> None:
        if self._llmcost_tee is not None and self._llmcost_size < _TEE_CAP:
            self._llmcost_size += len(chunk)
            self._llmcost_tee.append(chunk)

    @property
    def elapsed(self) -> Any:
        # httpx2.Response.elapsed reads it from its stream
        return getattr(self._llmcost_inner, "elapsed", None)

    def __iter__(self) -> Iterator[bytes]:
        try:
            heard = self._llmcost_heard
            for chunk in self._llmcost_inner:
                heard[0] = _now()
                if self._llmcost_tee is not None:
                    guarded(self._llmcost_copy, chunk)
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            guarded(self._llmcost_ended, error, False)
            raise
        guarded(self._llmcost_ended, None, True)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _AsyncChunks(self, self._llmcost_inner.__aiter__())

    def close(self) -> None:
        try:
            self._llmcost_inner.close()
        finally:
            guarded(_closed, self._llmcost_ended)

    async def aclose(self) -> None:
        try:
            await self._llmcost_inner.aclose()
        finally:
            guarded(_closed, self._llmcost_ended)

    def __del__(self) -> None:
        ended = getattr(self, "_llmcost_ended", None)
        if ended is not None:
            guarded(ended, None, False)


def _closed(ended: Ended, read: bool = False) -> None:
    ended(guarded(_raised_by_the_stream), read or guarded(_read_by_the_stream) is True)


def _raised_by_the_stream() -> BaseException | None:
    """What the SDK's stream raises over an event (the provider's error, a chunk that is no JSON) while it closes.

    What the program has in hand when it closes is its own business: that traceback begins in the program.
    """
    raised = sys.exception()
    if raised is None or isinstance(raised, GeneratorExit) or raised.__traceback__ is None:
        return None
    return raised if raised.__traceback__.tb_frame.f_code.co_name == _GENERATOR else None


def _read_by_the_stream() -> bool:
    """Whether the SDK's stream closes the body because it came to its end: it reads no further than `[DONE]`."""
    if isinstance(sys.exception(), GeneratorExit):
        return False
    frame: FrameType | None = sys._getframe(1)
    for _ in range(_FRAMES):
        if frame is None:
            break
        if frame.f_code.co_name == _GENERATOR:
            return True
        frame = frame.f_back
    return False


class _AsyncChunks:
    """The chunks of an async body, in the program's own task.

    No generator: where the event loop ends first, it closes all of them at once, and one that closes another fails.
    """

    __slots__ = ("_body", "_chunks")

    def __init__(self, body: _Watched, chunks: AsyncIterator[bytes]) -> None:
        self._body, self._chunks = body, chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        body = self._body
        try:
            chunk = await self._chunks.__anext__()
        except GeneratorExit:
            raise
        except StopAsyncIteration:
            guarded(body._llmcost_ended, None, True)
            raise
        except BaseException as error:
            guarded(body._llmcost_ended, error, False)
            raise
        body._llmcost_heard[0] = _now()
        if body._llmcost_tee is not None:
            guarded(body._llmcost_copy, chunk)
        return chunk

    async def aclose(self) -> None:
        if isinstance(self._chunks, AsyncGenerator):
            await self._chunks.aclose()


def _class_for(stream: Any) -> type:
    """A class of the same kinds (sync, async or both byte stream) as `stream`, so that httpx's checks still hold."""
    kind = type(stream)
    known = _stream_classes.get(kind)
    if known is not None:
        return known
    bases = tuple(
        base
        for base in kind.__mro__
        if base.__name__ in ("SyncByteStream", "AsyncByteStream") and base.__module__.startswith("httpx")
    )
    made = type("WatchedByteStream", (_Watched, *bases), {})
    if len(_stream_classes) < 100:
        _stream_classes[kind] = made
    return made


def watch_body(response: Any, ended: Ended, tee: list[bytes] | None, heard: list[int]) -> None:
    """Report the end of an unread body once; `tee` collects its raw bytes (up to 16 MiB) where asked for.

    `heard` holds when a chunk came last, in ns since the epoch.
    """
    inner = response.stream
    stream = _class_for(inner)()
    stream._llmcost_inner, stream._llmcost_ended = inner, ended
    stream._llmcost_tee, stream._llmcost_size, stream._llmcost_heard = tee, 0, heard
    response.stream = stream


def watch_memory_body(response: Any, ended: Ended) -> None:
    """Report the end of reading a body that is in memory (replayed or mocked transports)."""
    read_bytes, read_bytes_async = response.iter_bytes, response.aiter_bytes
    close, aclose = response.close, response.aclose

    def over(read: bool = False) -> None:
        for name in _ITERATORS:  # instance attributes would keep the response from being pickled
            response.__dict__.pop(name, None)
        guarded(_closed, ended, read)

    def iter_bytes(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        try:
            yield from read_bytes(*args, **kwargs)
            over(read=True)
        finally:
            over()

    async def aiter_bytes(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        try:
            async for chunk in read_bytes_async(*args, **kwargs):
                yield chunk
            over(read=True)
        finally:
            over()

    def close_watched() -> None:
        close()
        over()

    async def aclose_watched() -> None:
        await aclose()
        over()

    response.iter_bytes, response.aiter_bytes = iter_bytes, aiter_bytes
    response.close, response.aclose = close_watched, aclose_watched


_ITERATORS = ("iter_bytes", "aiter_bytes", "close", "aclose")


def decoded(kind: type, headers: Any, raw: list[bytes]) -> bytes:
    """The body that `raw` encodes; `kind` is the response's class, which knows its content encodings."""
    data = b"".join(raw)
    if not headers.get("content-encoding"):
        return data
    return bytes(kind(200, headers=headers, content=data).content)
