"""What is in force while the SDK's own function runs: the watched call, and its span as the current one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span

from .guard import guarded

current: ContextVar[Any] = ContextVar("otel_llmcost_observation", default=None)
"""The watched call whose request runs in this context."""
_runtime = getattr(otel_context, "_RUNTIME_CONTEXT", None)
Entered = tuple[Token[Any], Any]


@contextmanager
def nobodys() -> Iterator[None]:
    """For a request that is not watched, inside one that is (by a hook, a transport): its response is not that call's."""
    token = current.set(None)
    try:
        yield
    finally:
        guarded(current.reset, token)  # in another context there is nothing to undo


class InContext:
    """A watched call, as the context has it."""

    span: Span | None = None
    parent: Context | None = None
    native = False
    outside: Context | None = None
    """What was in force at its start, where that is not `parent`: then `parent` has to be in force for the request."""
    entered: Entered | None = None
    _inside: Context | None = None
    _outer: Any = None

    def enter(self) -> bool:
        """Make this call current, and its span, while the SDK's own function runs."""
        self._outer = current.get()
        token, attached = current.set(self), None
        if self.span is not None and not self.native:
            self._inside = trace.set_span_in_context(self.span, self.parent)
        elif self.parent is not None and self.outside is not None:
            # the SDK sends its own span along, and baggage with it, unless the context says whereto
            self._inside = self.parent
        if self._inside is not None:
            attached = otel_context.attach(self._inside)
        self.entered = token, attached
        return True

    def leave(self) -> None:
        """Undo `enter`; in another context (a coroutine closed by the garbage collector) there is nothing to undo."""
        if self.entered is None:
            return
        token, attached = self.entered
        try:
            if attached is not None:
                if _runtime is not None:
                    _runtime.detach(attached)
                else:
                    otel_context.detach(attached)
            current.reset(token)  # last: while this call is current, something is left to undo
        except (ValueError, RuntimeError):
            pass
        self.entered = self._inside = self._outer = None  # a token holds its whole context

    def abandon(self) -> None:
        """Undo what is still in force of `enter`: a signal handler of the program raised in the middle of it."""
        if self._inside is not None and otel_context.get_current() is self._inside:
            otel_context.attach(self.outside or self.parent or Context())
        current.set(self._outer)
