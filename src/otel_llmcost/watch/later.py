"""Work that is paid later: background responses and batches.

The request that creates it ends with status `pending` and no cost. When its result is first seen (a poll, a resumed
stream, a cancellation, a batch's results), one `settle` call carries the cost, linked to the creating span. It is
counted by an id of its own, so that it does not matter how often or by how many processes the result is read.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanContext

from .. import semconv
from ..call import (
    NO_USAGE_NOTE,
    NOTED,
    PENDING_NOTE,
    Call,
    Reading,
    batch_key,
    code_of,
    note,
    response_key,
)
from ..usage.failures import told_failure
from .guard import guarded

if TYPE_CHECKING:
    from .observation import Observation

_REMEMBERED = 10_000
_CAME_TO_NOTHING = frozenset({"failed", "cancelled", "expired"})
"""How responses and batches end that may have used nothing."""
_LONGEST_LINE = 32 * 1024 * 1024


class Created:
    """What is remembered of the call that created work to be paid later."""

    __slots__ = ("asked_tags", "request_model", "reservation", "scopes", "span", "start_ns", "tags")

    def __init__(self, call: Call, observation: Observation) -> None:
        self.span: SpanContext | None = None
        if observation.span is not None:
            self.span = observation.span.get_span_context()
        self.tags, self.start_ns, self.request_model = call.tags, call.start_ns, call.request_model
        self.scopes, self.reservation = observation.scopes, observation.reservation
        self.asked_tags = observation.asked_tags


class Later:
    """What was created in this process and is not paid yet, and the settling of it."""

    def __init__(self, settle: Callable[[Call, Created | None], None]) -> None:
        self._settle = settle
        self._created: OrderedDict[str, Created] = OrderedDict()
        self._lock = threading.RLock()  # the garbage collector may settle an abandoned stream in here

    def forked(self) -> None:
        """In a child: the lock may be held by a thread that does not exist here."""
        self._lock = threading.RLock()

    def created(self, call: Call, observation: Observation) -> None:
        """Remember the creating call, if it is one."""
        if not call.response_id or not any(code_of(text) == PENDING_NOTE for text in call.notes):
            return
        made = Created(call, observation)
        with self._lock:
            self._created[call.response_id] = made
            while len(self._created) > _REMEMBERED:
                self._created.popitem(last=False)

    def seen(self, observation: Observation) -> None:
        """A request that can show a result ended: settle what it showed, if it was paid later at all."""
        if observation.error is not None and not observation.exchanges:
            return
        if observation.client.delegated:
            return  # the gateway counts what it settles, too
        for exchange in observation.exchanges:
            body = exchange.body()
            if not isinstance(body, Mapping):
                continue
            reading = observation.route.read(body, observation.body)
            reading.failure = told_failure(body)
            pending = any(code_of(text) == PENDING_NOTE for text in reading.notes)
            if not pending and (reading.usage or _is_untold(body, reading)):
                self._settle_one(observation, body, reading)
            elif body.get("status") in _CAME_TO_NOTHING:
                created = self._taken(reading.response_id)
                if created is not None and created.reservation is not None:
                    created.reservation.release()

    def _settle_one(self, observation: Observation, body: Mapping[str, Any], reading: Reading) -> None:
        created = self._taken(reading.response_id)
        if observation.route.settles == "batch":
            # a key apart where the usage is missing: should it come later, the money still counts
            key = batch_key(reading.response_id, "" if reading.usage else "untold")
        elif created is not None or body.get("background") is True:
            # a response that was not made in the background was billed by the call that made it
            key = response_key(observation.client.host, reading.response_id)
        else:
            return
        self._settle(_call(observation, reading, key, created, _created_ns(body)), created)

    def _taken(self, response_id: str) -> Created | None:
        with self._lock:
            return self._created.pop(response_id, None)

    # -- results that come line by line

    def watch_lines(self, observation: Observation, result: Any) -> None:
        """Read along while the program iterates over a batch's results."""
        if observation.client.delegated:
            return
        batch = _batch_id(observation)
        lines = Lines(lambda line: self._line(observation, batch, line))
        chunks = getattr(result, "_raw_iterator", None)
        if chunks is None:
            # a raw response, which the program parses or reads by itself
            response = observation.exchanges[-1].response() if observation.exchanges else None
            if response is not None:
                _read_along(response, lines)
            return
        result._raw_iterator = (
            _along_async(chunks, lines) if hasattr(chunks, "__anext__") else _along(chunks, lines)
        )

    def _line(self, observation: Observation, batch: str, line: bytes) -> None:
        from ..usage.anthropic import read_message  # loaded by now, with the SDK whose batch this is

        row = json.loads(line)
        message = row["result"].get("message")
        if not isinstance(message, Mapping):
            return  # errored, cancelled, expired: costs nothing
        reading = read_message(message)
        if not reading.usage:
            return
        reading.tier = reading.tier if reading.tier not in ("", "standard") else "batch"
        with self._lock:
            created = self._created.get(batch)
        key = batch_key(batch, str(row.get("custom_id")))
        self._settle(_call(observation, reading, key, created, 0), created)


