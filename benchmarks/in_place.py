"""What instrumentation adds to a real SDK call, in place: the SDK, its client, an in-process transport.

Variants are interleaved in small batches in one process and timed in CPU seconds with the garbage collector off.
Run through `bench_call.py`, which also runs the peers, each in an environment of its own.
"""

from __future__ import annotations

import gc
import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

ROUNDS, BATCH, STREAM_EVENTS = 40, 50, 200

USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 300,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 400, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 64, "audio_tokens": 0},
}
CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Because of Rayleigh."},
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
    "service_tier": "default",
    "system_fingerprint": "fp_1",
}
MESSAGES = [{"role": "user", "content": "Why is the sky blue?"}]


def sse_body(events: int) -> bytes:
    def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        return {
            "id": "c",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-4o-mini",
            "choices": [choice],
            **more,
        }

    chunks = [chunk({"role": "assistant", "content": ""})]
    chunks += [chunk({"content": f"word{number} "}) for number in range(events - 3)]
    chunks.append({**chunk({}), "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**chunk({}), "choices": [], "usage": USAGE})
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks) + b"data: [DONE]\n\n"


def make_clients() -> tuple[Any, Any]:
    import openai

    try:
        import httpx2 as http
    except ImportError:
        import httpx as http
    whole, events = json.dumps(CHAT).encode(), sse_body(STREAM_EVENTS)

    class Body(http.SyncByteStream):
        def __iter__(self) -> Any:
            yield events

    def answer(request: Any) -> Any:
        if b'"stream": true' in request.content or b'"stream":true' in request.content:
            return http.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())
        return http.Response(200, headers={"content-type": "application/json"}, content=whole)

    def client() -> Any:
        return openai.OpenAI(api_key="x", http_client=http.Client(transport=http.MockTransport(answer)))

    return client(), client()


class Null(SpanProcessor):
    """An exporter that costs nothing: what is measured is the calling thread."""


def set_up() -> InMemoryMetricReader:
    provider = TracerProvider()
    provider.add_span_processor(Null())
    trace.set_tracer_provider(provider)
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    return reader


def floor_of(client: Any) -> Callable[[], Any]:
    """The same work done naively in the same place: a span, 20 attributes, 7 records with exemplars."""
    tracer, meter = trace.get_tracer("floor"), metrics.get_meter("floor")
    cost, calls = meter.create_counter("f.cost", unit="USD"), meter.create_counter("f.calls")
    sizes, duration = meter.create_histogram("f.tokens"), meter.create_histogram("f.duration", unit="s")

    def call() -> Any:
        started = time.perf_counter()
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as span:
            result = client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
            usage = result.usage
            span.set_attribute("gen_ai.operation.name", "chat")
            span.set_attribute("gen_ai.provider.name", "openai")
            span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
            span.set_attribute("gen_ai.response.model", result.model)
            span.set_attribute("gen_ai.response.id", result.id)
            span.set_attribute(
                "gen_ai.response.finish_reasons", [choice.finish_reason for choice in result.choices]
            )
            span.set_attribute("server.address", "api.openai.com")
            span.set_attribute("server.port", 443)
            span.set_attribute("openai.response.service_tier", result.service_tier)
            span.set_attribute("openai.response.system_fingerprint", result.system_fingerprint)
            span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
            span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)
            cached = usage.prompt_tokens_details.cached_tokens
            span.set_attribute("gen_ai.usage.cache_read.input_tokens", cached)
            span.set_attribute(
                "gen_ai.usage.reasoning.output_tokens", usage.completion_tokens_details.reasoning_tokens
            )
            prices = {
                "input": (usage.prompt_tokens - cached) * 0.15 / 1e6,
                "cache_read": cached * 0.075 / 1e6,
                "output": usage.completion_tokens * 0.60 / 1e6,
            }
            span.set_attribute("gen_ai.usage.cost", sum(prices.values()))
            for part, amount in prices.items():
                span.set_attribute(f"llmcost.cost.{part}", amount)
            span.set_attribute("llmcost.status", "exact")
            span.set_attribute("llmcost.price.version", "2026-11-22")
            labels = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.response.model": result.model,
                "llmcost.service_tier": "standard",
            }
            for part, amount in prices.items():
                cost.add(amount, {**labels, "llmcost.component": part, "llmcost.status": "exact"})
            calls.add(1, {**labels, "llmcost.status": "exact"})
            sizes.record(usage.prompt_tokens, {**labels, "gen_ai.token.type": "input"})
            sizes.record(usage.completion_tokens, {**labels, "gen_ai.token.type": "output"})
            duration.record(time.perf_counter() - started, labels)
            return result

    return call


def timed(call: Callable[[], Any], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - started) / times * 1e6


def drained(client: Any) -> Callable[[], None]:
    def call() -> None:
        for _ in client.chat.completions.create(
            model="gpt-4o-mini", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        ):
            pass

    return call


def measure(switch: Callable[[bool], None], reader: InMemoryMetricReader) -> dict[str, float]:
    """Medians in microseconds of CPU: what is added to a call and to a streamed event, and the floor of the call."""
    client, other = make_clients()
    plain = lambda: client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)  # noqa: E731
    floor, stream = floor_of(other), drained(client)
    rows: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        rows.setdefault(name, []).append(value)

    gc.disable()
    for number in range(ROUNDS + 3):
        switch(False)
        bare, stream_bare = timed(plain, BATCH), timed(stream, 4) / STREAM_EVENTS
        floor_cost = timed(floor, BATCH)
        floor_collect = collecting(reader, BATCH)
        switch(True)
        watched, stream_watched = timed(plain, BATCH), timed(stream, 4) / STREAM_EVENTS
        watched_collect = collecting(reader, BATCH + 4)
        gc.collect()
        if number < 3:
            continue
        note("bare", bare)
        note("floor", floor_cost - bare)
        note("floor with collection", floor_cost - bare + floor_collect)
        note("added", watched - bare)
        note("added with collection", watched - bare + watched_collect)
        note("event", stream_watched - stream_bare)
        note("ratio", (watched - bare) / (floor_cost - bare))
        note(
            "ratio with collection", (watched - bare + watched_collect) / (floor_cost - bare + floor_collect)
        )
    gc.enable()
    return {name: statistics.median(values) for name, values in rows.items()}


def collecting(reader: InMemoryMetricReader, calls: int) -> float:
    started = time.process_time()
    reader.get_metrics_data()
    return (time.process_time() - started) / calls * 1e6


def main(peer: str) -> None:
    reader = set_up()
    if peer == "otel-llmcost":
        import otel_llmcost

        switch = lambda on: otel_llmcost.instrument() if on else otel_llmcost.uninstrument()  # noqa: E731
    else:
        owner = {"openllmetry": "opentelemetry", "openinference": "openinference"}[peer]
        instrumentor = importlib.import_module(f"{owner}.instrumentation.openai").OpenAIInstrumentor()
        switch = lambda on: instrumentor.instrument() if on else instrumentor.uninstrument()  # noqa: E731
        import openai  # noqa: F401
    json.dump(measure(switch, reader), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "otel-llmcost")
