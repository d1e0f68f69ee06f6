"""How long the shipped prices take to load, and how much memory they hold.

    python benchmarks/bench_load.py

Each figure is of a process of its own: the first load of a fresh interpreter, files in the page cache.
Aim: at most 10 ms and 5 MB for the prices that a program uses.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

CHILD = """
import json, sys, time, tracemalloc
from otel_llmcost.call import Call
from otel_llmcost.prices import load_book
providers = json.loads(sys.argv[1])
if sys.argv[2] == "memory":
    tracemalloc.start()
started = time.perf_counter()
book = load_book()
loaded = time.perf_counter()
for provider, model in providers:
    book.price(Call(provider=provider, response_model=model, usage={"input": 1000, "output": 100}))
priced = time.perf_counter()
held = tracemalloc.get_traced_memory()[0] if sys.argv[2] == "memory" else 0
print(json.dumps([loaded - started, priced - loaded, held]))
"""
FIRST = {
    "the book alone": [],
    "and a first price at OpenAI": [("openai", "gpt-6.2-sol")],
    "and at OpenAI, Anthropic, Gemini": [
        ("openai", "gpt-6.2-sol"),
        ("anthropic", "claude-opus-5-5"),
        ("gcp.gemini", "gemini-3.8-flash"),
    ],
    "and at all of the largest": [
        ("openrouter", "openai/gpt-5"),
        ("openai", "gpt-6.2-sol"),
        ("aws.bedrock", "us.anthropic.claude-opus-5-5"),
        ("azure.ai.openai", "gpt-4.1"),
        ("gcp.vertex_ai", "claude-opus-5-5"),
        ("fireworks_ai", "accounts/fireworks/models/kimi-k2-instruct"),
    ],
}
ROUNDS = 7


def run(models: list[tuple[str, str]], kind: str) -> list[float]:
    """[seconds to load, seconds of the first prices, bytes held] of one fresh process."""
    command = [sys.executable, "-c", CHILD, json.dumps(models), kind]
    return list(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def main() -> None:
    print(f"{'':36}{'load ms':>10}{'first price ms':>16}{'held MB':>10}")
    for name, models in FIRST.items():
        rounds = [run(models, "time") for _ in range(ROUNDS)]
        load, price = (1000 * median(figures) for figures in list(zip(*rounds, strict=True))[:2])
        held = run(models, "memory")[2] / 1e6
        print(f"{name:36}{load:10.1f}{price:16.1f}{held:10.1f}")


if __name__ == "__main__":
    main()
