"""Our few holds on OpenTelemetry's SDK where it has no public way; each fails safe.

Checked against opentelemetry-sdk 1.45.2 on 2026-11-22.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from .watch.guard import failing_means

_SIGNALS = {"TRACES": "trace_exporter_names", "METRICS": "metric_exporter_names"}
"""Signal -> the configurator's argument for its exporters."""
_HTTP = "http/protobuf"
TRANSPORTS = {"grpc": "otlp_proto_grpc", _HTTP: "otlp_proto_http"}
"""Protocol -> the name of its exporter."""
_GRPC_PORT = 4317
_AUTO_INSTRUMENTATION = "opentelemetry.instrumentation.auto_instrumentation"
"""Loaded where `opentelemetry-instrument` started the program."""


def sdk_provider(provider: object) -> TracerProvider | None:
    """OpenTelemetry's own provider, also inside somebody's proxy (Logfire's keeps it in `provider`)."""
    if not isinstance(provider, TracerProvider):
        provider = getattr(provider, "provider", None)
    return provider if isinstance(provider, TracerProvider) else None


def prepend(provider: TracerProvider, processor: SpanProcessor) -> None:
    """Make `processor` the first of the provider's: exporters behind it see what it wrote."""
    active: Any = provider._active_span_processor
    if processor in getattr(active, "_span_processors", ()):
        return
    lock = getattr(active, "_lock", None)
    if lock is None or not hasattr(active, "_span_processors"):
        provider.add_span_processor(processor)
        return
    with lock:
        active._span_processors = (processor, *active._span_processors)


@failing_means("but no spans and counters are sent; the ledger keeps the cost; remedy: otel-llmcost doctor")
def configure_sdk() -> None:
    """Make the pipeline that the environment asks for, where nobody made one.

    `opentelemetry-instrument` alone makes none: that is the work of a distribution's configurator. We neither ship
    one (it would fight a vendor's) nor leave the user without: only at the first call, after the program had its
    chance to set a provider of its own, and only where no distribution had its chance at the start, either.
    """
    exporters = _exporters_asked_for(os.environ)
    if not exporters and not os.environ.get("OTEL_CONFIG_FILE"):
        return
    if _AUTO_INSTRUMENTATION in sys.modules and any(entry_points(group="opentelemetry_configurator")):
        return
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator

    configurator: Any = _OTelSDKConfigurator
    if os.environ.get("OTEL_CONFIG_FILE"):
        configurator().configure()
        return
    # given as arguments: what stood in the environment would be inherited by the program's children
    unnamed = {
        signal: name for signal, name in _SIGNALS.items() if not os.environ.get(f"OTEL_{signal}_EXPORTER")
    }
    asked = {name: [transport(os.environ, signal)] for signal, name in unnamed.items() if signal in exporters}
    with _protocols(signal for signal in exporters.keys() - unnamed if _names_otlp(exporters[signal])):
        configurator().configure(**asked)


def _names_otlp(exporters: str) -> bool:
    return "otlp" in (name.strip() for name in exporters.split(","))


def transport(environ: Mapping[str, str], signal: str) -> str:
    """The OTLP exporter for a signal: by its protocol, else by the port of its endpoint."""
    own, general = f"OTEL_EXPORTER_OTLP_{signal}", "OTEL_EXPORTER_OTLP"
    protocol = environ.get(f"{own}_PROTOCOL") or environ.get(f"{general}_PROTOCOL")
    if protocol:
        # of one that it does not know the configurator complains
        return TRANSPORTS.get(protocol.strip(), protocol)
    endpoint = environ.get(f"{own}_ENDPOINT") or environ.get(f"{general}_ENDPOINT") or ""
    return TRANSPORTS["grpc" if _port(endpoint) == _GRPC_PORT else _HTTP]


def _port(endpoint: str) -> int:
    try:
        return urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").port or 0
    except ValueError:  # none that could be; the exporter says so, and `doctor`
        return 0


@contextmanager
def _protocols(signals: Iterable[str]) -> Iterator[None]:
    """The protocol for exporters that the environment names `otlp` and nothing more, said for this moment.

    The SDK reads the names of exporters in the environment and there alone, and takes gRPC for granted.
    """
    said = [
        f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL"
        for signal in signals
        if transport(os.environ, signal) == TRANSPORTS[_HTTP]
    ]
    former = {name: os.environ.get(name) for name in said}
    os.environ.update(dict.fromkeys(said, _HTTP))
    try:
        yield
    finally:
        for name, value in former.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _exporters_asked_for(environ: Mapping[str, str]) -> dict[str, str]:
    """Signal -> exporter, of the signals that the environment names an exporter or an endpoint for."""
    found: dict[str, str] = {}
    for signal in _SIGNALS:
        exporter = environ.get(f"OTEL_{signal}_EXPORTER", "")
        endpoints = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
        if exporter and exporter != "none":
            found[signal] = exporter
        elif not exporter and any(environ.get(name) for name in endpoints):
            found[signal] = "otlp"
    return found


def flush_providers(seconds: float) -> None:
    """Flush traces and metrics, for at most so long."""
    flushing = threading.Thread(target=_flush, args=(int(seconds * 1000),), daemon=True)
    flushing.start()
    flushing.join(seconds)


def _flush(milliseconds: int) -> None:
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        flush = getattr(provider, "force_flush", None)
        if flush is not None:
            flush(milliseconds)


def forget_instruments(instruments: Iterable[Any]) -> None:
    """In a forked child: drop what the SDK remembers of our instruments' points.

    Else the first delta of the child would be its sums less the parent's: negative money.
    """
    provider = metrics.get_meter_provider()
    consumer = getattr(provider, "_measurement_consumer", None)
    storages = getattr(consumer, "_reader_storages", {})
    for storage in list(storages.values()):
        matches = getattr(storage, "_instrument_view_instrument_matches", None)
        if matches is None:
            continue
        for instrument in list(matches):
            if any(getattr(own, "_real_instrument", own) is instrument for own in instruments):
                matches.pop(instrument, None)
