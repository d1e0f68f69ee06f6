"""OTLP by hand: sends spans and counters of the contract's shape to a collector, and takes what it hands on."""

from __future__ import annotations

import gzip
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

_numbers = count(1)


@dataclass
class Span:
    """A span as a program in any language would send it."""

    attributes: Mapping[str, object]
    scope: str = "test"
    scope_version: str = ""
    name: str = "chat"
    service: str = "app"
    start_ns: int = 0
    error: bool = False
    trace_id: str = field(default_factory=lambda: f"{next(_numbers):032x}")
    span_id: str = field(default_factory=lambda: f"{next(_numbers):016x}")
    parent_id: str = ""


def any_value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, (list, tuple)):
        return AnyValue(array_value=ArrayValue(values=[any_value(v) for v in value]))
    return AnyValue(string_value=str(value))


def plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(v) for v in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, kind)


def trace_request(spans: Iterable[Span]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for span in spans:
        resource = request.resource_spans.add()
        resource.resource.attributes.append(KeyValue(key="service.name", value=any_value(span.service)))
        scope = resource.scope_spans.add()
        scope.scope.name, scope.scope.version = span.scope, span.scope_version
        start = span.start_ns or time.time_ns()
        wire = scope.spans.add(
            trace_id=bytes.fromhex(span.trace_id),
            span_id=bytes.fromhex(span.span_id),
            parent_span_id=bytes.fromhex(span.parent_id),
            name=span.name,
            kind=WireSpan.SPAN_KIND_CLIENT,
            start_time_unix_nano=start,
            end_time_unix_nano=start + 1_000_000,
            attributes=[KeyValue(key=k, value=any_value(v)) for k, v in span.attributes.items()],
        )
        if span.error:
            wire.status.code = 2
    return request


def post(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, body, {"Content-Type": "application/x-protobuf"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def send_spans(collector_http: str, spans: Iterable[Span]) -> None:
    post(f"{collector_http}/v1/traces", trace_request(spans).SerializeToString())


def cumulative_cost(
    service: str,
    usd: float,
    labels: Mapping[str, str],
    *,
    at_ns: int = 0,
    start_ns: int = 0,
    delta: bool = False,
) -> ExportMetricsServiceRequest:
    """One point of the counter `llm.cost` as the SDK would send it."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.append(KeyValue(key="service.name", value=any_value(service)))
    metric = resource.scope_metrics.add().metrics.add(name="llm.cost", unit="USD")
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = 1 if delta else 2
    metric.sum.data_points.add(
        as_double=usd,
        start_time_unix_nano=start_ns or time.time_ns() - 10**9,
        time_unix_nano=at_ns or time.time_ns(),
        attributes=[KeyValue(key=k, value=any_value(v)) for k, v in labels.items()],
    )
    return request


def send_metrics(collector_http: str, request: ExportMetricsServiceRequest) -> None:
    post(f"{collector_http}/v1/metrics", request.SerializeToString())


class Sink:
    """An OTLP/HTTP endpoint on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if self.path.endswith("/v1/traces"):
                    sink.traces.append(ExportTraceServiceRequest.FromString(body))
                else:
                    sink.metrics.append(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self) -> dict[str, dict[str, object]]:
        """Span id -> attributes, of everything that came."""
        found: dict[str, dict[str, object]] = {}
        for request in self.traces:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        found[span.span_id.hex()] = {a.key: plain(a.value) for a in span.attributes}
        return found

    def count(self) -> int:
        return sum(
            len(scope.spans)
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
        )

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
