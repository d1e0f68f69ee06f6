"""Planned calls. Rates of gpt-5: $1.25 / $10 per million tokens, 128,000 output tokens at most."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.cli import main
from otel_llmcost.estimates import WITHIN_PERCENT, count_by_characters, count_tokens, estimate
from otel_llmcost.money import femto
from otel_llmcost.prices import load_book

BOOK = load_book()

# Tokens by o200k_base of texts that the fit has seen, counted once with a tokenizer (2026-11-23).
ENGLISH = (
    "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience "
    "and should act towards one another in a spirit of brotherhood. Everyone is entitled to all the rights "
    "and freedoms set forth in this Declaration, without distinction of any kind, such as race, colour, sex, "
    "language, religion, political or other opinion, national or social origin, property, birth or other status."
)
FRENCH = (
    "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience "
    "et doivent agir les uns envers les autres dans un esprit de fraternité. Chacun peut se prévaloir de tous les droits "
    "et de toutes les libertés proclamés dans la présente Déclaration, sans distinction aucune."
)
CHINESE = (
    "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。人人有资格享有本宣言所载的"
    "一切权利和自由,不分种族、肤色、性别、语言、宗教、政治或其他见解、国籍或社会出身、财产、出生或其他身分等任何区别。"
)


@pytest.mark.parametrize(("text", "tokens"), [(ENGLISH, 83), (FRENCH, 70), (CHINESE, 95)])
def test_the_count_by_characters_is_as_near_as_it_says(text: str, tokens: int) -> None:
    assert abs(count_by_characters(text) - tokens) * 100 <= WITHIN_PERCENT * tokens


def test_the_count_says_how_it_was_made() -> None:
    assert "publishes no tokenizer" in count_tokens("anthropic", "claude-opus-5", "x").how
    assert count_by_characters("") == 0


TOKENIZER = """
class Encoding:
    def __init__(self, name): self.name = name
    def encode(self, text, disallowed_special): return text.split(" " if self.name == "by words" else "-")
def encoding_for_model(model): return {"gpt-4": Encoding("by words")}[model]
def get_encoding(name): return Encoding(name)
"""


@pytest.mark.parametrize(
    ("provider", "model", "how"),
    [
        ("openai", "gpt-4", "by words"),
        ("openai", "openai/gpt-4", "by words"),
        ("openai", "ft:gpt-4:acme::id", "by words"),
        ("openai", "openai/ft:gpt-4:acme::id", "by words"),
        ("azure.ai.openai", "azure/gpt-4", "by words"),
        ("openai", "gpt-99", "o200k_base"),
        ("openai", "azure/gpt-4", "o200k_base"),
    ],
)
def test_the_tokenizer_is_that_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: str, model: str, how: str
) -> None:
    # The tokenizer's own names of models; its data is too large to come with the tests.
    (tmp_path / "tiktoken.py").write_text(TOKENIZER)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tiktoken", raising=False)
    counted = count_tokens(provider, model, "one two-three")
    assert (counted.tokens, counted.how) == (2, f"counted with {how}")
    sys.modules.pop("tiktoken")


def test_a_model_alone_means_its_maker() -> None:
    named = estimate(1000, "claude-sonnet-4-5", "anthropic", output_tokens=100, book=BOOK)
    assert estimate(1000, "claude-sonnet-4-5", output_tokens=100, book=BOOK) == named
    assert named.priced.amount is not None


def test_an_estimate_is_marked_and_bounded() -> None:
    found = estimate(1000, "openai/gpt-5", output_tokens=100, book=BOOK)
    assert (found.priced.status, found.priced.amount) == ("estimated", femto("0.00225"))
    assert found.longest_output == 128_000
    assert found.at_most is not None
    assert found.at_most >= femto("1.28125")


def test_an_unknown_model_has_no_estimate() -> None:
    found = estimate("hello", "gpt-99", "openai", book=BOOK)
    assert (found.priced.status, found.at_most) == ("unpriced", None)


def test_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "prompt.txt").write_text(ENGLISH)
    run = CliRunner().invoke
    told = run(main, ["estimate", "--model", "openai/gpt-5", "--tokens", "1000", "--output", "100", "--json"])
    assert json.loads(told.output)["cost_usd"] == "0.00225"
    from_file = run(main, ["estimate", "--model", "openai/gpt-5", "--file", "prompt.txt", "--json"])
    from_input = run(main, ["estimate", "--model", "openai/gpt-5", "--file", "-", "--json"], input=ENGLISH)
    assert json.loads(from_file.output) == json.loads(from_input.output)
    assert run(main, ["estimate", "text", "--model", "openai/gpt-5"]).output.startswith("$0.00000")
    assert run(main, ["estimate", "--model", "openai/gpt-5"]).exit_code == 2
    # 1 x 0.45 and 128,000 x 3.6 per million, at the priority tier: 0.46080045
    bound = run(main, ["estimate", "--model", "openai/gpt-5-mini", "--tokens", "1"]).output
    assert "at most $0.46081: 128,000 output tokens" in bound
