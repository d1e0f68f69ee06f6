"""`@track_call`: a span of its own around a function, with the roll-up of the calls inside. Never priced as
a call."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar, overload

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from .. import semconv
from ..call import Tags
from ..spans import tag_attributes
from ..version import __version__
from .active import tags_of
from .rollup import Rollup
from .scope import current, enter, leave
from .tags import over
from .wrapping import wrapped

P = ParamSpec("P")
T = TypeVar("T")

_IDS = {"conversation_id": "conversation", "session_id": "session", "user_id": "user"}


@overload
def track_call(name: Callable[P, T], /) -> Callable[P, T]: ...
@overload
def track_call(name: str = "", /, **tags: object) -> Callable[[Callable[P, T]], Callable[P, T]]: ...
def track_call(name: Any = "", /, **tags: object) -> Any:
    """Opens an INTERNAL span around each run of a function, coroutine, generator or async generator.

    The span is named `name` (or the function), which also is the `feature` of the calls inside unless
    `feature=` says another. Arguments named `conversation_id`, `session_id`, `user_id` become tags. The
    span carries success, `error.type`, latency in seconds and the roll-up of the calls that were settled
    before the function ended. Works bare, too.
    """
    if callable(name) or isinstance(name, classmethod):
        return _tracked(name, "", {})
    return lambda function: _tracked(function, name, tags)


def _tracked(function: Callable[P, T], name: str, tags: Mapping[str, object]) -> Callable[P, T]:
    named = name or getattr(function, "__name__", type(function).__name__)
    fixed = tags_of(**{"feature": named, **tags})
    ids = _Ids(getattr(function, "__func__", function))

    def begin(args: Sequence[Any], kwargs: Mapping[str, Any]) -> TrackedRun:
        taken = ids.taken(args, kwargs)
        return TrackedRun(named, over(fixed, tags_of(**taken)) if taken else fixed)

    return wrapped(function, begin)


class _Ids:
    """Where a function's arguments carry ids; found once, when it is decorated."""

    def __init__(self, function: Callable[..., object]) -> None:
        try:
            parameters = inspect.signature(function).parameters
        except ValueError:  # a built-in function that tells no signature
            parameters = {}  # type: ignore[assignment]
        positions = list(parameters)
        kinds = [parameter.kind for parameter in parameters.values()]
        spread = inspect.Parameter.VAR_POSITIONAL
        before_spread = kinds.index(spread) if spread in kinds else len(kinds)
        self._takes_any = inspect.Parameter.VAR_KEYWORD in kinds
        self._found = [
            (name, field, positions.index(name) if positions.index(name) < before_spread else -1, default)
            for name, field in _IDS.items()
            if name in parameters
            for default in [parameters[name].default]
        ]

    def taken(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, object]:
        """Field -> id, of the arguments of one run."""
        if self._takes_any:
            values = {field: kwargs[name] for name, field in _IDS.items() if kwargs.get(name) is not None}
        else:
            values = {}
        for name, field, position, default in self._found:
            value = kwargs.get(name, args[position] if 0 <= position < len(args) else default)
            if value is not None and value is not inspect.Parameter.empty:
                values[field] = value
        return values


class TrackedRun:
    """One run of a tracked function: its span, its tags and its roll-up."""

    def __init__(self, name: str, tags: Tags) -> None:
        self.rollup = Rollup()
        self._tags = tags
        tracer = trace.get_tracer(semconv.SCOPE, __version__, schema_url=semconv.SCHEMA_URL)
        self._span = tracer.start_span(
            name, kind=SpanKind.INTERNAL, attributes=tag_attributes(over(current(), tags))
        )
        self._started_s = time.perf_counter()
        self._around: otel_context.Context | None = None
        self._inside: otel_context.Context | None = None

    def resume(self) -> None:
        """Makes span, tags and roll-up those in force."""
        enter(self._tags, self, self.rollup)
        self._around = otel_context.get_current()
        self._inside = trace.set_span_in_context(self._span, self._around)
        otel_context.attach(self._inside)

    def suspend(self) -> None:
        """Puts back what was in force before, unless we are in another context by now."""
        leave(self)
        if self._around is not None and otel_context.get_current() is self._inside:
            # Attaching what was there needs no token, so a run that ends in another context logs no error.
            otel_context.attach(self._around)
        self._around = self._inside = None

    def finish(self, error: BaseException | None) -> None:
        """Ends the span. Of an error only its type is told."""
        self.rollup.closed = True
        span = self._span
        if span.is_recording():
            span.set_attributes(self.rollup.attributes())
            span.set_attribute(semconv.TRACK_SUCCESS, error is None)
            span.set_attribute(semconv.TRACK_LATENCY, time.perf_counter() - self._started_s)
            if error is not None:
                span.set_attribute(semconv.ERROR_TYPE, type(error).__qualname__)
                span.set_status(Status(StatusCode.ERROR))
        span.end()
