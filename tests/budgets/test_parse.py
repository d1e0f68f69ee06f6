"""Budgets from TOML: every key, and mistakes that name file, line, key, value and what is allowed."""

from __future__ import annotations

import pytest

from otel_llmcost.budgets import Budget, ParsedBudgets, parse_budgets, parse_window
from otel_llmcost.money import femto
from otel_llmcost.toml_source import TomlTable, parse_toml


def parse(text: str) -> ParsedBudgets:
    table = parse_toml(text, "otel-llmcost.toml").table.get("budgets")
    assert table is None or isinstance(table, TomlTable)
    return parse_budgets(table, "otel-llmcost.toml")


def test_every_key() -> None:
    parsed = parse(
        """
        [budgets.search]
        amount = "25.50"
        window = "day"
        timezone = "Europe/Berlin"
        providers = ["openai", "anthropic"]
        models = ["gpt-*"]
        tags = { team = "search", stage = ["plan", "act"], tier = "gold" }
        thresholds = [100, 50]
        action = "block"
        on_unpriced = "allow"
        scope = "machine"
        on_unreachable = "closed"
        conversations = 5
        carry_over = false
        """
    )
    assert parsed.problems == parsed.fatal == []
    assert parsed.budgets == [
        Budget(
            name="search",
            amount=femto("25.5"),
            window=parse_window("day", "Europe/Berlin"),
            providers=("openai", "anthropic"),
            models=("gpt-*",),
            tags={"team": ("search",), "stage": ("plan", "act"), "tier": ("gold",)},
            thresholds=(50, 100),
            action="block",
            on_unpriced="allow",
            scope="machine",
            on_unreachable="closed",
            conversations=5,
            carry_over=False,
        )
    ]


def test_an_amount_is_enough() -> None:
    (budget,) = parse("[budgets.all]\namount = 10").budgets
    assert (budget.amount, budget.action, budget.scope, budget.thresholds) == (
        femto("10"),
        "warn",
        "process",
        (80, 90, 100),
    )
    assert (budget.window.kind, budget.window.zone, budget.on_unreachable) == ("month", "UTC", "open")


@pytest.mark.parametrize("amount", ["0.1", '"0.1"', "1e-1"])
def test_amounts_are_exact(amount: str) -> None:
    assert parse(f"[budgets.all]\namount = {amount}").budgets[0].amount == 10**14


def test_no_budgets_no_problem() -> None:
    assert parse("").budgets == []
    assert parse_budgets(None).budgets == []


@pytest.mark.parametrize(
    ("line", "key", "told"),
    [
        ("amount = -1", "amount", "not negative"),
        ("amount = true", "amount", "USD"),
        ("amount = nan", "amount", "USD"),
        ('amount = "ten"', "amount", "USD"),
        ('amount = "1e-20"', "amount", "15 decimals"),
        ('window = "fortnight"', "window", "hour, day, week, month, total, conversation"),
        ('window = "rolling"', "window", "rolling 24h"),
        ("window = 5", "window", "hour, day"),
        ('timezone = "Europe/Atlantis"', "timezone", "Europe/Berlin"),
        ('action = "stop"', "action", "observe, warn, block"),
        ('scope = "fleet"', "scope", "process, machine"),
        ('on_unpriced = "maybe"', "on_unpriced", "refuse, allow"),
        ('on_unreachable = "ajar"', "on_unreachable", "open, closed"),
        ("thresholds = [0, 50]", "thresholds", "per cents"),
        ("thresholds = 80", "thresholds", "per cents"),
        ("thresholds = [0.8]", "thresholds", "per cents"),
        ("providers = []", "providers", "list of names"),
        ("models = [5]", "models", "list of names"),
        ("tags = { team = 5 }", "tags", "a table"),
        ('tags = "search"', "tags", "a table"),
        ("conversations = 0", "conversations", "1 to"),
        ("carry_over = 0", "carry_over", "true or false"),
        ("limit = 5", "limit", "amount, window"),
        ('windw = "day"', "windw", "did you mean 'window'"),
    ],
)
def test_a_mistake_names_file_line_key_value_and_what_is_allowed(line: str, key: str, told: str) -> None:
    head = "" if line.startswith("amount") else "amount = 5\n"
    parsed = parse(f"[budgets.fine]\namount = 1\n\n[budgets.bad]\n{head}{line}\n")
    assert [budget.name for budget in parsed.budgets] == ["fine"]
    (problem,) = parsed.problems
    assert problem.file == "otel-llmcost.toml"
    assert problem.line == (6 if head else 5)
    assert problem.key == f"budgets.bad.{key}"
    assert told in str(problem)
    assert str(problem).startswith(f"otel-llmcost.toml:{problem.line}: budgets.bad.{key}: ")


def test_a_missing_amount_points_at_the_table() -> None:
    (problem,) = parse('\n\n[budgets.bad]\naction = "warn"\n').problems
    assert problem.line in (3, 4)
    assert "is missing" in str(problem)


def test_every_mistake_of_a_budget_is_named() -> None:
    assert len(parse('[budgets.bad]\namount = -1\nwindow = "x"\nscope = "y"').problems) == 3


def test_a_budget_must_be_a_table() -> None:
    for text in ("[budgets]\nall = 5", "[[budgets.all]]\namount = 5"):
        (problem,) = parse(text).problems
        assert "[budgets.all]" in str(problem)


@pytest.mark.parametrize(
    ("text", "fatal"),
    [
        ('[budgets.a]\namount = "x"\naction = "block"', 1),
        ('[budgets.a]\namount = 5\naction = "blok"', 1),
        ('[budgets.a]\namount = "x"\naction = "warn"', 0),
        ('[budgets.a]\namount = "x"', 0),
    ],
)
def test_mistakes_in_what_should_block_are_fatal(text: str, fatal: int) -> None:
    parsed = parse(text)
    assert len(parsed.problems) == 1
    assert len(parsed.fatal) == fatal
