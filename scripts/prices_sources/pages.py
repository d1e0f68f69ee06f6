"""The hand-written pages, `prices/*.toml`: what a person read on a provider's own page.

A page has `[[row]]` tables in the row form of docs/prices.md and five kinds of statements about generated
rows (docs/price-data.md): `[[patch]]` adds fees, factors and limits, `[[derive]]` computes a tier that is
published as a rule, `[[decide]]` says which catalogue is right, `[[drop]]` removes what no provider sells,
`[[separate]]` gives prices of its own to a name that a catalogue calls an alias.
Each names its `source_url` and `verified_at`, or takes them from the page's `[provider]` table.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from otel_llmcost.errors import ConfigurationError
from otel_llmcost.prices.rows import parse_row

from .names import Names
from .rows import Row

Table = Mapping[str, Any]
_STATEMENTS = ("patch", "derive", "decide", "drop", "separate")
_KEYS = {
    "patch": {
        "models",
        "except",
        "tiers",
        "rates",
        "of_input",
        "threshold",
        "fees",
        "multipliers",
        "context_window",
        "max_output",
        "aliases",
    },
    "derive": {"models", "except", "tier", "speed", "factor", "effective_from", "effective_to"},
    "decide": {"models", "catalogue", "because"},
    "drop": {"models", "tiers", "speed", "because"},
    "separate": {"models", "because"},
}


@dataclass
class Pages:
    """All pages together."""

    rows: list[Row] = field(default_factory=list)
    statements: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {kind: [] for kind in _STATEMENTS}
    )
    used: set[int] = field(default_factory=set)

    def prefers(self, row: Row) -> str:
        """The catalogue that a page decided for, "" where none did."""
        for statement in self.matching("decide", row):
            return str(statement["catalogue"])
        return ""

    def matching(self, kind: str, row: Row) -> Iterable[dict[str, Any]]:
        """The statements about a row, marked as used."""
        for statement in self.statements[kind]:
            if statement["provider"] == row.provider and covers(statement, row.model):
                self.used.add(id(statement))
                yield statement

    def separate(self, provider: str, name: str) -> bool:
        """Whether a name that a catalogue calls an alias has prices of its own."""
        for statement in self.statements["separate"]:
            if statement["provider"] == provider and covers(statement, name):
                self.used.add(id(statement))
                return True
        return False

    def unused(self) -> list[str]:
        """Statements that are about no row: mistakes, or overtaken by the catalogues."""
        return [
            f"{statement['file']}: [[{kind}]] {', '.join(statement['models'])}"
            for kind, statements in self.statements.items()
            for statement in statements
            if id(statement) not in self.used
        ]


def covers(statement: Table, model: str) -> bool:
    """Whether a statement's shell patterns name a model."""
    if any(fnmatchcase(model, pattern) for pattern in statement.get("except", ())):
        return False
    return any(fnmatchcase(model, pattern) for pattern in statement["models"])


def read(folder: Path) -> Pages:
    """Every page of the folder. Raises SystemExit that names file and mistake."""
    pages = Pages()
    for path in sorted(folder.glob("*.toml")):
        try:
            _read_page(path, pages)
        except (ConfigurationError, tomllib.TOMLDecodeError, KeyError, ValueError) as error:
            raise SystemExit(f"{path.name}: {error}") from error
    return pages


def _read_page(path: Path, pages: Pages) -> None:
    document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if unknown := document.keys() - {"provider", "row", *_STATEMENTS}:
        raise ValueError(f"unknown tables: {', '.join(sorted(unknown))}")
    head = document["provider"]
    for table in document.get("row", []):
        parse_row({key: value for key, value in table.items() if key != "inherit"}, head)
        pages.rows.append(_row(table, head, path.name))
    for kind in _STATEMENTS:
        for table in document.get(kind, []):
            if unknown := table.keys() - _KEYS[kind] - {"source_url", "verified_at", "note", "provider"}:
                raise ValueError(f"[[{kind}]]: unknown keys {', '.join(sorted(unknown))}")
            statement = {"provider": head["id"], "file": path.name} | _provenance(head) | table
            pages.statements[kind].append(statement)


def _provenance(head: Table) -> dict[str, Any]:
    return {"source_url": head.get("source_url", ""), "verified_at": head.get("verified_at", "")}


def _row(table: Table, head: Table, file: str) -> Row:
    thresholds = levels_of(table)
    row = Row(
        provider=table.get("provider", head["id"]),
        model=table["model"],
        names=names_of(table),
        effective_from=instant(table.get("effective_from", "")),
        effective_to=instant(table.get("effective_to", "")),
        rates=decimals(table.get("rates", {})),
        thresholds={level["input_over"]: decimals(level["rates"]) for level in thresholds},
        basis=basis_of(thresholds),
        fees={meter: fee_list(given) for meter, given in table.get("fees", {}).items()},
        schedule=[{**window, "rates": decimals(window["rates"])} for window in table.get("schedule", ())],
        multipliers=list(table.get("multipliers", ())),
        region=tuple(table.get("region", ())),
        upstream=f"prices/{file}",
        source_url=table.get("source_url", head.get("source_url", "")),
        verified_at=instant(table.get("verified_at", head.get("verified_at", ""))),
        recorded_at=instant(table.get("recorded_at", head.get("recorded_at", head.get("verified_at", "")))),
    )
    for key in (
        "tier",
        "speed",
        "committed",
        "free",
        "billed_at",
        "context_window",
        "max_output",
        "status",
        "note",
    ):
        if key in table:
            setattr(row, key, table[key])
    return row


def names_of(table: Table) -> Names:
    """The names that a row or a statement gives: for good, by pattern, and for some time."""
    given = table.get("aliases", ())
    return Names(
        aliases={name for name in given if isinstance(name, str)},
        prefixes={match["prefix"] for match in table.get("match", ()) if "prefix" in match},
        regexes={match["regex"] for match in table.get("match", ()) if "regex" in match},
        moved={
            (entry["name"], instant(entry.get("from", "")), instant(entry.get("to", "")))
            for entry in given
            if not isinstance(entry, str)
        },
    )


def levels_of(table: Table) -> list[Table]:
    """The thresholds of a row or a statement, one or several."""
    given = table.get("threshold", [])
    return given if isinstance(given, list) else [given]


def basis_of(levels: Iterable[Table]) -> str:
    """What the thresholds of a row count; they all count the same."""
    found = {str(level.get("basis", "prompt")) for level in levels} or {"prompt"}
    if len(found) > 1:
        raise ValueError(f"threshold.basis: {', '.join(sorted(found))} in one row")
    return found.pop()


def decimals(table: Table) -> dict[str, Decimal]:
    """Rates as exact decimals."""
    return {meter: Decimal(rate) for meter, rate in table.items()}


def fee_list(given: Any) -> list[dict[str, Any]]:
    """One fee or several, as a list."""
    return [{**fee, "usd": Decimal(fee["usd"])} for fee in (given if isinstance(given, list) else [given])]


def instant(value: object) -> str:
    """A date or an instant as ISO text that sorts by time."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, dt.date) else str(value)
