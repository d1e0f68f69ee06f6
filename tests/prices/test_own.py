"""The user's own prices: local models, and mistakes that are named while the rest works."""

from __future__ import annotations

import pytest

from otel_llmcost.call import Call, Priced
from otel_llmcost.money import femto
from otel_llmcost.prices import Book

from .conftest import MakeBook, ns

NOW = ns("2026-11-22T12:00:00")


def local(book: Book, model: str, **facts: object) -> Priced:
    given: dict[str, object] = {"provider": "local", "response_model": model, "start_ns": NOW}
    return book.price(Call(**(given | {"usage": {"input": 1000, "output": 500}} | facts)))  # type: ignore[arg-type]


def test_local_models_by_rate_free_and_by_gpu_hour(make_book: MakeBook) -> None:
    book = make_book(
        own="""
[[row]]
provider = "local"
model = "rated"
rates = { input = "0.1", output = "0.2" }
[[row]]
provider = "local"
model = "gift"
free = true
[[row]]
provider = "local"
model = "by-the-hour"
gpu_hour = "1.80"
"""
    )
    assert local(book, "rated").amount == femto("0.0002")
    gift = local(book, "gift")
    assert (gift.status, gift.amount) == ("exact", 0)
    hourly = local(book, "by-the-hour", end_ns=NOW + 2 * 10**9)
    assert (hourly.amount, hourly.components) == (femto("0.001"), {"units": femto("0.001")})
    assert local(book, "unheard-of").status == "unpriced"
    untold = local(book, "by-the-hour", end_ns=NOW)
    assert (untold.status, untold.amount) == ("unpriced", None)
    assert local(book, "rated", provider="ollama").amount == femto("0.0002")


SIZES = """
[[local_size]]
size = "1-3B"
rates = { input = "0.1", output = "0.1" }
[[local_size]]
size = "7B"
rates = { input = "0.2", output = "0.2" }
[[local_size]]
size = "8B+"
rates = { input = "0.4", output = "0.4" }
"""


@pytest.mark.parametrize(
    ("model", "usd"),
    [
        ("llama3.2:3b", "0.00015"),
        ("Qwen2.5-1.5B-Instruct", "0.00015"),
        ("mistral:7b-instruct", "0.0003"),
        ("llama3.1:70b", "0.0006"),
        ("mixtral:8x7b", "0.0006"),
        ("phi:5b", None),
        ("nomic-embed-text", None),
    ],
)
def test_local_models_by_size(make_book: MakeBook, model: str, usd: str | None) -> None:
    priced = local(make_book(own=SIZES), model)
    assert priced.amount == (None if usd is None else femto(usd))


