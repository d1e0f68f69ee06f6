"""What an SDK says about itself: which requests spend money, and how to read their answers.

A new SDK that shares the seam of `stainless` is one file with one `Sdk` (see `watch/openai.py`) and a row in `supported`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ..call import Reading
from .collectors import Collector
from .events import Process, any_events

Body = Mapping[str, Any]
Read = Callable[[Body, Body], Reading]
"""(response body, request body) -> Reading. Never raises."""


def last_event(events: Sequence[Any]) -> Body:
    """The last event kept, where a surface streams nothing of its own kind."""
    last = events[-1]
    return last if isinstance(last, Mapping) else {}


class Route(NamedTuple):
    """One kind of request that spends money."""

    api: str
    """Short name of the surface, such as "chat_completions"."""
    operation: str
    """`gen_ai.operation.name` of its span."""
    read: Read
    fold: Callable[[Sequence[Any]], Body] = last_event
    """The body that a stream's kept events amount to."""
    collector: type[Collector] = Collector
    """Keeps the few events of a stream that matter."""
    unpriced: str = ""
    """Why this surface cannot be priced yet; its calls are visible as `unpriced` with this reason."""
    settles: str = ""
    """"response" or "batch": an answer that shows work paid for earlier, settled once by its own id."""
    lines: bool = False
    """The answer is JSON lines, each a call of its own (batch results)."""
    body_is_binary: bool = False
    """The answer has no JSON, unless it comes as events; usage is the request's else (speech)."""


class Socket(NamedTuple):
    """What the events of one kind of websocket connection say."""

    modules: tuple[str, ...]
    """Where its connections and their managers are."""
    ends: Mapping[str, Route] = MappingProxyType({})
    """Type of the event that ends a call and tells its usage -> how to read it."""
    begins: frozenset[str] = frozenset()
    """Types of the events that a call begins with."""
    describes: frozenset[str] = frozenset()
    """Types of the events that describe the session: its models."""
    opens: Route | None = None
    """The call that an opened connection stands for, where no event tells a call's usage."""

    @property
    def interesting(self) -> frozenset[str]:
        """The events to look at."""
        return self.begins | self.describes | self.ends.keys()


class Sdk(NamedTuple):
    """Everything that an SDK may say about itself."""

    name: str
    provider: str
    """The provider of its own hosts."""
    routes: Mapping[str, Route]
    """"POST /path" -> Route; exact."""
    patterns: tuple[tuple[re.Pattern[str], Route], ...] = ()
    """For paths with an id in them: matched against "METHOD /path"."""
    providers_by_class: Mapping[str, str] = MappingProxyType({})
    """Client class -> provider, where the class says more than the host (Azure, Bedrock, Vertex)."""
    native_scope: str = ""
    """Scope of the span that the SDK emits by itself."""
    sockets: tuple[Socket, ...] = ()
    """Its websocket connections."""
    frame: Callable[[Process], Process] = any_events
    """What its streamed events pass (`events`): the one that knows their shape, or the one that looks at each."""

    def emits(self, scope: str) -> bool:
        """Whether a span of this scope is the SDK's own (platform clients append their platform's name)."""
        native = self.native_scope
        return bool(native) and (scope == native or scope.startswith(native + "."))

    def route(self, method: str, path: str) -> Route | None:
        """The route of a request, None for one that costs nothing."""
        line = f"{method.upper()} {path}"
        found = self.routes.get(line)
        if found is not None:
            return found
        for pattern, route in self.patterns:
            if pattern.search(line):
                return route
        return None
