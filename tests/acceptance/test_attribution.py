"""Who spent it: the program's own words, settings, baggage and sessions, told the same everywhere."""

from __future__ import annotations

import json
from decimal import Decimal

from otel_llmcost.money import as_decimal

from .conftest import World
from .ledger_sum import ledger_calls

MINI = (Decimal(1200) * Decimal("0.15") + Decimal(300) * Decimal("0.60")) / 10**6
CLAUDE = (Decimal(400) * 3 + Decimal(10) * 15) / 10**6
GPT_4_1 = (Decimal(2000) * 2 + Decimal(500) * 8) / 10**6
MINI_AT_GPT_5 = (Decimal(1200) * Decimal("1.25") + Decimal(300) * 10) / 10**6

START = """
import asyncio, json, sys
from concurrent.futures import ThreadPoolExecutor
import anthropic, openai, otel_llmcost
from otel_llmcost import *
from opentelemetry import baggage, context, trace
ask = [{"role": "user", "content": "hi"}]
client, claude = openai.OpenAI(), anthropic.Anthropic()
def mini(**more):
    return client.chat.completions.create(model="gpt-4o-mini", messages=ask, **more)
def sonnet(**more):
    return claude.messages.create(model="claude-sonnet-4-5", max_tokens=10, messages=ask, **more)
"""


def by(world: World, *names: str) -> dict[tuple[str, ...], Decimal]:
    """Exact sums of the ledger's rows by tags; `tag:` names own ones."""
    found: dict[tuple[str, ...], Decimal] = {}
    for row in ledger_calls(world.ledger):
        key = tuple(
            row.tags.own.get(name[4:], "") if name.startswith("tag:") else getattr(row.tags, name)
            for name in names
        )
        found[key] = found.get(key, Decimal(0)) + as_decimal(row.amount or 0)
    return found


def test_nested_sources_over_threads_and_tasks(world: World) -> None:
    world.run(
        START
        + """
with track_source("outer"):
    mini()
    with track_source("inner"), tag(team="search", tenant="acme"), stage("reason"):
        sonnet()
        with ThreadPoolExecutor(4) as pool:
            carried = [pool.submit(carry(mini)) for _ in range(4)]
            alone = [pool.submit(mini) for _ in range(2)]
            [one.result() for one in carried + alone]
    mini()
async def work(number, asked):
    async with track_source(f"task{number % 3}"):
        await asked.chat.completions.create(model="gpt-4o-mini", messages=ask)
        with stage("stream"):
            stream = await asked.chat.completions.create(
                model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True}
            )
            async for _ in stream: pass
async def main():
    async with openai.AsyncOpenAI() as asked:
        with tag(team="batch"):
            await asyncio.gather(*[work(number, asked) for number in range(6)])
asyncio.run(main())
""",
        OTEL_LLMCOST_TAGS="floor=3",
        OTEL_RESOURCE_ATTRIBUTES="llmcost.team=platform,llmcost.tag.site=west",
        OTEL_LLMCOST_METRIC_TAGS="source,team,tenant",
    )
    assert by(world, "source", "stage", "team", "tag:tenant") == {
        ("outer", "", "platform", ""): 2 * MINI,
        ("inner", "reason", "search", "acme"): CLAUDE + 4 * MINI,
        ("", "", "platform", ""): 2 * MINI,
        **{(f"task{number}", "", "batch", ""): 2 * MINI for number in range(3)},
        **{(f"task{number}", "stream", "batch", ""): 2 * MINI for number in range(3)},
    }
    assert by(world, "tag:floor", "tag:site") == {("3", "west"): CLAUDE + 20 * MINI}
    total = world.sink.total
    assert total("llm.cost", llmcost__team="search", llmcost__tag__tenant="acme") == CLAUDE + 4 * MINI
    assert total("llm.cost", llmcost__team="batch") == 12 * MINI
    spans = [span for span in world.sink.priced if span.attributes.get("llmcost.stage") == "reason"]
    assert {(span.attributes["llmcost.source"], span.attributes["llmcost.tag.tenant"]) for span in spans} == {
        ("inner", "acme")
    }
    assert len(spans) == 5


SETTINGS = """
[baggage]
in = ["tenant", "team"]
out = ["team"]
[[rules]]
host = "127.0.0.1"
model = "claude*"
set = { feature = "claude" }
[[rules]]
module = "__main__"
set = { feature = "main", tenant = "ruled" }
[use_cases.coding]
model = "gpt-4o-mini"
tags = { team = "agents" }
[budgets.searchers]
amount = "0.000001"
window = "total"
tags = { team = "search" }
action = "block"
"""


