"""Many calls, one in ten a stream that is left: prints memory, threads and open spans on the way as JSON."""

from __future__ import annotations

import gc
import json
import resource
import sys
import threading
from pathlib import Path

import httpx2
import openai
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

import otel_llmcost
from otel_llmcost.runtime import runtime
from otel_llmcost.watch.guard import contained

from .replies import InProcess, by_path

ASK = [{"role": "user", "content": "Where?"}]


class Count(SpanProcessor):
    """How many spans started and ended."""

    started = ended = 0

    def on_start(self, span: object, parent_context: object = None) -> None:
        self.started += 1

    def on_end(self, span: ReadableSpan) -> None:
        self.ended += 1


def resident_kb() -> int:
    """Resident memory now; where the system does not tell, the most it ever was."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text(encoding="ascii").split()[1]) * resource.getpagesize() // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def join_ledger_threads() -> None:
    """The thread that fills the ledger ends by itself; while it collects garbage, `gc.collect()` here does nothing."""
    for thread in threading.enumerate():
        if thread.name == "otel-llmcost-ledger":
            thread.join()


def main(calls: int) -> None:
    """Make the calls, measuring ten times."""
    count = Count()
    provider = TracerProvider()
    provider.add_span_processor(count)
    trace.set_tracer_provider(provider)
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    otel_llmcost.instrument()
    settled = [0]
    runtime().settler.listeners.append(lambda call, priced: settled.__setitem__(0, settled[0] + 1))
    client = openai.OpenAI(api_key="none", http_client=httpx2.Client(transport=InProcess(by_path)))
    create = client.chat.completions.create
    measured = []
    for number in range(calls):
        if number % 10:
            create(model="gpt-4o-mini", messages=ASK)
        else:
            next(iter(create(model="gpt-4o-mini", messages=ASK, stream=True)))
        if (number + 1) % (calls // 10) == 0:
            join_ledger_threads()
            gc.collect()
            reader.get_metrics_data()
            measured.append(
                {
                    "resident_kb": resident_kb(),
                    "threads": threading.active_count(),
                    "open_spans": count.started - count.ended,
                }
            )
    print(json.dumps({"settled": settled[0], "contained": contained(), "measured": measured}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
