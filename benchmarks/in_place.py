"""One variant of a real SDK call in a process of its own: the SDK, its client, an in-process transport.

    python benchmarks/in_place.py bare|floor|same|otel-llmcost|openllmetry|openinference

Each line on standard input asks for a turn; each turn is answered by a line of JSON. `bench_call.py` lets several of
these take turns. Timed in CPU seconds of the process, with the garbage collector off.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

BATCH, COLLECTED, STREAM_EVENTS = 20, 50, 200
"""Calls in a turn, after one that is not timed; calls in a collection of metrics; events in a stream."""
PEERS = {
    "openllmetry": "opentelemetry.instrumentation.openai",
    "openinference": "openinference.instrumentation.openai",
}

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


def chunks(deltas: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A chat's chunks as OpenAI sends them where usage was asked for: null until the last one."""

    def chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "gpt-4o-mini-2024-07-18",
            "service_tier": "default",
            "system_fingerprint": "fp_1",
            "choices": choices,
            "usage": usage,
        }

    choice = {
        "index": 0,
        "delta": {"role": "assistant", "content": ""},
        "logprobs": None,
        "finish_reason": None,
    }
    yield chunk([choice])
    for delta in deltas:
        yield chunk([{**choice, "delta": delta}])
    yield chunk([{**choice, "delta": {}, "finish_reason": "stop"}])
    yield chunk([], USAGE)


def sse_body(events: int) -> bytes:
    words = ({"content": f"word{number} "} for number in range(events - 3))
    return (
        b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in chunks(words)) + b"data: [DONE]\n\n"
    )


def http_of(sdk: str) -> Any:
    """What the SDK sends with: newer ones use httpx2."""
    module = importlib.import_module(f"{sdk}._base_client")
    return importlib.import_module("httpx2" if hasattr(module, "httpx2") else "httpx")


def make_client() -> Any:
    import openai

    http = http_of("openai")
    whole, events = json.dumps(CHAT).encode(), sse_body(STREAM_EVENTS)

    class Body(http.SyncByteStream):  # type: ignore[name-defined,misc]
        def __iter__(self) -> Iterator[bytes]:
            yield events

    def answer(request: Any) -> Any:
        if b'"stream": true' in request.content or b'"stream":true' in request.content:
            return http.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())
        return http.Response(200, headers={"content-type": "application/json"}, content=whole)

    return openai.OpenAI(api_key="x", http_client=http.Client(transport=http.MockTransport(answer)))


class Null(SpanProcessor):
    """An exporter that costs nothing: what is measured is the calling thread."""


def set_up() -> InMemoryMetricReader:
    provider, reader = TracerProvider(), InMemoryMetricReader()
    provider.add_span_processor(Null())
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    return reader


