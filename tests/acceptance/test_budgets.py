"""A budget holds to the last digit, whatever the concurrency, with the real SDKs."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from decimal import Decimal

import pytest

from otel_llmcost.money import as_decimal

from .conftest import BIN, World
from .ledger_sum import ledger_calls, ledger_total

CHAT = (Decimal(1200) * Decimal("0.15") + Decimal(300) * Decimal("0.60")) / 10**6


def write_budget(world: World, *, amount: str, scope: str, action: str = "block") -> None:
    (world.folder / "otel-llmcost.toml").write_text(
        f"""
[budgets.test]
amount = "{amount}"
window = "day"
action = "{action}"
scope = "{scope}"
""",
        encoding="utf-8",
    )


# the prompt is long enough that its bytes bound the 1,200 tokens the provider bills
ASK = """
import openai, otel_llmcost
ask = [{"role": "user", "content": "x" * 1300}]
def call(client, counts):
    try:
        client.chat.completions.create(
            model="gpt-4o-mini", messages=ask, max_tokens=300, extra_headers={"x-demo-delay": "0.2"}
        )
        counts.append("done")
    except otel_llmcost.BudgetExceeded as refused:
        assert refused.budget == "test"
        assert refused.limit
        counts.append("refused")
"""

THREADS = (
    ASK
    + """
from concurrent.futures import ThreadPoolExecutor
client, counts = openai.OpenAI(max_retries=0), []
with ThreadPoolExecutor(100) as pool:
    for done in [pool.submit(call, client, counts) for _ in range(200)]:
        done.result()
print(counts.count("done"), counts.count("refused"))
"""
)

TASKS = """
import asyncio, openai, otel_llmcost
ask = [{"role": "user", "content": "x" * 1300}]
async def call(client, counts):
    try:
        await client.chat.completions.create(
            model="gpt-4o-mini", messages=ask, max_tokens=300, extra_headers={"x-demo-delay": "0.2"}
        )
        counts.append("done")
    except otel_llmcost.BudgetExceeded:
        counts.append("refused")
async def main():
    counts = []
    async with openai.AsyncOpenAI(max_retries=0) as client:
        await asyncio.gather(*[call(client, counts) for _ in range(200)])
    print(counts.count("done"), counts.count("refused"))
asyncio.run(main())
"""

PROCESSES = (
    ASK
    + """
import multiprocessing
from concurrent.futures import ThreadPoolExecutor
def work():
    client, counts = openai.OpenAI(max_retries=0), []
    with ThreadPoolExecutor(200) as pool:
        for done in [pool.submit(call, client, counts) for _ in range(200)]:
            done.result()
