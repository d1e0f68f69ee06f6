"""What pricing a call costs on its own thread, beside genai_prices.calc_price and litellm.completion_cost.

Run: python benchmarks/bench_price.py [--peers]. Prints microseconds of processor time a call, the least of many short
rounds (other programs only ever add; garbage collection off), and how that compares with the same sum by hand. With
--peers the two libraries are installed into an environment of their own (benchmarks/.envs/prices, about 300 MB) and
asked the same question; without it they are asked where that environment is there already.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tracemalloc
import venv
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns, process_time_ns

from otel_llmcost.call import Call
from otel_llmcost.prices import load_book

ENVIRONMENT = Path(__file__).parent / ".envs" / "prices"
PEERS = ("genai-prices==0.2.3", "litellm==1.106.2")
NOW = 1_795_348_800 * 10**9
CALLS, ROUNDS = 500, 400

ASK_PEERS = """
import gc, json, os, time
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
from genai_prices import Usage, calc_price
import litellm
def least(work, calls, rounds):
    gc.collect(); gc.disable()
    best = 1e18
    for _ in range(rounds):
        begin = time.process_time_ns()
        for _ in range(calls): work()
        best = min(best, time.process_time_ns() - begin)
    return best / calls / 1000
usage = Usage(input_tokens=1500, cache_read_tokens=500, output_tokens=264)
def genai(): return calc_price(usage, model_ref="gpt-5", provider_id="openai")
def genai_unknown():
    try: calc_price(usage, model_ref="gpt-99", provider_id="openai")
    except LookupError: pass
reply = litellm.ModelResponse(model="gpt-5", usage=litellm.Usage(
    prompt_tokens=1500, completion_tokens=264, total_tokens=1764, prompt_tokens_details={"cached_tokens": 500}))
def lite(): return litellm.completion_cost(completion_response=reply, model="gpt-5", custom_llm_provider="openai")
for work in (genai, genai_unknown, lite): work()
print(json.dumps({
    "genai_prices.calc_price, known model": least(genai, 20, 40),
    "genai_prices.calc_price, unknown model": least(genai_unknown, 20, 40),
    "litellm.completion_cost, known model": least(lite, 20, 40),
}))
"""


def least(work: Callable[[], object]) -> float:
    """Microseconds of processor time of one call of `work`, in the quietest round."""
    gc.collect()
    gc.disable()
    best = 10**18
    for _ in range(ROUNDS):
        begin = process_time_ns()
        for _ in range(CALLS):
            work()
        best = min(best, process_time_ns() - begin)
    gc.enable()
    return best / CALLS / 1000


def call(provider: str, model: str, **usage: int) -> Call:
    """A watched call as the SDK observers make it."""
    return Call(
        provider=provider,
        request_model=model,
        response_model=model,
        host="api.example.com",
        tier="standard",
        start_ns=NOW,
        end_ns=NOW + 10**9,
        usage=usage,
    )


def own_figures() -> dict[str, float]:
    """Our own figures, with the sum by hand that they stand beside."""
    book = load_book()
    flat = call("openai", "gpt-5", input=1000, cache_read=500, output=200, output_reasoning=64)
    steps = call("openai", "gpt-6.2-sol", input=1000, cache_read=500, output=200, output_reasoning=64)
    writes = call("anthropic", "claude-opus-5-5", input=1000, cache_read=500, cache_write_5m=100, output=200)
    unknown = call("openai", "gpt-99", input=1000, output=200)
    rates = {
        "input": 1250000000,
        "cache_read": 125000000,
        "output": 10000000000,
        "output_reasoning": 10000000000,
    }
    usage = flat.usage

    def by_hand() -> int:
        total = 0
        for meter, quantity in usage.items():
            total += int(quantity) * rates[meter]
        return total

    nothing = least(lambda: None)
    figures = {
        "the same sum by hand, four meters": by_hand,
        "known model (gpt-5)": lambda: book.price(flat),
        "known model with a threshold (gpt-6.2-sol)": lambda: book.price(steps),
        "known model with cache writes (claude-opus-5-5)": lambda: book.price(writes),
        "unknown model": lambda: book.price(unknown),
    }
    return {name: least(work) - nothing for name, work in figures.items()}


def loading() -> dict[str, float]:
    """Milliseconds and megabytes of the shipped prices."""
    best = 10**18
    for _ in range(9):
        begin = perf_counter_ns()
        load_book()
        best = min(best, perf_counter_ns() - begin)
    tracemalloc.start()
    kept = load_book()
    memory = tracemalloc.get_traced_memory()[0] / 1e6
    first = perf_counter_ns()
    kept.price(call("openai", "gpt-5", input=1))
    expanded = perf_counter_ns() - first
    tracemalloc.stop()
    return {
        "loading the shipped prices, ms": best / 1e6,
        "their memory, MB": memory,
        "the first call of a provider, ms (memory traced)": expanded / 1e6,
    }


def peer_figures(make: bool) -> dict[str, float]:
    """The two libraries' figures, {} where their environment is not there."""
    python = ENVIRONMENT / "bin" / "python"
    if make and not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS], check=True)
    if not python.exists():
        return {}
    answer = subprocess.run([python, "-c", ASK_PEERS], check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Prints one line for each figure."""
    own = own_figures()
    hand = next(iter(own.values()))
    for name, figure in own.items():
        print(f"{figure:8.2f} us  {figure / hand:5.1f}x  {name}")
    peers = peer_figures("--peers" in sys.argv)
    for name, figure in peers.items():
        print(f"{figure:8.2f} us  {figure / hand:5.1f}x  {name}")
    if not peers:
        print(
            "genai-prices and litellm: not asked; run with --peers to install them into an environment of their own"
        )
    for name, figure in loading().items():
        print(f"{figure:8.2f}     {name}")


if __name__ == "__main__":
    main()
