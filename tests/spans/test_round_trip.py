"""Reading back a projected call gives that call again, whatever it bought."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from otel_llmcost import semconv as s
from otel_llmcost.call import CALL_NOTE_CODES, NO_TAGS, Call, Line, SpanFacts, Tags, note
from otel_llmcost.meters import TOKEN_METERS, TOOL_METERS, UNIT_METERS
from otel_llmcost.spans import project, read_call
from otel_llmcost.usage.compatible import total_of

TRACE, SPAN = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
KEY = "otel:0af7651916cd43dd8448eb211c80319c:b7ad6b7169203331"

names = st.text(min_size=1, max_size=12)
tokens = st.integers(min_value=1, max_value=10**9)
units = tokens | st.decimals(min_value="0.001", max_value="99999", places=3).filter(bool)
meters = st.one_of(
    st.tuples(st.sampled_from(TOKEN_METERS), tokens),
    st.tuples(st.sampled_from(UNIT_METERS + TOOL_METERS), units),
)
usages = st.lists(meters, min_size=1, max_size=6).map(dict)
tiers = st.sampled_from(["", "standard", "batch", "flex", "priority", "ultrafast", "committed"])
regions = st.sampled_from(["", "us", "eu", "us-east-1"])
lines = st.builds(
    Line, names, names, usages, tiers, st.sampled_from(["", "fast"]), regions, st.just("") | names
)
notes = st.builds(note, st.sampled_from(sorted(CALL_NOTE_CODES)), st.text(max_size=20))
tags = st.builds(
    Tags, *[st.just("") | names] * 7, own=st.dictionaries(names, st.text(max_size=8), max_size=3)
)
request_values = st.one_of(
    st.text(max_size=8),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=5), max_size=3).map(tuple),
)
requests = st.dictionaries(
    st.sampled_from(["gen_ai.request.temperature", "gen_ai.request.stream", "openai.request.service_tier"]),
    request_values,
)


@st.composite
def several(draw: st.DrawFn) -> tuple[Line, ...]:
    """Lines of which some are further requests on the same terms."""
    drawn = draw(st.lists(lines, min_size=2, max_size=3))
    again = draw(st.lists(st.tuples(st.sampled_from(drawn), usages), max_size=2))
    return (*drawn, *(line._replace(usage=usage) for line, usage in again))


@st.composite
def calls(draw: st.DrawFn) -> Call:
    parts = draw(st.just(()) | several())
    host = draw(st.just("") | st.just("api.openai.com"))
    return Call(
        key=draw(st.just(KEY) | st.sampled_from(["resp:api.openai.com:resp_1", "batch:b:1"])),
        provider=draw(names),
        operation=draw(st.sampled_from(sorted(s.PRICED_OPERATIONS))),
        request_model=draw(st.just("") | names),
        response_model=draw(st.just("") | names),
        start_ns=draw(st.integers(0, 2**62)),
        end_ns=draw(st.integers(0, 2**62)),
        usage=total_of(parts) if parts else draw(st.just({}) | usages),
        tier=draw(tiers),
        speed=draw(st.sampled_from(["", "fast"])),
        region=draw(regions),
        variant=draw(st.just("") | names),
        lines=parts,
        host=host,
        port=draw(st.integers(0, 65535)) if host else 0,
        response_id=draw(st.just("") | names),
        finish_reasons=draw(st.lists(names, max_size=2).map(tuple)),
        error_type=draw(st.just("") | names),
        first_chunk_s=draw(st.none() | st.floats(0, 1000)),
        attempts=draw(st.integers(1, 9)),
        reported=draw(st.none() | st.decimals("0.000001", "999", places=6)),
        notes=draw(st.lists(notes, max_size=3, unique=True).map(tuple)),
        tags=draw(st.just(NO_TAGS) | tags),
        request=draw(requests),
    )


def facts_of(call: Call) -> SpanFacts:
    return SpanFacts(
        name=f"{call.operation} {call.request_model}",
        kind="client",
        scope=s.SCOPE,
        start_ns=call.start_ns,
        end_ns=call.end_ns,
        trace_id=TRACE,
        span_id=SPAN,
        attributes=project(call),
    )


@given(calls())
@settings(max_examples=300, deadline=None)
def test_a_projected_call_reads_back_as_itself(call: Call) -> None:
    assert read_call(facts_of(call)) == call


@given(calls())
@settings(max_examples=100, deadline=None)
def test_projection_writes_no_zero_and_no_empty_text(call: Call) -> None:
    for name, value in project(call).items():
        if name.startswith(("gen_ai.usage.", "llmcost.usage.")):
            assert value > 0
        if name.startswith("llmcost.") and isinstance(value, str) and not name.startswith(s.TAG_PREFIX):
            assert value


def test_anthropic_lifetimes_and_searches_stand_as_the_contract_says() -> None:
    usage = {"input": 100, "cache_write_5m": 2000, "cache_write_1h": 500, "output": 40, "web_search": 2}
    assert project(Call(provider="anthropic", usage=usage)) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.usage.input_tokens": 2600,
        "gen_ai.usage.cache_write.input_tokens": 2500,
        "gen_ai.usage.output_tokens": 40,
        "llmcost.usage.cache_write_5m": 2000,
        "llmcost.usage.cache_write_1h": 500,
        "llmcost.usage.web_search": 2,
    }


def test_seconds_are_a_double_on_the_span_and_exact_when_read_back() -> None:
    call = Call(
        key=KEY, provider="openai", operation="transcription", usage={"audio_second": Decimal("12.34")}
    )
    assert project(call)["llmcost.usage.audio_second"] == 12.34
    read = read_call(facts_of(call))
    assert read is not None
    assert read.usage["audio_second"] == Decimal("12.34")
