"""Everything that we or the program's runtime say while a way runs: spans, settled calls, log lines, stray errors."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from otel_llmcost import semconv

_LOGGERS = ("otel_llmcost", "opentelemetry", "asyncio")


class Spans(SpanProcessor):
    """Counts how often each span started and ended, and keeps what it said at its end."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.started: dict[int, str] = {}
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.started[span.context.span_id] = span.name

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)

    @property
    def open(self) -> list[str]:
        """Names of the spans that did not end."""
        done = {span.context.span_id for span in self.ended if span.context is not None}
        return [name for span_id, name in self.started.items() if span_id not in done]

    @property
    def ended_twice(self) -> list[str]:
        counts = Counter(span.context.span_id for span in self.ended if span.context is not None)
        return [self.started.get(span_id, "?") for span_id, count in counts.items() if count > 1]

    @property
    def priced(self) -> list[ReadableSpan]:
        return [span for span in self.ended if semconv.STATUS in (span.attributes or {})]

    def of_others(self) -> list[ReadableSpan]:
        """Spans that are not ours: the SDK's own."""
        return [
            span
            for span in self.ended
            if span.instrumentation_scope is not None and span.instrumentation_scope.name != semconv.SCOPE
        ]


class Noise(logging.Handler):
    """Log lines of ours, of OpenTelemetry and asyncio, and exceptions that nobody could catch."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name}: {record.getMessage()}")

    def unraisable(self, event: Any) -> None:
        """For `sys.unraisablehook`."""
        self.lines.append(f"unraisable: {event.exc_value!r} in {event.object!r}")

    def listen(self) -> None:
        """From now on."""
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            logger.addHandler(self)
            logger.propagate = False
        sys.unraisablehook = self.unraisable


def tracer_provider(spans: Spans) -> TracerProvider:
    """The program's own pipeline."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(spans)
    return provider
