"""The generator: catalogues as rows, contradictions that stop it, hand-written pages on top."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.prices import load_book, parse_row
from otel_llmcost.toml_source import parse_toml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "generate_prices.py"
sys.path.insert(0, str(SCRIPT.parent))

import generate_prices  # noqa: E402
from prices_sources import genai, litellm, upstream  # noqa: E402
from prices_sources.apply import apply  # noqa: E402
from prices_sources.combine import Combined, combine  # noqa: E402
from prices_sources.names import clause_names, litellm_name, litellm_provider  # noqa: E402
from prices_sources.pages import Pages, read  # noqa: E402
from prices_sources.rows import Row  # noqa: E402

HEAD = '[provider]\nid = "openai"\nsource_url = "https://example.com/prices"\nverified_at = 2026-11-01\n'


def catalogue(name: str, data: object) -> upstream.Catalogue:
    return upstream.Catalogue(name, "1", "https://example.com", "MIT", "0" * 64, "2026-11-23", data)


def genai_rows(
    prices: object, *, variants: object = (), provider: str = "openai", model: str = "m"
) -> list[Row]:
    entry = {"id": model, "match": {"_": "ClauseEquals", "equals": model}, "prices": prices}
    data = [
        {
            "id": provider,
            "urls": ["https://example.com/list"],
            "models": [{**entry, "price_variants": variants}],
        }
    ]
    return list(genai.rows(catalogue("genai-prices", data)))


def litellm_rows(entries: dict[str, object]) -> list[tuple[Row, str]]:
    return list(litellm.rows(catalogue("litellm", entries)))


def since(day: tuple[int, int, int]) -> dict[str, object]:
    return {"_": "StartDateConstraint", "start_date": {"_": "datetime.date", "args": list(day)}}


def pages(folder: Path, text: str) -> Pages:
    (folder / "openai.toml").write_text(HEAD + text)
    return read(folder)


def figures(row: Row) -> dict[str, str]:
    return {meter: str(rate.normalize()) for meter, rate in row.rates.items()}


# -- committed data


def test_committed_prices_are_up_to_date() -> None:
    run = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_an_edited_extract_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "prices" / "upstream", tmp_path / "upstream")
    (tmp_path / "upstream" / "litellm.json.gz").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(SystemExit, match=r"litellm\.json\.gz: content does not match"):
        upstream.load(tmp_path / "upstream")


def test_licences_of_both_catalogues_are_recorded() -> None:
    for found in upstream.load(ROOT / "prices" / "upstream"):
        assert found.licence == "MIT"
        assert len(found.sha256) == 64
    notice = (ROOT / "NOTICE").read_text()
    assert "genai-prices" in notice
    assert "LiteLLM" in notice


UNPRICED_KEYS = re.compile(
    r"^(fireworks-ai-|together-ai-)"  # size classes
    r"|commitment|/container$|guardrails"  # provisioned terms, a tool, a filter
    r"|lyria|marengo|medlm|FLUX\.2-flex"  # songs, seconds of embedded video, characters, pixels: no meter
    r"|SSD-1B|flux-1|stable-diffusion|playground-v2"  # steps of an image model
    r"|jais"  # a unit misread by a factor of 1,000
)
"""LiteLLM's keys that have a price and no row."""


def test_every_model_of_both_catalogues_is_covered() -> None:
    book = load_book()
    base, filler = upstream.load(ROOT / "prices" / "upstream")
    for row in genai.rows(base):
        assert book.rows(row.provider, row.model), (row.provider, row.model)
    missing = set()
    for key, entry in filler.data.items():
        provider = litellm_provider(key, entry.get("litellm_provider") or "")
        priced = any("cost" in name and str(value) not in ("0", "0.0") for name, value in entry.items())
        if priced and not book.rows(provider, litellm_name(key, provider).model):
            missing.add(key)
    assert {key for key in missing if not UNPRICED_KEYS.search(key)} == set()


# -- genai-prices


def test_dated_prices_become_rows_with_start_and_end() -> None:
    rows = genai_rows(
        [
            {"_": "ConditionalPrice", "prices": {"input_mtok": "5"}},
            {"_": "ConditionalPrice", "constraint": since((2026, 8, 21)), "prices": {"input_mtok": "4"}},
        ]
    )
    assert [(row.effective_from, row.effective_to, figures(row)) for row in rows] == [
        ("", "2026-08-21", {"input": "5"}),
        ("2026-08-21", "", {"input": "4"}),
    ]


