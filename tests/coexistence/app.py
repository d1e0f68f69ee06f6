"""A program with another instrumentation in it; runs in an environment of its own, never inside pytest.

    python app.py '{"calls": "openai", "with": ["openllmetry-openai"], "us": "first", "rooted": [true]}'

`us`: `absent` (not even imported), `first` (instrumented before the others), `last`, `unwatched` (armed by
`opentelemetry-instrument`, with our watching of the SDKs switched off). `rooted`: whether each call stands in a
span of the program; all calls are made once for each answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from calls import CALLS  # type: ignore[import-not-found]
from neighbours import NEIGHBOURS  # type: ignore[import-not-found]
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

ALL_WELL = contextlib.nullcontext()


def set_up_pipeline(others: list[str]) -> None:
    exporter = BatchSpanProcessor(OTLPSpanExporter())
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=60_000)
    if any(name.startswith("logfire") for name in others):
        configure_logfire(exporter, reader)
        return
    provider = TracerProvider()
    provider.add_span_processor(exporter)
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))


def configure_logfire(exporter: BatchSpanProcessor, reader: PeriodicExportingMetricReader) -> None:
    import logfire

    # it exports by itself where an endpoint is in the environment
    for name in [name for name in os.environ if name.startswith("OTEL_EXPORTER_OTLP")]:
        del os.environ[name]
    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[exporter],
        metrics=logfire.MetricsOptions(additional_readers=[reader]),
    )


def instrument(wanted: dict[str, Any]) -> None:
    def others() -> None:
        for name in wanted["with"]:
            NEIGHBOURS[name]()

    def us() -> None:
        import otel_llmcost

        otel_llmcost.instrument()

    order = {"first": (us, others), "last": (others, us)}.get(wanted["us"], (others,))
    for step in order:
        step()


@contextlib.contextmanager
def around(name: str, rooted: bool) -> Iterator[None]:
    if not rooted:
        yield
        return
    with trace.get_tracer("app").start_as_current_span(name):
        yield


def main() -> None:
    wanted = json.loads(sys.argv[1])
    set_up_pipeline(wanted["with"])
    instrument(wanted)
    calls = CALLS[wanted["calls"]]()
    # one loop for all: some frameworks keep their clients, and those their connections
    with asyncio.Runner() as loop:
        for rooted in wanted["rooted"]:
            for name, fn in calls.items():
                with (
                    around(name, rooted),
                    contextlib.suppress(Exception) if name.endswith("error") else ALL_WELL,
                ):
                    result = fn()
                    if asyncio.iscoroutine(result):
                        loop.run(result, context=contextvars.copy_context())


if __name__ == "__main__":
    main()