def test_settings_baggage_and_use_cases(world: World) -> None:
    (world.folder / "otel-llmcost.toml").write_text(SETTINGS, encoding="utf-8")
    done = world.run(
        START
        + """
sonnet()
context.attach(baggage.set_baggage("team", "search", baggage.set_baggage("other", "theirs")))
mini()                                   # what came in is told, and chooses no budget
CostTracker().record("openai", "gpt-4o-mini", 1200, 300)
sonnet()
with tag(team="mine"):
    sonnet()
case = get_llm_client("coding")
case.with_options(timeout=9).chat.completions.create(model=get_model_for_use_case("coding"), messages=ask)
try:
    get_llm_client("cooking")
except ConfigurationError as problem:
    print(problem)
with tag(team="search"):
    try:
        mini()
    except BudgetExceeded as refused:
        print(refused.budget)
print([(state.name, state.refused) for state in budget_status()])
"""
    )
    unknown, refused, states = done.stdout.splitlines()
    assert "cooking" in unknown
    assert unknown.endswith("allowed: coding")
    assert (refused, states) == ("searchers", "[('searchers', 1)]")
    assert by(world, "feature", "team", "source", "tag:tenant") == {
        ("claude", "", "", "ruled"): CLAUDE,
        ("claude", "search", "", "ruled"): CLAUDE,
        ("claude", "mine", "", "ruled"): CLAUDE,
        ("main", "search", "", "ruled"): 2 * MINI,
        ("main", "agents", "coding", "ruled"): MINI,
    }
    sent = [
        request.headers.get("baggage", "") for request in world.anthropic.requests + world.openai.requests
    ]
    assert set(sent) <= {"", "other=theirs"}
    (named,) = {
        span.attributes["llmcost.budget.name"]
        for span in world.sink.spans
        if span.attributes.get("error.type") == "BudgetExceeded"
    }
    assert named == "searchers"
    assert world.sink.total("llmcost.budget.refused", budget="searchers") == 1


def test_an_own_gateway_is_told_the_tags_that_may_go_out(world: World) -> None:
    (world.folder / "otel-llmcost.toml").write_text('[baggage]\nout = ["team"]\n', encoding="utf-8")
    hosts = f"127.0.0.1:{world.openai.port}=openai,127.0.0.1:{world.anthropic.port}=delegated"
    world.run(START + "with tag(team='mine', secret='s'): sonnet()\n", OTEL_LLMCOST_HOSTS=hosts)
    assert [request.headers.get("baggage") for request in world.anthropic.requests] == ["team=mine"]


def test_people_are_the_same_in_every_process_and_never_plain_unasked(world: World) -> None:
    program = START + "with tag(user='alice'): mini(user='found')\nsonnet(metadata={'user_id': 'bob'})\n"
    world.run(program)
    world.run(program)
    (hashed,) = {row.tags.user for row in ledger_calls(world.ledger)} - {""}
    assert hashed.startswith("h:")
    assert by(world, "user") == {(hashed,): 2 * MINI, ("",): 2 * CLAUDE}
    world.run(program, OTEL_LLMCOST_PEOPLE="plain")
    world.run(program, OTEL_LLMCOST_PEOPLE="off")
    assert by(world, "user") == {
        (hashed,): 2 * MINI,
        ("alice",): MINI,
        ("bob",): CLAUDE,
        ("",): 3 * CLAUDE + MINI,
    }


def test_a_session_equals_its_hand_made_sums_everywhere(world: World) -> None:
    done = world.run(
        START
        + """
with session("run-1", {"commit": "abc"}, task="build", mode="fast", against="gpt-5", summary=sys.stderr) as s:
    with s.phase(1, "plan"):
        mini()
    with s.phase(2, "review"), ThreadPoolExecutor(2) as pool:
        [one.result() for one in [pool.submit(carry(mini)) for _ in range(3)]]
    sonnet()
    before = s.usd
    CostTracker().record("openai", "gpt-4o-mini", 1200, 300)
    with trace.get_tracer("my.own").start_as_current_span("chat", attributes={
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1",
        "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.output_tokens": 500,
    }): pass
    after = s.usd
kept = session_metrics("run-1", against="gpt-5")
print(json.dumps({
    "live": [s.calls, str(before), str(after), s.status],
    "kept": [kept.costs.sums.calls, str(kept.costs.sums.cost), kept.status, str(kept.compared.would_cost)],
    "stages": {one.stage: str(one.sums.cost) for one in kept.costs.stages},
    "compared": {stage: str(one.would_cost) for stage, one in kept.stages_compared.items()},
    "phases": {row.keys[0]: str(row.cost) for row in report("today", by="tag:phase,day").rows},
    "saved": [str(savings("gpt-5", "all", session="run-1").saved_usd), str(s.savings.saved_usd)],
    "total": str(totals("all", session="run-1").cost),
}))
"""
    )
    told = json.loads(done.stdout)
    calls, before, after, status = told["live"]
    assert (calls, status) == (7, "completed")
    assert Decimal(before) == 4 * MINI + CLAUDE
    assert Decimal(after) == Decimal(told["total"]) == 5 * MINI + CLAUDE + GPT_4_1
    at_gpt_5 = 5 * MINI_AT_GPT_5 + (Decimal(2400) * Decimal("1.25") + Decimal(510) * 10) / 10**6
    kept_calls, cost, kept_status, would_cost = told["kept"]
    assert (kept_calls, kept_status, Decimal(cost)) == (7, "completed", 5 * MINI + CLAUDE + GPT_4_1)
    assert as_decimal(int(would_cost)) == at_gpt_5
    assert [Decimal(saved) for saved in told["saved"]] == [at_gpt_5 - 5 * MINI - CLAUDE - GPT_4_1] * 2
    stages = {stage: Decimal(amount) for stage, amount in told["stages"].items()}
    assert stages == {"plan": MINI, "review": 3 * MINI, "": MINI + CLAUDE + GPT_4_1}
    compared = {stage: as_decimal(int(amount)) for stage, amount in told["compared"].items()}
    assert compared["review"] == 3 * MINI_AT_GPT_5
    phases = {phase: Decimal(amount) for phase, amount in told["phases"].items()}
    assert phases == {"1": MINI, "2": 3 * MINI, "": MINI + CLAUDE + GPT_4_1}
    assert done.stderr.startswith("session run-1 (build fast) completed")
