from __future__ import annotations

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_llmcost.attribution import (
    AttributionPropagator,
    from_baggage,
    tag,
    to_baggage,
    to_provider,
    track_source,
)
from otel_llmcost.call import NO_TAGS, Tags

TRACER = TracerProvider().get_tracer("http")


def propagator() -> AttributionPropagator:
    return AttributionPropagator(
        CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()]),
        outbound=("team", "tenant", "llmcost.feature"),
        inbound=("shop",),
        is_provider_host=lambda host: host == "api.openai.com",
    )


def sent(attributes: dict[str, str], context: Context | None = None) -> dict[str, str]:
    """The headers that an instrumented HTTP client would send inside a span with these attributes."""
    headers: dict[str, str] = {}
    with TRACER.start_as_current_span("GET", context=context, attributes=attributes) as span:
        propagator().inject(headers, trace.set_span_in_context(span, context))
    assert "traceparent" in headers
    return {
        part.partition("=")[0]: part.partition("=")[2]
        for part in headers.get("baggage", "").split(",")
        if part
    }


def test_named_tags_go_out_and_no_others() -> None:
    with track_source("secret"), tag(team="search", tenant="acme", feature="rank", other="x"):
        assert sent({"url.full": "https://inventory.internal/x"}) == {
            "team": "search",
            "tenant": "acme",
            "llmcost.feature": "rank",
        }
        assert sent({}) == {"team": "search", "tenant": "acme", "llmcost.feature": "rank"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"url.full": "https://api.openai.com/v1/chat/completions"},
        {"http.url": "https://user:pw@api.openai.com:443/v1"},
        {"server.address": "api.openai.com"},
        {"net.peer.name": "api.openai.com"},
    ],
)
def test_nothing_of_ours_goes_to_a_provider(attributes: dict[str, str]) -> None:
    context = baggage.set_baggage("request", "r1")
    context = baggage.set_baggage("shop", "berlin", context)
    context = baggage.set_baggage("team", "from upstream", context)
    with tag(team="search", tenant="acme"):
        assert sent(attributes, context) == {"request": "r1"}


def test_a_marked_request_keeps_our_baggage_in_whatever_its_host() -> None:
    with tag(team="search"):
        assert sent({"server.address": "10.0.0.7"}, to_provider(Context())) == {}


def test_an_unreadable_address_is_no_provider_s() -> None:
    with tag(team="search"):
        assert sent({"url.full": "https://[broken"}) == {"team": "search"}


def test_what_goes_out_comes_in_again() -> None:
    tags = Tags(team="search", own={"tenant": "acme"})
    context = to_baggage(tags, ("team", "tenant", "feature"))
    assert from_baggage(("team", "tenant"), context) == tags
    assert from_baggage((), context) is NO_TAGS
    assert from_baggage(("feature",), context) is NO_TAGS


def test_extraction_and_fields_are_the_program_s_own() -> None:
    ours = propagator()
    context = ours.extract({"baggage": "team=search"})
    assert baggage.get_baggage("team", context) == "search"
    assert ours.fields == {"traceparent", "tracestate", "baggage"}
