"""The endpoint of the acceptance tests takes bodies of told length and bodies in chunks."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from .sink import Sink


def body() -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="chat", span_id=b"12345678")
    span.attributes.add(key="gen_ai.usage.cost").value.double_value = 0.25
    return request.SerializeToString()


def in_chunks(whole: bytes) -> Iterator[bytes]:
    for start in range(0, len(whole), 7):
        yield whole[start : start + 7]


def test_bodies_in_chunks_and_the_connection_goes_on() -> None:
    with Sink() as sink:
        connection = http.client.HTTPConnection(sink.url.removeprefix("http://"), timeout=5)
        for sent in (in_chunks(body()), body()):
            connection.request("POST", "/v1/traces", sent, encode_chunked=not isinstance(sent, bytes))
            assert connection.getresponse().read() == b""
        connection.close()
        assert [span.attributes["gen_ai.usage.cost"] for span in sink.priced] == [0.25, 0.25]
