"""Budgets from code say the same as budgets of the settings file."""

from __future__ import annotations

import pytest

from otel_llmcost.budgets import Budget, define_budget, parse_budgets, parse_window
from otel_llmcost.errors import ConfigurationError
from otel_llmcost.money import femto


def test_the_words_of_the_file_make_the_same_budget() -> None:
    words = {
        "amount": "25.00",
        "window": "day",
        "timezone": "Europe/Berlin",
        "tags": {"team": "search"},
        "action": "block",
        "scope": "machine",
    }
    (of_file,) = parse_budgets({"search": words}).budgets
    of_code = define_budget(
        "search", "25.00", window="day", timezone="Europe/Berlin", tags={"team": "search"}, action="block",
        scope="machine",
    )  # fmt: skip
    assert of_code == of_file
    assert of_code.amount == femto("25")
    assert define_budget("b", 1) == Budget("b", femto("1"), window=parse_window("month"))


def test_plain_names_of_providers_are_understood() -> None:
    budget = define_budget("b", "1", providers=["gemini", "bedrock", "openai"])
    assert budget.providers == ("gcp.gemini", "aws.bedrock", "openai")
    assert budget.covers_model("gcp.gemini", "gemini-2.5-pro")


@pytest.mark.parametrize(
    ("amount", "more", "told"),
    [
        ("a lot", {}, "budgets.b.amount"),
        ("1", {"action": "blok"}, "observe, warn, block"),
        ("1", {"windw": "day"}, "did you mean 'window'"),
    ],
)
def test_a_mistake_is_raised_with_what_is_allowed(amount: str, more: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        define_budget("b", amount, **more)  # type: ignore[arg-type]
