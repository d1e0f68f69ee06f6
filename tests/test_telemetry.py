"""Our holds on OpenTelemetry's SDK: what the environment asks for, and who stands first."""

from __future__ import annotations

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from otel_llmcost.telemetry import _exporters_asked_for, prepend, sdk_provider, transport


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {}),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}, {}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, {"TRACES": "otlp", "METRICS": "otlp"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, {"TRACES": "otlp"}),
        ({"OTEL_TRACES_EXPORTER": "console"}, {"TRACES": "console"}),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_METRICS_EXPORTER": "none"},
            {"TRACES": "otlp"},
        ),
    ],
)
def test_a_pipeline_is_made_only_of_what_the_environment_asks_for(
    environ: dict[str, str], expected: dict[str, str]
) -> None:
    assert _exporters_asked_for(environ) == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "otlp_proto_http"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"}, "otlp_proto_grpc"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:99999"}, "otlp_proto_http"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, "otlp_proto_grpc"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317/v1/traces"}, "otlp_proto_grpc"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
            "otlp_proto_http",
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d:4318/v1/traces",
            },
            "otlp_proto_http",
        ),
        ({"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"}, "otlp_proto_http"),
    ],
)
def test_each_signal_has_the_transport_of_its_protocol_or_port(
    environ: dict[str, str], expected: str
) -> None:
    assert transport(environ, "TRACES") == expected


def test_our_processor_stands_first_and_once() -> None:
    provider, exporter, ours = TracerProvider(), SpanProcessor(), SpanProcessor()
    provider.add_span_processor(exporter)
    prepend(provider, ours)
    prepend(provider, ours)
    assert provider._active_span_processor._span_processors == (ours, exporter)


def test_the_sdks_provider_is_found_alone_and_in_somebodys_proxy() -> None:
    class Proxy(trace.TracerProvider):
        def __init__(self, provider: object) -> None:
            self.provider = provider

        def get_tracer(self, *args: object, **kwargs: object) -> trace.Tracer:
            return trace.NoOpTracer()

    own = TracerProvider(shutdown_on_exit=False)
    assert sdk_provider(own) is own
    assert sdk_provider(Proxy(own)) is own
    for other in (Proxy(None), trace.ProxyTracerProvider(), trace.NoOpTracerProvider(), None):
        assert sdk_provider(other) is None