class Lines:
    """Cuts chunks into lines and hands each on; a line beyond all measure is dropped."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Some more bytes."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            self._rest = b""
        for line in whole:
            if line.strip():
                guarded(self._take, line)

    def end(self) -> None:
        """No more bytes; the last line may lack its end."""
        if self._rest.strip():
            guarded(self._take, self._rest)
        self._rest = b""


def _along(chunks: Iterator[bytes], lines: Lines) -> Iterator[bytes]:
    for chunk in chunks:
        guarded(lines.feed, chunk)
        yield chunk
    guarded(lines.end)


async def _along_async(chunks: AsyncIterator[bytes], lines: Lines) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        guarded(lines.feed, chunk)
        yield chunk
    guarded(lines.end)


def _read_along(response: Any, lines: Lines) -> None:
    """Read along with whatever reads the body: httpx reads lines, texts and whole bodies by these two."""
    read, read_async = response.iter_bytes, response.aiter_bytes

    def begun() -> None:
        for name in ("iter_bytes", "aiter_bytes"):  # instance attributes would keep it from being pickled
            response.__dict__.pop(name, None)

    def iter_bytes(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        begun()
        return _along(read(*args, **kwargs), lines)

    def aiter_bytes(*args: Any, **kwargs: Any) -> AsyncIterator[bytes]:
        begun()
        return _along_async(read_async(*args, **kwargs), lines)

    response.iter_bytes, response.aiter_bytes = iter_bytes, aiter_bytes


def _call(
    observation: Observation, reading: Reading, key: str, created: Created | None, created_ns: int
) -> Call:
    client, now = observation.client, time.time_ns()
    notes = tuple(text for text in reading.notes if not reading.usage or code_of(text) != NO_USAGE_NOTE)
    # what we saw ourselves counts more than the provider's clock
    start = created.start_ns if created is not None else created_ns
    if not start:
        start = now
        notes = (
            *notes,
            note(NOTED, "priced at the moment its result was first seen: its start is not known"),
        )
    return Call(
        key=key,
        provider=client.provider,
        operation=semconv.SETTLE,
        request_model=created.request_model if created is not None else "",
        response_model=reading.model,
        start_ns=min(start, now),  # the provider's clock may be ahead of ours
        end_ns=now,
        usage=reading.usage,
        tier=reading.tier,
        speed=reading.speed,
        region=reading.region or client.region,
        variant=reading.variant,
        lines=reading.lines,
        host=client.host,
        port=client.port,
        response_id=reading.response_id,
        finish_reasons=reading.finish_reasons,
        error_type=reading.failure,
        reported=reading.reported,
        notes=notes,
        tags=created.tags if created is not None else observation.tags,
    )


def _is_untold(body: Mapping[str, Any], reading: Reading) -> bool:
    """Whether a batch had requests done and does not say what they used, as some hosts' batches do not."""
    counts = body.get("request_counts")
    done = counts.get("completed") if isinstance(counts, Mapping) else 0
    return bool(done) and any(code_of(text) == NO_USAGE_NOTE for text in reading.notes)


def _created_ns(body: Mapping[str, Any]) -> int:
    created = body.get("created_at")
    if isinstance(created, int | float) and not isinstance(created, bool) and created > 0:
        return int(created * 1_000_000_000)
    if isinstance(created, str):
        try:
            return int(datetime.fromisoformat(created).timestamp()) * 1_000_000_000
        except ValueError:
            return 0
    return 0


def _batch_id(observation: Observation) -> str:
    parts = observation.path.rstrip("/").split("/")
    return parts[-2] if len(parts) > 1 else ""