@pytest.mark.parametrize(
    ("text", "line", "key", "words"),
    [
        ('[[row]]\nprovider = "p"\nmodle = "m"\nfree = true\n', 3, "modle", "did you mean 'model'"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { inptu = "1" }\n', 4, "rates.inptu", "'input'"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = "-1" }\n', 4, "rates.input", "0 to"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = "NaN" }\n', 4, "rates.input", "decimal"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = "1e999" }\n', 4, "rates.input", "decimal"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = "1,5" }\n', 4, "rates.input", "decimal"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = true }\n', 4, "rates.input", "decimal"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\ntier = "Flex"\nfree = true\n', 4, "tier", "'flex'"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\n\n', 1, "rates", "no price"),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\neffective_from = 2026-02-01\neffective_to = 2026-01-01\n'
            "free = true\n",
            5,
            "effective_to",
            "after",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\neffective_from = "soon"\n',
            5,
            "effective_from",
            "2026",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\neffective_from = 2026-01-01T00:00:00\n',
            5,
            "effective_from",
            "offset",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\nmatch = [{ regex = "(" }]\n',
            5,
            "match.regex",
            "regular",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\nschedule = [{ tz = "Mars/Olympus" }]\n',
            5,
            "schedule.tz",
            "IANA",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\nschedule = [{ hours = ["25:00-26:00"] }]\n',
            5,
            "schedule.hours",
            "09:00",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfees = { image = { usd = "1", per = 0 } }\n',
            4,
            "fees.image.per",
            "above 0",
        ),
        ("[[discount]]\npercent = 101\n", 2, "percent", "0 to 100"),
        (
            '[[discount]]\npercent = 20\nmodel = "m"\nmeters = ["input", "inputs"]\n',
            4,
            "meters",
            "(got 'inputs'); allowed: input, cache_read,",
        ),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = "1_000" }\n', 4, "rates.input", "decimal"),
        ('[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = nan }\n', 4, "rates.input", "got 'NaN'"),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\n'
            'multipliers = [{ when = { region = "us" }, factor = "0" }]\n',
            5,
            "multipliers.factor",
            "above 0",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\n'
            '[[row]]\nprovider = "p"\nmodel = "m"\nrates = { input = "2" }\n',
            7,
            "model",
            "the first one is in force",
        ),
        (
            '[[row]]\nprovider = "p"\nmodel = "m"\nfree = true\n'
            'aliases = [{ name = "n", from = 2026-02-01, to = 2026-01-01 }]\n',
            5,
            "aliases.to",
            "after",
        ),
        ('[[local_size]]\nsize = "big"\nfree = true\n', 2, "size", "8B+"),
        ("row = 5\n", 1, "row", "[[row]]"),
    ],
)
def test_a_mistake_names_file_line_key_and_remedy(
    make_book: MakeBook, text: str, line: int, key: str, words: str
) -> None:
    good = '\n[[price]]\nprovider = "local"\nmodel = "good"\nrates = { input = "1" }\n'
    book = make_book(own=text + good)
    problem = book.problems[0]
    assert len(book.problems) == 1
    assert (problem.file, problem.line, problem.key) == ("own.toml", line, key)
    assert words in str(problem)
    assert local(book, "good", usage={"input": 1000}).amount == femto("0.001")


def test_own_rows_may_match_by_pattern_and_spell_providers_as_others_do(make_book: MakeBook) -> None:
    own = """
[[prices.row]]
provider = "bedrock"
model = "x"
match = [{ regex = "team-[a-z]+" }]
rates = { input = "1" }
"""
    book = make_book(own=own)
    call = Call(provider="aws.bedrock", request_model="team-blue", start_ns=NOW, usage={"input": 1000})
    assert book.price(call).amount == femto("0.001")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('[[rows]]\nmodel = "m"\n', 1, "unknown table; did you mean 'row'?"),
        ("[[discounts]]\npercent = 5\n", 1, "did you mean 'discount'?"),
        ('[prices]\nfiles = []\n[[prices.rwo]]\nmodel = "m"\n', 3, "did you mean 'row'?"),
    ],
)
def test_misspelt_tables_are_named(make_book: MakeBook, text: str, line: int, words: str) -> None:
    (problem,) = make_book(own=text).problems
    assert problem.line == line
    assert words in str(problem)


def test_tables_of_other_rooms_are_not_ours(make_book: MakeBook) -> None:
    own = '[metrics]\ntags = []\n[[rules]]\nmodule = "m"\n[prices]\nfiles = []\nupdate_key = "k"\n'
    assert make_book(own=own).problems == []


def test_two_thresholds_of_one_size_and_a_size_that_ends_before_it_starts(make_book: MakeBook) -> None:
    book = make_book(
        own="""
[[row]]
provider = "p"
model = "m"
rates = { input = "1" }
threshold = [{ input_over = 100, rates = { input = "2" } }, { input_over = 100, rates = { input = "3" } }]
[[local_size]]
size = "3-1B"
free = true
"""
    )
    told = [str(problem) for problem in book.problems]
    assert [text.split(":")[2].strip() for text in told] == ["threshold.input_over", "size"]