def test_a_tier_is_derived_for_the_days_before_anyone_looked() -> None:
    rows = genai_rows(
        [
            {"_": "ConditionalPrice", "prices": {"input_mtok": "5", "output_mtok": "30"}},
            {
                "_": "ConditionalPrice",
                "constraint": since((2026, 8, 21)),
                "prices": {"input_mtok": "4", "output_mtok": "20"},
            },
        ],
        variants=[
            {
                "when": {"processing": "batch"},
                "constraint": since((2026, 10, 14)),
                "prices": {"input_mtok": "2", "output_mtok": "10"},
            }
        ],
    )
    batch = [row for row in rows if row.tier == "batch"]
    assert [(row.effective_from, row.effective_to, row.status, row.rates["output"]) for row in batch] == [
        ("", "2026-08-21", "derived", Decimal(15)),
        ("2026-08-21", "2026-10-14", "derived", Decimal(10)),
        ("2026-10-14", "", "list", Decimal(10)),
    ]


def test_a_tier_with_several_factors_is_not_carried_back() -> None:
    rows = genai_rows(
        [
            {"_": "ConditionalPrice", "prices": {"input_mtok": "5", "output_mtok": "30"}},
            {
                "_": "ConditionalPrice",
                "constraint": since((2026, 8, 21)),
                "prices": {"input_mtok": "4", "output_mtok": "20"},
            },
        ],
        variants=[
            {
                "when": {"service_tier": "priority"},
                "constraint": since((2026, 10, 12)),
                "prices": {"input_mtok": "7", "output_mtok": "40"},
            }
        ],
    )
    assert [row.effective_from for row in rows if row.tier == "priority"] == ["2026-08-21", "2026-10-12"]


def test_an_empty_price_is_free_only_where_that_is_known() -> None:
    assert genai_rows({"_": "ModelPrice"}) == []
    (free,) = genai_rows({"_": "ModelPrice"}, provider="openrouter", model="x/y:free")
    assert free.free


