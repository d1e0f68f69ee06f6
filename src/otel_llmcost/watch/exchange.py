"""One HTTP exchange of a call: its response, followed to the end of its body."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from .body import decoded
from .collectors import Collector
from .unparsed import read_bytes

_CUT_SHORT = "api_error"  # as the anthropic SDK calls it on its own span
EXTENSION = "otel_llmcost"
"""Key in `response.extensions` of the exchange; an attribute on the response would break pickling it."""


class Owner(Protocol):
    """The call of an exchange, as the exchange sees it."""

    error: BaseException | None
    exchanges: list[Exchange]

    @property
    def open(self) -> bool: ...
    @property
    def ends_with_native(self) -> bool: ...
    def fold(self, events: Sequence[Any]) -> Mapping[str, Any]: ...
    def finish(self) -> None: ...


class Exchange:
    """One response of a call. A call has several where a middleware falls back to another model."""

    __slots__ = (
        "collector",
        "headers",
        "heard",
        "kind",
        "owner",
        "raw",
        "read",
        "response",
        "stream",
        "unparsed",
    )

    def __init__(
        self, owner: Owner, collector: Collector, response: Any, *, stream: bool, unparsed: bool
    ) -> None:
        self.owner: Owner | None = owner
        """None once its call is settled: the two would keep each other, and the reply, for the garbage collector."""
        self.collector = collector
        self.stream = stream
        self.read = False
        """Whether the body was read to its end."""
        # what is no event stream is not seen by who reads events, the SDK's own streams included
        self.unparsed = unparsed = unparsed or (stream and _is_json(response.headers))
        """The program reads the body itself (`with_raw_response`, `with_streaming_response`)."""
        self.raw: list[bytes] | None = None
        self.heard = [0]
        """When a chunk of its body came last, in ns since the epoch."""
        self.headers: Any = response.headers
        self.kind = type(response)
        # weak: a cycle through the response would leave a dropped stream to the garbage collector
        self.response = weakref.ref(response)

    def body(self) -> Any:
        """The reply's body; of a stream, what its kept events amount to."""
        collector = self.collector
        if collector.body is not None:
            return collector.body
        owner = self.owner
        if owner is None or not collector.events:
            return {}
        return owner.fold([*collector.events, *collector.items])

    def ended(self, error: BaseException | None, read: bool) -> None:
        """The body was read, closed, failed or dropped."""
        owner = self.owner
        if owner is None or not owner.open or self is not owner.exchanges[-1]:
            return
        self.read = read
        if error is not None and owner.error is None:
            owner.error = error
        if error is not None and owner.ends_with_native:
            return  # the SDK ends its span with this error in a moment, and says what it calls it
        if self.stream or self.unparsed:
            owner.finish()

    def cut_short(self) -> str:
        """The `error.type` of a stream that the provider ended without its last event, which raises nothing."""
        collector = self.collector
        if not (self.stream and self.read and collector.ends_by_itself()) or collector.complete:
            return ""
        # who reads the bytes by itself hides from the SDK, too, what it saw
        return "" if self.unparsed and not collector.first_ns else _CUT_SHORT

    def read_unparsed(self) -> None:
        """Read a body that the SDK did not parse."""
        collector = self.collector
        if not self.unparsed or collector.body is not None or collector.events:
            return
        if self.raw is not None:
            content = decoded(self.kind, self.headers, self.raw)
            self.raw = None
        else:
            response = self.response()
            if response is None or not hasattr(response, "_content"):
                return
            content = response.content
        events = (self.stream and not _is_json(self.headers)) or is_event_stream(self.headers)
        read_bytes(content, events, collector)


def is_event_stream(headers: Any) -> bool:
    """Whether a body is one of server-sent events."""
    return "event-stream" in str(headers.get("content-type"))


def _is_json(headers: Any) -> bool:
    return "json" in str(headers.get("content-type"))
