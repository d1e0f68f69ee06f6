"""The page on the ledger names every file that programs leave there."""

from __future__ import annotations

import re
from pathlib import Path

from .conftest import World

PAGE = Path(__file__).parents[2] / "docs" / "ledger.md"
SETTINGS = """
[budgets.all]
amount = "5.00"
scope = "machine"
action = "block"
"""
# whatever keeps something beside the calls: a session, work that is paid later, a span of the program's own
PROGRAM = """
import openai
from opentelemetry import trace
from otel_llmcost import session
ai = openai.OpenAI()
with session("run-1"):
    made = ai.responses.create(model="gpt-4.1", input="hello", background=True, max_output_tokens=500)
    while ai.responses.retrieve(made.id).status != "completed": pass
tracer = trace.get_tracer("shop.gateway")
with tracer.start_as_current_span("chat", kind=trace.SpanKind.CLIENT, attributes={
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4.1",
    "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 10,
}):
    pass
"""


def listed() -> set[str]:
    """First column of the page's table of files: names beside the ledger."""
    table = PAGE.read_text(encoding="utf-8").partition("| file |")[2].partition("\n\n")[0]
    return {
        name
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for name in re.findall("`(.+?)`", row)
    }


def test_the_page_of_the_ledger_lists_the_files_that_programs_leave(world: World) -> None:
    (world.folder / "otel-llmcost.toml").write_text(SETTINGS)
    world.run(PROGRAM)
    left = {path.name for path in world.ledger.iterdir()}
    named = {name.partition("/")[0] for name in listed()}
    assert left - named == set()
    made_on_the_way = {"ledger.sqlite3-wal", "ledger.sqlite3-shm"}
    made_when_calls_are_lost = {"losses.jsonl"}
    assert named - left - made_on_the_way == made_when_calls_are_lost
