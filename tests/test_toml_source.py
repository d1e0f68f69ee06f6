"""Documents know the line of every key, and say where they are wrong."""

from __future__ import annotations

import datetime as dt
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost.errors import ConfigurationError
from otel_llmcost.toml_source import TomlTable, parse_toml, read_toml

TEXT = '''# a page
[provider]
id = "openai"          # [not] a header
note = """
[[row]]
model = "inside a string"
"""

[[row]]
model = "a"
rates = { input = "1", output = 2.50 }
"quoted key" = 1
fees.image = [
  { usd = "1", variant = "x" },  # first
  { usd = "2", variant = "y" },
]

[[row]]
model = 'b'
start = 2026-10-01 08:00:00Z
[row.deep]
key = true
'''


def plain(value: object) -> object:
    if isinstance(value, TomlTable):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value


def test_values_are_those_of_tomllib_with_exact_decimals() -> None:
    document = parse_toml(TEXT, "prices.toml")
    assert plain(document.table) == tomllib.loads(TEXT, parse_float=Decimal)
    rows = document.table["row"]
    assert isinstance(rows, list)
    assert rows[0]["rates"]["output"] == Decimal("2.50")
    assert rows[1]["start"] == dt.datetime(2026, 10, 1, 8, tzinfo=dt.UTC)


def test_every_key_knows_its_line() -> None:
    table = parse_toml(TEXT, "prices.toml").table
    first, second = table["row"]  # type: ignore[misc]
    assert table.line("provider") == 2
    assert table["provider"].line("note") == 4  # type: ignore[attr-defined]
    assert (first.start, second.start) == (9, 18)
    assert (first.line("model"), first.line("quoted key"), first.line("fees")) == (10, 12, 13)
    assert [fee.line("variant") for fee in first["fees"]["image"]] == [14, 15]
    assert second["deep"].line("key") == 22
    assert first.line_of("rates.output") == 11
    assert first.line_of("fees.image.usd") == 14
    assert first.line("absent") == 9


def test_a_byte_order_mark_is_nothing() -> None:
    assert parse_toml("\ufeffa = 1\n", "f.toml").table.line("a") == 1


def test_windows_line_ends_count_once() -> None:
    table = parse_toml('a = 1\r\n\r\n[b]\r\nc = "x"\r\n', "f.toml").table
    assert table["b"].line("c") == 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ("[x\n", 1), ('a = "1\n', 1), ("a = 2026-99-99\n", 1)],
)
def test_a_broken_document_names_file_and_line(text: str, line: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_toml(text, "own.toml")
    assert caught.value.file == "own.toml"
    assert caught.value.line in (line, line + 1)
    assert "not valid TOML" in str(caught.value)


def test_unreadable_files_are_configuration_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_toml(tmp_path / "absent.toml")
    (tmp_path / "latin.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(ConfigurationError, match="UTF-8"):
        read_toml(tmp_path / "latin.toml")


def test_absurd_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(ConfigurationError):
        parse_toml("a = " + "[" * 100_000, "deep.toml")


@given(st.text(max_size=200))
def test_any_text_is_a_document_or_a_configuration_error(text: str) -> None:
    try:
        document = parse_toml(text, "any.toml")
    except ConfigurationError:
        return
    assert plain(document.table) == tomllib.loads(text, parse_float=Decimal)


_PIECES = [
    "a",
    "=",
    "1",
    '"x"',
    "'y'",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\n",
    " ",
    ".",
    "#",
    '"""',
    "'''",
    "\\",
    "2026-01-01",
]


@given(st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))
def test_toml_like_text_never_breaks_the_walk(text: str) -> None:
    try:
        table = parse_toml(text, "any.toml").table
    except ConfigurationError:
        return
    assert all(table.line(key) >= 1 for key in table)


def test_tables_in_tables_in_tables_are_too_deep_for_us() -> None:
    with pytest.raises(ConfigurationError, match="nested too deeply"):
        parse_toml("[" + ".".join(["a"] * 3000) + "]\nb = 1\n", "deep.toml")
