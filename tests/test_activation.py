"""Switching watching on, in code: what is no client is refused, and budgets that would see no call say so."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import anthropic
import openai
import pytest

import otel_llmcost
from otel_llmcost.errors import LlmCostError, UsageError


@pytest.fixture(autouse=True)
def switched_off_again() -> Iterator[None]:
    yield
    otel_llmcost.use_budgets()
    otel_llmcost.uninstrument()


NO_CLIENTS = [openai, openai.OpenAI, openai.OpenAI(api_key="none").chat, object(), 1, "openai"]


@pytest.mark.parametrize("value", NO_CLIENTS, ids=lambda value: type(value).__name__)
def test_what_is_no_client_is_refused(value: object) -> None:
    with pytest.raises(
        UsageError, match=r"^client is .*; allowed: an instance of a client class of openai or"
    ):
        otel_llmcost.instrument(value)


@pytest.mark.parametrize(
    "client",
    [openai.AsyncOpenAI(api_key="none"), anthropic.Anthropic(api_key="none")],
    ids=["openai", "anthropic"],
)
def test_one_client_of_either_sdk_is_watched_alone(client: object) -> None:
    otel_llmcost.instrument(client)


def test_an_sdk_that_is_none_of_ours_is_a_value_error_under_our_root() -> None:
    with pytest.raises(ValueError, match="no such SDK: cohere; supported: openai, anthropic") as caught:
        otel_llmcost.instrument(sdks=["cohere"])
    assert isinstance(caught.value, LlmCostError)


def test_budgets_that_would_see_no_call_say_so(caplog: pytest.LogCaptureFixture) -> None:
    budget = otel_llmcost.define_budget("search", "5", action="block")
    with caplog.at_level(logging.WARNING, "otel_llmcost"):
        otel_llmcost.use_budgets(budget)
    assert "no SDK is watched yet" in caplog.text
    caplog.clear()
    otel_llmcost.instrument()
    with caplog.at_level(logging.WARNING, "otel_llmcost"):
        otel_llmcost.use_budgets(budget)
    assert "no SDK is watched" not in caplog.text
