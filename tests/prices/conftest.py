"""Small books made of rows typed in the tests themselves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from otel_llmcost.prices import Book, load_book, parse_row, write_snapshot
from otel_llmcost.toml_source import TomlTable, parse_toml

MakeBook = Callable[..., Book]


@pytest.fixture
def make_book(tmp_path: Path) -> MakeBook:
    """`make_book(overlay="", generated="", own="", models={})`: a book of TOML rows."""
    count = 0

    def make(
        overlay: str = "", generated: str = "", own: str = "", models: Mapping[str, str] | None = None
    ) -> Book:
        nonlocal count
        count += 1
        directory = tmp_path / f"book{count}"
        layers = [[parse_row(table) for table in tables(text)] for text in (overlay, generated)]
        write_snapshot(layers[0], layers[1], directory, date=dt.date(2026, 11, 22), sources={})
        documents = [parse_toml(own, "own.toml")] if own else []
        return load_book(user_documents=documents, snapshot_dir=directory, models=models)

    return make


def tables(text: str) -> list[TomlTable]:
    rows = parse_toml(text, "rows.toml").table.get("row", [])
    assert isinstance(rows, list)
    return rows


def ns(text: str) -> int:
    """Nanoseconds of an ISO instant in UTC."""
    return int(dt.datetime.fromisoformat(f"{text}+00:00").timestamp()) * 10**9