def test_clauses_become_aliases_prefixes_and_expressions() -> None:
    names = clause_names(
        {
            "_": "ClauseOr",
            "or_": [
                {"_": "ClauseEquals", "equals": "a-1"},
                {"_": "ClauseStartsWith", "starts_with": "b-2"},
                {"_": "ClauseRegex", "regex": r"^c-\d{2}$"},
            ],
        }
    )
    assert [names.covers(name) for name in ("a-1", "b-2-mini", "c-12", "a-1-x", "c-123")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_strict_prefix_is_followed_by_a_version_only() -> None:
    names = clause_names({"_": "ClauseStartsWith", "starts_with": "gemini-3.8-flash"}, strict=True)
    assert [names.covers(f"gemini-3.8-flash{rest}") for rest in ("", "-001", "-preview-09", "-lite")] == [
        True,
        True,
        True,
        False,
    ]


# -- LiteLLM


def test_keys_carry_tier_threshold_and_lifetime() -> None:
    entry = {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": "2e-06",
        "input_cost_per_token_above_272k_tokens_flex": "2e-06",
        "cache_creation_input_token_cost_above_12hr_flex": "2.5e-06",
        "input_cost_per_token_flex": "1e-06",
        "search_context_cost_per_query": {
            "search_context_size_low": "0.01",
            "search_context_size_high": "0.01",
        },
    }
    rows = {row.tier: row for row, _ in litellm_rows({"gpt-x": entry})}
    assert figures(rows["standard"]) == {"input": "2"}
    assert figures(rows["flex"]) == {"input": "1", "cache_write_12h": "2.5"}
    assert {limit: str(rates["input"].normalize()) for limit, rates in rows["flex"].thresholds.items()} == {
        272_000: "2"
    }
    assert rows["flex"].fees == {"web_search": [{"usd": Decimal(10), "per": 1000}]}


def test_zero_is_not_imported() -> None:
    entry = {"litellm_provider": "openai", "input_cost_per_token": 0, "output_cost_per_token": "0.0"}
    assert litellm_rows({"gpt-7": entry}) == []


@pytest.mark.parametrize(
    ("key", "provider", "model", "region", "image"),
    [
        ("azure/eu/gpt-4o", "azure.ai.openai", "gpt-4o", "eu", ""),
        ("azure/hd/1024-x-1792/dall-e-3", "azure.ai.openai", "dall-e-3", "", "1024x1792/hd"),
        ("us.anthropic.claude-x-v1:0", "aws.bedrock", "anthropic.claude-x-v1:0", "us", ""),
        ("bedrock/us-gov-west-1/amazon.nova", "aws.bedrock", "amazon.nova", "us-gov-west-1", ""),
        ("perplexity/openai/gpt-5", "perplexity", "openai/gpt-5", "", ""),
        ("gemini/gemini-2.5-pro", "gcp.gemini", "gemini-2.5-pro", "", ""),
    ],
)
def test_keys_are_taken_apart(key: str, provider: str, model: str, region: str, image: str) -> None:
    named = litellm_name(key, provider)
    assert (named.model, named.region, named.image) == (model, region, image)


def test_committed_terms_have_no_price_per_call() -> None:
    entry = {"litellm_provider": "bedrock", "input_cost_per_second": "0.01", "input_cost_per_token": "1e-06"}
    assert litellm_rows({"bedrock/us-east-1/1-month-commitment/anthropic.claude-v2": entry}) == []


# -- both together, and the pages


def differing() -> tuple[list[Row], list[tuple[Row, str]]]:
    base = genai_rows({"_": "ModelPrice", "input_mtok": "2"}, model="gpt-x")
    return base, litellm_rows({"gpt-x": {"litellm_provider": "openai", "input_cost_per_token": "3e-06"}})


def contradictions(found: Combined, page: Pages) -> list[str]:
    return generate_prices._contradictions(found, page)


def test_a_first_party_contradiction_stops_until_a_page_decides(tmp_path: Path) -> None:
    nothing = pages(tmp_path, "")
    assert contradictions(combine(*differing(), nothing), nothing) == [
        "undecided: openai gpt-x (standard) input: genai-prices 2, litellm 3"
    ]
    decided = pages(tmp_path, '[[decide]]\nmodels = ["gpt-x"]\ncatalogue = "litellm"\nbecause = "seen"\n')
    combined = combine(*differing(), decided)
    assert contradictions(combined, decided) == []
    assert [figures(row) for row in combined.rows()] == [{"input": "3"}]


def test_a_row_of_today_decides_too(tmp_path: Path) -> None:
    page = pages(tmp_path, '[[row]]\nmodel = "gpt-x"\nrates = { input = "2.50" }\n')
    combined = combine(*differing(), page)
    apply(page, combined)
    assert contradictions(combined, page) == []
    assert [figures(row) for row in combined.rows()] == [{"input": "2.5"}]


def test_a_row_replaces_only_its_days(tmp_path: Path) -> None:
    page = pages(
        tmp_path,
        '[[row]]\nmodel = "gpt-x"\neffective_from = 2026-02-01\neffective_to = 2026-03-01\nrates = { input = "9" }\n',
    )
    combined = combine(genai_rows({"_": "ModelPrice", "input_mtok": "2"}, model="gpt-x"), [], page)
    apply(page, combined)
    assert sorted(
        (row.effective_from, row.effective_to, figures(row)["input"]) for row in combined.rows()
    ) == [
        ("", "2026-02-01", "2"),
        ("2026-02-01", "2026-03-01", "9"),
        ("2026-03-01", "", "2"),
    ]


EVERY_KEY = """
model = "m"
aliases = ["a", { name = "b", from = 2026-01-01, to = 2026-02-01 }]
match = [{ prefix = "m-" }, { regex = "m\\\\d" }]
effective_from = 2026-01-01
effective_to = 2027-01-01T12:00:00Z
recorded_at = 2026-10-01
tier = "batch"
speed = "fast"
region = ["us", "eu"]
rates = { input = "1", output = "2" }
threshold = [
  { input_over = 10, basis = "input_and_output", rates = { input = "3" } },
  { input_over = 20, basis = "input_and_output", rates = { input = "4" } },
]
multipliers = [{ when = { region = "us" }, factor = "1.1", meters = ["input"] }]
billed_at = "end"
context_window = 1000
max_output = 100
status = "promo"
source_url = "https://example.com/row"
verified_at = 2026-11-02
note = "why"
[row.fees]
web_search = { usd = "10", per = 1000, free_quota = "5 a day" }
image = [{ usd = "1" }, { usd = "2", variant = "hd" }]
[[row.schedule]]
tz = "Asia/Shanghai"
weekdays = ["mon"]
hours = ["09:00-12:00"]
holidays = [2026-10-01]
rates = { input = "5" }
"""


def test_a_row_of_a_page_keeps_all_that_it_says(tmp_path: Path) -> None:
    (row,) = pages(tmp_path, f"[[row]]\n{EVERY_KEY}").rows
    (table,) = parse_toml(f"[[row]]\n{EVERY_KEY}", "row.toml").table["row"]  # type: ignore[misc]
    said = parse_row({"provider": "openai", **table})
    made = parse_row(row.table())._replace(upstream="")
    assert made == said


def test_thresholds_of_one_row_count_the_same(tmp_path: Path) -> None:
    levels = '{ input_over = 1, rates = { input = "2" } }, { input_over = 2, basis = "input", rates = { input = "3" } }'
    with pytest.raises(SystemExit, match="basis"):
        pages(tmp_path, f'[[row]]\nmodel = "m"\nrates = {{ input = "1" }}\nthreshold = [{levels}]\n')


def test_two_rows_of_the_same_days_are_a_mistake(tmp_path: Path) -> None:
    page = pages(tmp_path, '[[row]]\nmodel = "gpt-x"\nrates = { input = "1" }\n' * 2)
    with pytest.raises(SystemExit, match="two rows of gpt-x standard"):
        apply(page, combine([], [], page))


def test_a_share_of_the_input_rate_fills_what_is_missing(tmp_path: Path) -> None:
    page = pages(
        tmp_path,
        '[[row]]\nmodel = "gpt-x"\nrates = { input = "2" }\nthreshold = { input_over = 9, rates = { input = "4" } }\n'
        '[[row]]\nmodel = "gpt-y"\nrates = { input = "2", cache_read = "1" }\n'
        '[[patch]]\nmodels = ["gpt-*"]\nof_input = { cache_read = "0.1" }\n',
    )
    combined = combine([], [], page)
    apply(page, combined)
    found = {row.model: row for row in combined.rows()}
    assert figures(found["gpt-x"]) == {"input": "2", "cache_read": "0.2"}
    assert str(found["gpt-x"].thresholds[9]["cache_read"]) == "0.4"
    assert figures(found["gpt-y"]) == {"input": "2", "cache_read": "1"}


def test_a_name_of_some_time_is_an_alias_with_its_days(tmp_path: Path) -> None:
    page = pages(
        tmp_path,
        '[[patch]]\nmodels = ["gpt-x"]\naliases = ["gpt-y", { name = "gpt-z", to = 2026-02-01 }]\n',
    )
    combined = combine(genai_rows({"_": "ModelPrice", "input_mtok": "2"}, model="gpt-x"), [], page)
    apply(page, combined)
    assert [row.table()["aliases"] for row in combined.rows()] == [
        ["gpt-y", {"name": "gpt-z", "to": "2026-02-01"}]
    ]


def test_a_tier_costs_more_where_the_model_does(tmp_path: Path) -> None:
    page = pages(
        tmp_path,
        '[[row]]\nmodel = "gpt-x"\nrates = { input = "2", output = "4" }\n'
        '[[row]]\nmodel = "gpt-x"\nregion = ["eu"]\nrates = { input = "2.2", output = "4.4" }\n'
        '[[row]]\nmodel = "gpt-x"\nregion = ["jp"]\nrates = { input = "2.2", output = "5" }\n'
        '[[row]]\nmodel = "gpt-x"\ntier = "batch"\nrates = { input = "1", output = "2" }\n',
    )
    combined = combine([], [], page)
    apply(page, combined)
    batch = {row.region: (figures(row), row.status) for row in combined.rows() if row.tier == "batch"}
    assert batch == {
        (): ({"input": "1", "output": "2"}, "list"),
        ("eu",): ({"input": "1.1", "output": "2.2"}, "derived"),
    }


def test_rules_derive_and_patch(tmp_path: Path) -> None:
    page = pages(
        tmp_path,
        '[[derive]]\nmodels = ["gpt-*"]\ntier = "batch"\nfactor = "0.5"\n'
        '[[patch]]\nmodels = ["gpt-x"]\nfees = { web_search = { usd = "10", per = 1000 } }\nmax_output = 99\n',
    )
    combined = combine(genai_rows({"_": "ModelPrice", "input_mtok": "2"}, model="gpt-x"), [], page)
    apply(page, combined)
    found = {row.tier: row for row in combined.rows()}
    assert figures(found["batch"]) == {"input": "1"}
    assert (found["batch"].status, found["batch"].source_url) == ("derived", "https://example.com/prices")
    assert all(row.fees and row.max_output == 99 for row in found.values())


def test_a_statement_about_nothing_is_reported(tmp_path: Path) -> None:
    page = pages(tmp_path, '[[drop]]\nmodels = ["gpt-none"]\nbecause = "gone"\n')
    apply(page, combine([], [], page))
    assert page.unused() == ["openai.toml: [[drop]] gpt-none"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[row]]\nmodel = "m"\nrates = { inptu = "1" }\n', "did you mean 'input'"),
        ('[[row]]\nmodel = "m"\nrates = { input = "free" }\n', "not a decimal number"),
        ('[[patch]]\nmodels = ["m"]\nfee = {}\n', "unknown keys fee"),
        ('[[rule]]\nmodels = ["m"]\n', "unknown tables: rule"),
    ],
)
def test_a_mistake_in_a_page_names_the_page_and_the_mistake(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SystemExit, match=rf"openai\.toml: .*{message}"):
        pages(tmp_path, text)
