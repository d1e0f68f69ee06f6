"""The cost that LiteLLM's proxy tells in a header of its answers."""

from __future__ import annotations

import httpx2
import openai
import pytest

from otel_llmcost.call import code_of
from otel_llmcost.money import femto

from .conftest import World
from .replies import CHAT, InProcess

HEADER = "x-litellm-response-cost"
ASK = [{"role": "user", "content": "Where?"}]


def client(base_url: str, cost: str, model: str = "gpt-4o-mini") -> openai.OpenAI:
    answer = httpx2.Response(200, json={**CHAT, "model": model}, headers={HEADER: cost})
    http = httpx2.Client(transport=InProcess(lambda request: answer))
    return openai.OpenAI(api_key="none", base_url=base_url, max_retries=0, http_client=http)


def ask(
    world: World, base_url: str, cost: str, model: str = "gpt-4o-mini"
) -> tuple[str, int | None, list[str]]:
    client(base_url, cost, model).chat.completions.create(model=model, messages=ASK)
    _, priced = world.calls[-1]
    return priced.status, priced.amount, [code_of(reason) for reason in priced.reasons]


@pytest.mark.parametrize("base_url", ["http://localhost:4000", "https://gateway.example.com/v1"])
def test_a_gateways_figure_is_reported(world: World, base_url: str) -> None:
    assert ask(world, base_url, "0.00041") == ("reported", femto("0.00041"), ["reported"])
    assert ask(world, base_url, "1.5e-05")[:2] == ("reported", femto("0.000015"))


@pytest.mark.parametrize("cost", ["0", "0.0", "None", "nan", "-1", ""])
def test_what_is_no_cost_leaves_an_unknown_call_unpriced(world: World, cost: str) -> None:
    status, amount, reasons = ask(world, "http://localhost:4000", cost)
    assert (status, amount) == ("unpriced", None)
    assert reasons


def test_a_provider_itself_is_not_asked_for_it(world: World) -> None:
    # gpt-4o-mini: 1000 x 0.15 + 100 x 0.60 = 210 millionths
    assert ask(world, "https://api.openai.com/v1", "7")[:2] == ("exact", femto("0.00021"))