class Floor:
    """The same work done naively in the same place: a span, 20 attributes, 7 records with exemplars.

    With `every`, also the five records more that we make of such a call: its tokens by meter, its cache's savings.
    """

    def __init__(self, client: Any, *, every: bool) -> None:
        meter = metrics.get_meter("floor")
        self._client, self._every, self._tracer = client, every, trace.get_tracer("floor")
        self._cost = meter.create_counter("f.cost", unit="USD")
        self._calls, self._tokens = meter.create_counter("f.calls"), meter.create_counter("f.meters")
        self._savings = meter.create_up_down_counter("f.savings", unit="USD")
        self._sizes = meter.create_histogram("f.tokens")
        self._duration = meter.create_histogram("f.duration", unit="s")

    def call(self) -> Any:
        started = time.perf_counter()
        with self._tracer.start_as_current_span("chat gpt-4o-mini", kind=trace.SpanKind.CLIENT) as span:
            result = self._client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
            usage = result.usage
            cached = usage.prompt_tokens_details.cached_tokens
            prices = {
                "input": (usage.prompt_tokens - cached) * 0.15 / 1e6,
                "cache_read": cached * 0.075 / 1e6,
                "output": usage.completion_tokens * 0.60 / 1e6,
            }
            self._say(span, result, cached, prices)
            self._record(result, prices, time.perf_counter() - started)
            return result

    def _say(self, span: Any, result: Any, cached: int, prices: dict[str, float]) -> None:
        usage = result.usage
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.provider.name", "openai")
        span.set_attribute("gen_ai.request.model", "gpt-4o-mini")
        span.set_attribute("gen_ai.response.model", result.model)
        span.set_attribute("gen_ai.response.id", result.id)
        reasons = [choice.finish_reason for choice in result.choices]
        span.set_attribute("gen_ai.response.finish_reasons", reasons)
        span.set_attribute("server.address", "api.openai.com")
        span.set_attribute("server.port", 443)
        span.set_attribute("openai.response.service_tier", result.service_tier)
        span.set_attribute("openai.response.system_fingerprint", result.system_fingerprint)
        span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)
        span.set_attribute("gen_ai.usage.cache_read.input_tokens", cached)
        reasoning = usage.completion_tokens_details.reasoning_tokens
        span.set_attribute("gen_ai.usage.reasoning.output_tokens", reasoning)
        span.set_attribute("gen_ai.usage.cost", sum(prices.values()))
        for part, amount in prices.items():
            span.set_attribute(f"llmcost.cost.{part}", amount)
        span.set_attribute("llmcost.status", "exact")
        span.set_attribute("llmcost.price.version", "2026-11-22")

    def _record(self, result: Any, prices: dict[str, float], seconds: float) -> None:
        usage = result.usage
        labels = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.response.model": result.model,
            "llmcost.service_tier": "standard",
        }
        for part, amount in prices.items():
            self._cost.add(amount, {**labels, "llmcost.component": part, "llmcost.status": "exact"})
        self._calls.add(1, {**labels, "llmcost.status": "exact"})
        self._sizes.record(usage.prompt_tokens, {**labels, "gen_ai.token.type": "input"})
        self._sizes.record(usage.completion_tokens, {**labels, "gen_ai.token.type": "output"})
        self._duration.record(seconds, labels)
        if not self._every:
            return
        cached = usage.prompt_tokens_details.cached_tokens
        reasoning = usage.completion_tokens_details.reasoning_tokens
        for meter, tokens in (
            ("input", usage.prompt_tokens - cached),
            ("cache_read", cached),
            ("output", usage.completion_tokens - reasoning),
            ("output_reasoning", reasoning),
        ):
            self._tokens.add(tokens, {**labels, "llmcost.meter": meter})
        self._savings.add(cached * 0.075 / 1e6, labels)


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


class Variant:
    """What a turn runs; `collect` is None until enough calls were made for a collection."""

    def __init__(
        self, call: Callable[[], Any], stream: Callable[[], None], reader: InMemoryMetricReader
    ) -> None:
        self.call, self.stream, self.reader = call, stream, reader
        self._calls = 0

    def turn(self) -> dict[str, float | None]:
        """Microseconds of CPU of a call, of a streamed event, and of collecting metrics, for a call."""
        self.call()
        call = timed(self.call, BATCH)
        event = timed(self.stream, 1) / STREAM_EVENTS
        self._calls += BATCH + 2
        collect = None
        if self._calls >= COLLECTED:
            collect = timed(self.reader.get_metrics_data, 1) / self._calls
            self._calls = 0
        gc.collect()
        return {"call": call, "event": event, "collect": collect}


def variant(name: str) -> Variant:
    reader, client = set_up(), make_client()
    plain = lambda: client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)  # noqa: E731
    if name == "otel-llmcost":
        import otel_llmcost

        otel_llmcost.instrument()
    elif name in PEERS:
        importlib.import_module(PEERS[name]).OpenAIInstrumentor().instrument()
    call = Floor(client, every=name == "same").call if name in ("floor", "same") else plain
    return Variant(call, drained(client), reader)


def main(name: str) -> None:
    asked = variant(name)
    gc.disable()
    for _ in sys.stdin:
        print(json.dumps(asked.turn()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
