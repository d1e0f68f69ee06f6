"""An OTLP/HTTP endpoint on loopback: what a collector would have received, as plain values."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass
class ReceivedSpan:
    name: str
    scope: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    status: int
    start_ns: int
    end_ns: int
    links: int


@dataclass
class ReceivedPoint:
    metric: str
    unit: str
    kind: str
    value: float
    count: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    start_ns: int
    time_ns: int
    temporality: int
    exemplars: list[tuple[str, str]] = field(default_factory=list)
    bounds: tuple[float, ...] = ()


class Sink:
    """Listens on a port of 127.0.0.1, a free one unless told, and keeps every span and every metric point."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.spans: list[ReceivedSpan] = []
        self.points: list[ReceivedPoint] = []
        self.lock = threading.Lock()

    def __enter__(self) -> Sink:
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = _body(self)
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                answer: Any
                with sink.lock:
                    if self.path.endswith("/traces"):
                        sink.take_traces(body)
                        answer = ExportTraceServiceResponse()
                    else:
                        if self.path.endswith("/metrics"):
                            sink.take_metrics(body)
                        answer = ExportMetricsServiceResponse()
                data = answer.SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def take_traces(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            about = _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        ReceivedSpan(
                            span.name,
                            scope.scope.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            _values(span.attributes),
                            about,
                            span.status.code,
                            span.start_time_unix_nano,
                            span.end_time_unix_nano,
                            len(span.links),
                        )
                    )

    def take_metrics(self, body: bytes) -> None:
        request = ExportMetricsServiceRequest.FromString(body)
        for resource in request.resource_metrics:
            about = _values(resource.resource.attributes)
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    kind = metric.WhichOneof("data")
                    data = getattr(metric, kind)
                    for point in data.data_points:
                        self.points.append(_point(metric, kind, data, point, about))

    # -- questions

    @property
    def priced(self) -> list[ReceivedSpan]:
        return [span for span in self.spans if "gen_ai.usage.cost" in span.attributes]

    def latest(self, metric: str) -> list[ReceivedPoint]:
        """The last point of every series of a cumulative metric, by process."""
        newest: dict[Any, ReceivedPoint] = {}
        for point in self.points:
            if point.metric != metric:
                continue
            key = (
                tuple(sorted((name, str(value)) for name, value in point.attributes.items())),
                tuple(sorted((name, str(value)) for name, value in point.resource.items())),
                point.start_ns,
            )
            if key not in newest or newest[key].time_ns <= point.time_ns:
                newest[key] = point
        return list(newest.values())

    def total(self, metric: str, **labels: str) -> Decimal:
        """The sum over all series: of what the doubles say in print, for a sum of doubles would drift."""
        return sum(
            Decimal(repr(point.value))
            for point in self.latest(metric)
            if all(point.attributes.get(name.replace("__", ".")) == value for name, value in labels.items())
        )


def _body(request: BaseHTTPRequestHandler) -> bytes:
    """A body of told length, or in chunks (RFC 9112, 7.1), as senders in other languages and collectors use them."""
    if "chunked" not in request.headers.get("transfer-encoding", "").lower():
        return request.rfile.read(int(request.headers.get("content-length", 0)))
    parts = []
    while size := int(request.rfile.readline().partition(b";")[0], 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    while request.rfile.readline().strip():  # trailers
        pass
    return b"".join(parts)


def _point(metric: Any, kind: str, data: Any, point: Any, about: dict[str, Any]) -> ReceivedPoint:
    if kind in ("histogram", "exponential_histogram"):
        value, count = point.sum, point.count
    else:
        value = point.as_double if point.WhichOneof("value") == "as_double" else point.as_int
        count = 0
    return ReceivedPoint(
        metric.name,
        metric.unit,
        kind,
        value,
        count,
        _values(point.attributes),
        about,
        point.start_time_unix_nano,
        point.time_unix_nano,
        getattr(data, "aggregation_temporality", 0),
        [(exemplar.trace_id.hex(), exemplar.span_id.hex()) for exemplar in point.exemplars],
        tuple(point.explicit_bounds) if kind == "histogram" else (),
    )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(part) for part in value.array_value.values]
    return getattr(value, kind) if kind else None