if __name__ == "__main__":
    workers = [multiprocessing.get_context("fork").Process(target=work) for _ in range(4)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
    assert all(worker.exitcode == 0 for worker in workers)
"""
)


@pytest.mark.parametrize("program", [THREADS, TASKS], ids=["threads", "tasks"])
@pytest.mark.parametrize("scope", ["process", "machine"])
def test_two_hundred_parallel_calls_never_overspend(world: World, program: str, scope: str) -> None:
    limit = 20 * CHAT
    write_budget(world, amount=str(limit), scope=scope)
    done = world.run(program)
    passed, refused = map(int, done.stdout.split())
    assert passed + refused == 200
    assert 0 < passed <= 20
    assert ledger_total(world.ledger) == passed * CHAT <= limit
    assert len(world.openai.requests) == passed
    refusals = [row for row in ledger_calls(world.ledger) if row.error_type == "BudgetExceeded"]
    assert len(refusals) == refused


@pytest.mark.parametrize(("scope", "amounts"), [("machine", 1), ("process", 4)])
def test_four_processes_of_two_hundred_calls_each(world: World, scope: str, amounts: int) -> None:
    limit = 20 * CHAT
    write_budget(world, amount=str(limit), scope=scope)
    world.run(PROCESSES)
    found = ledger_calls(world.ledger)
    spent = Counter(row.pid for row in found if row.amount)
    assert sum(spent.values()) == len(world.openai.requests)
    assert ledger_total(world.ledger) == len(world.openai.requests) * CHAT <= amounts * limit
    assert max(spent.values()) <= 20
    assert len(found) == 4 * 200
    if scope == "process":
        assert len(spent) == 4


ONE_BY_ONE = (
    ASK
    + """
client, counts = openai.OpenAI(max_retries=0), []
for _ in range(12): call(client, counts)
print(counts.count("done"))
"""
)
RECYCLED = (
    ASK
    + """
import multiprocessing
def work(queue):
    client, counts = openai.OpenAI(max_retries=0), []
    for _ in range(12): call(client, counts)
    queue.put(counts.count("done"))
if __name__ == "__main__":
    fork, done = multiprocessing.get_context("fork"), 0
    for _ in range(2):
        queue = fork.Queue()
        worker = fork.Process(target=work, args=(queue,))
        worker.start()
        done += queue.get()
        worker.join()
    print(done)
"""
)


@pytest.mark.parametrize("scope", ["process", "machine"])
def test_after_a_restart_the_spend_is_what_it_was(world: World, scope: str) -> None:
    write_budget(world, amount=str(20 * CHAT), scope=scope)
    first, second = int(world.run(ONE_BY_ONE).stdout), int(world.run(ONE_BY_ONE).stdout)
    assert first == 12
    assert 18 <= first + second <= 20  # the last ones are refused for their bound
    assert ledger_total(world.ledger) == (first + second) * CHAT


@pytest.mark.parametrize("scope", ["process", "machine"])
def test_a_recycled_worker_goes_on_where_the_last_one_was(world: World, scope: str) -> None:
    write_budget(world, amount=str(20 * CHAT), scope=scope)
    assert 18 <= int(world.run(RECYCLED).stdout) <= 20


def test_refusals_of_other_processes_are_counted(world: World) -> None:
    write_budget(world, amount=str(5 * CHAT), scope="process")
    assert int(world.run(ONE_BY_ONE).stdout) <= 5
    world.run(ONE_BY_ONE)
    status = subprocess.run(
        [str(BIN / "otel-llmcost"), "budget", "status", "--json"],
        env=world.environment(),
        cwd=world.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    [state] = json.loads(status.stdout)
    refused = [row for row in ledger_calls(world.ledger) if row.error_type == "BudgetExceeded"]
    assert state["refused"] == len(refused) >= 19
    assert Decimal(state["spent"]) == ledger_total(world.ledger)


def test_every_way_of_calling_is_refused_before_the_request_leaves(world: World) -> None:
    write_budget(world, amount="0.000000001", scope="process")
    program = """
import anthropic, asyncio, openai, otel_llmcost
ask = [{"role": "user", "content": "hello"}]
ai, claude = openai.OpenAI(), anthropic.Anthropic()
ways = [
    lambda: ai.chat.completions.create(model="gpt-4o-mini", messages=ask),
    lambda: ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True),
    lambda: ai.chat.completions.with_raw_response.create(model="gpt-4o-mini", messages=ask),
    lambda: ai.responses.create(model="gpt-4.1", input="hello"),
    lambda: ai.embeddings.create(model="text-embedding-3-small", input="hello"),
    lambda: claude.messages.create(model="claude-sonnet-4-5", max_tokens=10, messages=ask),
    lambda: claude.messages.stream(model="claude-sonnet-4-5", max_tokens=10, messages=ask).__enter__(),
    lambda: asyncio.run(openai.AsyncOpenAI().chat.completions.create(model="gpt-4o-mini", messages=ask)),
    lambda: asyncio.run(
        anthropic.AsyncAnthropic().messages.create(model="claude-sonnet-4-5", max_tokens=10, messages=ask)
    ),
]
for way in ways:
    try:
        way()
    except otel_llmcost.BudgetExceeded:
        continue
    raise SystemExit("not refused")
ai.models.list()
"""
    world.run(program)
    assert [request.path for request in world.openai.requests] == ["/v1/models"]
    assert world.anthropic.requests == []
    assert world.sink.total("llm.calls") == 9
    refused = [span for span in world.sink.spans if span.attributes.get("error.type") == "BudgetExceeded"]
    assert len(refused) == 9


def test_a_warning_budget_says_so_once_and_on_the_span(world: World) -> None:
    write_budget(world, amount=str(2 * CHAT), scope="process", action="warn")
    program = (
        ASK
        + """
client, counts = openai.OpenAI(), []
for _ in range(4): call(client, counts)
assert counts == ["done"] * 4
"""
    )
    done = world.start(program)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("100") >= 1
    (spent,) = {point.value for point in world.sink.latest("llmcost.budget.spent")}
    assert Decimal(repr(spent)) == 4 * CHAT
    assert as_decimal(sum(row.amount or 0 for row in ledger_calls(world.ledger))) == 4 * CHAT


def test_a_mistake_in_a_blocking_budget_is_told_at_start(world: World) -> None:
    write_budget(world, amount="a lot", scope="process")
    program = """
import otel_llmcost
try:
    otel_llmcost.instrument()
except otel_llmcost.ConfigurationError as problem:
    print(problem)
"""
    done = world.start(program, wrapper=())
    assert "otel-llmcost.toml:3" in done.stdout
    assert "amount" in done.stdout


def test_a_mistake_in_a_blocking_budget_keeps_no_call_from_being_counted(world: World) -> None:
    write_budget(world, amount="a lot", scope="process")
    done = world.start(
        ASK + "client, counts = openai.OpenAI(), []\ncall(client, counts)\nassert counts == ['done']\n"
    )
    assert done.returncode == 0, done.stderr
    assert "otel-llmcost.toml:3" in done.stderr
    assert "failed (" not in done.stderr
    assert as_decimal(sum(row.amount or 0 for row in ledger_calls(world.ledger))) == CHAT
