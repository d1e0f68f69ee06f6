"""A collector on gateway.yaml and pricing.yaml, whose spans come back to the test; and the library's answer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from otel_llmcost.call import Priced, SpanFacts
from otel_llmcost.collector import Options, pricing_document
from otel_llmcost.prices.book import Book
from otel_llmcost.spans import cost_attributes, read_call

from ..loopback import free_port
from .otlp_wire import Sink, Span, send_spans
from .real_parts import Collector, Parts, until

# Everything comes back, at once and unsampled: the tests of sampling use gateway.yaml as it is.
_BACK = """\
exporters:
  otlp_http/back:
    endpoint: {sink}
    compression: none
    sending_queue: {{enabled: false}}
service:
  pipelines:
    traces/sampled:
      processors: [transform/llmcost_done]
      exporters: [otlp_http/back]
    metrics:
      exporters: [otlp_http/back]
"""


class PricingCollector:
    """Send spans, get them back priced."""

    def __init__(self, parts: Parts, book: Book, options: Options | None = None) -> None:
        self.sink = Sink()
        pricing = parts.folder / "pricing.yaml"
        pricing.write_text(pricing_document(book, options))
        back = parts.folder / "back.yaml"
        back.write_text(_BACK.format(sink=self.sink.url))
        self.scrape = f"127.0.0.1:{free_port()}"
        self.collector: Collector = parts.collector(
            "gateway.yaml", Path(pricing), Path(back), name="pricing", LLMCOST_SCRAPE=self.scrape
        )

    def priced(self, spans: Iterable[Span]) -> list[dict[str, object]]:
        """The attributes of these spans as they leave the collector, in order."""
        sent = list(spans)
        for start in range(0, len(sent), 500):
            send_spans(self.collector.http, sent[start : start + 500])
        ids = {span.span_id for span in sent}
        until("all spans come back", lambda: ids <= self.sink.spans().keys(), 60)
        back = self.sink.spans()
        return [back[span.span_id] for span in sent]


def by_library(book: Book, span: Span) -> tuple[dict[str, object], Priced | None]:
    """The cost attributes that the library gives a span, and what it made of it."""
    facts = SpanFacts(
        name=span.name,
        kind="client",
        scope=span.scope,
        scope_version=span.scope_version,
        start_ns=span.start_ns,
        end_ns=span.start_ns + 1_000_000,
        attributes=span.attributes,
    )
    call = read_call(facts)
    if call is None:
        return {}, None
    priced = book.price(call)
    return dict(cost_attributes(priced, call)), priced
