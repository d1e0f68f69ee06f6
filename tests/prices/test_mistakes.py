"""Tables with several mistakes: all of them are named at once, none that only follows from another."""

from __future__ import annotations

import pytest

from .conftest import MakeBook

ROW = '[[row]]\nprovider = "p"\nmodel = "m"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            ROW + 'foo = 1\ntier = "bogus"\noutput = "x"\nrates = { input = "1" }\n',
            ["4: foo: unknown key", "5: tier: unknown value (got 'bogus')", "6: output: unknown key"],
        ),
        (
            ROW + 'rates = { inptu = "1", output = "two", cache_read = -1 }\n',
            ["4: rates.cache_read: not a price", "4: rates.inptu: unknown key", "4: rates.output: not a decimal"],
        ),
        (
            ROW + 'free = true\nmatch = [{ prefix = "" }, { prefix = "a" }, { regex = "(" }]\nspeed = "slow"\n',
            ["5: match.regex: missing )", "5: match: an empty pattern", "6: speed: unknown value"],
        ),
        (
            ROW + 'threshold = { input_over = "many", rates = { input = "x" } }\n',
            ["1: rates: the row has no price", "4: threshold.input_over: not", "4: threshold.rates.input: not"],
        ),
        ('[[row]]\ntier = "bogus"\n', ["1: model: missing", "1: provider: missing", "1: rates: ", "2: tier: "]),
        ('[[row]]\nprovider = "p"\nmodle = "m"\nrate = { input = "1" }\n', ["3: modle: ", "4: rate: "]),
        (ROW + "rates = 5\nfees = 6\n", ["4: rates: not a table", "5: fees: not a table"]),
        (
            '[[discount]]\npercent = "x"\ntier = "q"\nmeters = ["inputs", "input", "outputs"]\n',
            ["2: percent: not a decimal", "3: tier: ", "4: meters: unknown meter (got 'inputs')", "4: meters: "],
        ),
        ('[[local_size]]\nsize = "big"\nfree = 1\n', ["2: size: not a size", "3: free: not a boolean"]),
        (
            ROW + 'free = true\naliases = ["a", 5]\nregion = [1]\n',
            ["5: aliases: not a name (got 5)", "6: region: not a name (got 1)"],
        ),
    ],
)  # fmt: skip
def test_every_mistake_of_a_table_is_named_at_once(make_book: MakeBook, text: str, told: list[str]) -> None:
    found = sorted(str(problem).removeprefix("own.toml:") for problem in make_book(own=text).problems)
    assert len(found) == len(told), found
    assert all(one.startswith(begin) for one, begin in zip(found, told, strict=True)), found
