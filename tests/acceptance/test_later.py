"""Work that is paid later: created `pending`, settled once, however often and by whomever its result is read."""

from __future__ import annotations

from decimal import Decimal

from .conftest import World
from .ledger_sum import ledger_calls, ledger_total

START = """
import anthropic, openai
ai, claude = openai.OpenAI(), anthropic.Anthropic()
"""
# 2,000 input at $2 and 500 output at $8 per million (gpt-4.1)
RESPONSE = (Decimal(2000) * 2 + Decimal(500) * 8) / 10**6
# batch tier of claude-sonnet-4-5: 400 input at $1.50, 250 output at $7.50
MESSAGE_IN_BATCH = (Decimal(400) * Decimal("1.5") + Decimal(250) * Decimal("7.5")) / 10**6
# batch tier of gpt-4.1-mini: 2,400 input at $0.20, 600 output at $0.80
OPENAI_BATCH = (Decimal(2400) * Decimal("0.2") + Decimal(600) * Decimal("0.8")) / 10**6


def test_a_background_response_is_settled_once_by_whoever_sees_it_first(world: World) -> None:
    program = (
        START
        + """
import os, sys
made = ai.responses.create(model="gpt-4.1", input="hello", background=True)
assert made.usage is None
children = []
for number in range(2):
    child = os.fork()
    if child == 0:
        ai = openai.OpenAI()  # connections of the parent are not to be shared: answers would cross
        while ai.responses.retrieve(made.id).status != "completed": pass
        ai.responses.retrieve(made.id)
        sys.exit(0)
    children.append(child)
for child in children: os.waitpid(child, 0)
ai.responses.retrieve(made.id)
print(made.id)
"""
    )
    done = world.run(program)
    pending, settled = sorted(ledger_calls(world.ledger), key=lambda row: row.status, reverse=True)
    assert (pending.status, pending.amount) == ("pending", None)
    assert settled.key == f"resp:127.0.0.1:{done.stdout.strip()}"
    assert ledger_total(world.ledger) == RESPONSE
    assert Decimal(str(world.sink.total("llm.cost"))) == RESPONSE
    (span,) = world.sink.priced
    assert Decimal(str(span.attributes["gen_ai.usage.cost"])) == RESPONSE
    assert span.attributes["llmcost.status"] == "exact"


def test_the_settle_span_is_linked_to_the_creating_one(world: World) -> None:
    program = (
        START
        + """
made = ai.responses.create(model="gpt-4.1", input="hello", background=True)
while ai.responses.retrieve(made.id).status != "completed": pass
"""
    )
    world.run(program)
    (span,) = world.sink.priced
    assert span.links == 1
    created = [other for other in world.sink.spans if other.attributes.get("llmcost.status") == "pending"]
    assert len(created) == 1
    assert "gen_ai.usage.cost" not in created[0].attributes


def test_reading_a_response_that_was_paid_at_once_costs_nothing(world: World) -> None:
    program = (
        START
        + """
made = ai.responses.create(model="gpt-4.1", input="hello")
try:
    ai.responses.retrieve(made.id)
except openai.NotFoundError:
    pass
ai.models.list()
claude.messages.count_tokens(model="claude-sonnet-4-5", messages=[{"role": "user", "content": "x"}])
"""
    )
    world.run(program)
    assert ledger_total(world.ledger) == RESPONSE
    assert len(ledger_calls(world.ledger)) == 1


def test_each_result_of_a_batch_is_settled_once(world: World) -> None:
    program = (
        START
        + """
ask = {"model": "claude-sonnet-4-5", "max_tokens": 1000, "messages": [{"role": "user", "content": "x"}]}
batch = claude.messages.batches.create(
    requests=[{"custom_id": "a", "params": ask}, {"custom_id": "b", "params": ask}]
)
while claude.messages.batches.retrieve(batch.id).processing_status != "ended": pass
for _ in range(3):
    assert len(list(claude.messages.batches.results(batch.id))) == 2
for row in claude.messages.batches.results(batch.id):
    break
"""
    )
    world.run(program)
    rows = [row for row in ledger_calls(world.ledger) if row.amount]
    assert len(rows) == 2
    assert {row.key.split(":")[-1] for row in rows} == {"a", "b"}
    assert ledger_total(world.ledger) == 2 * MESSAGE_IN_BATCH
    assert Decimal(str(world.sink.total("llm.cost"))) == 2 * MESSAGE_IN_BATCH


def test_an_openai_batch_is_settled_from_its_own_usage(world: World) -> None:
    program = (
        START
        + """
batch = ai.batches.create(
    input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h", extra_body={"model": "gpt-4.1-mini"}
)
for _ in range(5):
    ai.batches.retrieve(batch.id)
"""
    )
    world.run(program)
    rows = [row for row in ledger_calls(world.ledger) if row.amount]
    assert [row.tier for row in rows] == ["batch"]
    assert ledger_total(world.ledger) == OPENAI_BATCH
