"""Whether somebody asked for no spans: OpenTelemetry's key, and the one of OpenLLMetry."""

from __future__ import annotations

from opentelemetry import context as otel_context
from opentelemetry.context import Context

_SUPPRESSED = frozenset(
    key
    for key in (
        getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", ""),
        "suppress_instrumentation",
        "suppress_language_model_instrumentation",
    )
    if key
)


def spans_are_suppressed(context: Context) -> bool:
    """Whether somebody asked for no spans in this context."""
    return not _SUPPRESSED.isdisjoint(context) and any(context.get(key) for key in _SUPPRESSED)
