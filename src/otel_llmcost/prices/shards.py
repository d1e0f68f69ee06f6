"""The shipped form of the prices: an index and one JSON file per provider, read whole, expanded on first use.

index.json:       {format, date, digest, sources, providers: {provider: {file, sha256, rows}}}
<provider>.json:  {provider, sources: [URL ...], aliases: [[name, model, from, to] ...],
                   patterns: [[prefix, regex, model] ...], models: {model: "<JSON of [[layer, table] ...]>"}}
A table is a row of docs/prices.md without provider and model, its `source_url` an index into `sources`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import UpdateError
from .rates import Alias, Row
from .rows import parse_row
from .tables import row_table

FORMAT = 1
OVERLAY, GENERATED = 1, 2
"""Layers of a snapshot: rows typed from first-party pages, rows generated from other catalogues."""
INDEX = "index.json"

LayeredRow = tuple[int, Row]
"""(layer, row): the lower layer wins; 0 is the user's own."""


class Page(NamedTuple):
    """The prices of one provider; rows are parsed when their model is first asked for."""

    provider: str
    aliases: Mapping[str, tuple[tuple[str, Alias], ...]]
    """Other exact name -> (model, with the times at which it is one)."""
    patterns: tuple[tuple[str, str, str], ...]
    """(prefix, regex, model)."""
    sources: tuple[str, ...]
    models: dict[str, str]

    def rows(self, model: str) -> tuple[LayeredRow, ...]:
        """All rows of a model, () for one that the page does not have."""
        text = self.models.get(model)
        if text is None:
            return ()
        return tuple((layer, self._row(model, table)) for layer, table in json.loads(text))

    def _row(self, model: str, table: dict[str, object]) -> Row:
        source = table.get("source_url")
        if isinstance(source, int):
            table["source_url"] = self.sources[source]
        return parse_row({"provider": self.provider, "model": model, **table})


class Snapshot(NamedTuple):
    """A set of shipped prices: its date, its digest, and the text of each provider's page."""

    date: str
    digest: str
    sources: Mapping[str, object]
    texts: Mapping[str, bytes]

    def page(self, provider: str) -> Page | None:
        """The expanded page of a provider (a few milliseconds: keep it), None where there is none."""
        text = self.texts.get(provider)
        return None if text is None else _page(json.loads(text))


EMPTY_SNAPSHOT = Snapshot("none", "0" * 64, {}, {})


def read_snapshot(directory: Path, *, checked: bool = True) -> Snapshot:
    """The snapshot in a directory, checked against its index. Raises `UpdateError` where it is damaged.

    The package's own files need no check at each start of a program (`checked` False): whoever installed them did it.
    """
    try:
        index = json.loads((directory / INDEX).read_bytes())
        if index["format"] != FORMAT:
            raise UpdateError(f"{directory}: price format {index['format']!r}; this version reads {FORMAT}")
        texts = {}
        for provider, entry in index["providers"].items():
            text = (directory / Path(entry["file"]).name).read_bytes()
            if checked and _sha256(text) != entry["sha256"]:
                raise UpdateError(f"{directory}/{entry['file']}: content differs from its digest in {INDEX}")
            texts[provider] = text
        snapshot = Snapshot(index["date"], index["digest"], index.get("sources", {}), texts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UpdateError(
            f"{directory}: unreadable prices ({error!r}); remedy: reinstall or roll back"
        ) from None
    if checked and snapshot.digest != digest_of(snapshot.texts):
        raise UpdateError(f"{directory}/{INDEX}: its digest does not fit its pages")
    return snapshot


def write_snapshot(
    overlay: Iterable[Row],
    generated: Iterable[Row],
    directory: Path,
    *,
    date: dt.date,
    sources: Mapping[str, object],
) -> Snapshot:
    """Writes the shipped form of checked rows and gives it back; the same rows always give the same bytes."""
    by_provider: dict[str, list[LayeredRow]] = {}
    for layer, rows in ((OVERLAY, overlay), (GENERATED, generated)):
        for row in rows:
            by_provider.setdefault(row.provider, []).append((layer, row))
    texts = {provider: _page_text(provider, rows) for provider, rows in sorted(by_provider.items())}
    snapshot = Snapshot(date.isoformat(), digest_of(texts), sources, texts)
    directory.mkdir(parents=True, exist_ok=True)
    for provider, text in texts.items():
        write_page(directory, provider, text)
    write_index(directory / INDEX, snapshot)
    return snapshot


def write_page(directory: Path, provider: str, text: bytes) -> None:
    """Writes the page of a provider where an index will name it."""
    _write(directory / f"{provider}.json", text)


def write_index(path: Path, snapshot: Snapshot) -> None:
    """Writes the index of a snapshot, after its pages: readers see the old set or the new one."""
    entries = {}
    for provider, text in snapshot.texts.items():
        page = snapshot.page(provider)
        rows = sum(len(json.loads(tables)) for tables in page.models.values()) if page is not None else 0
        entries[provider] = {
            "file": f"{provider}.json",
            "sha256": _sha256(text),
            "rows": rows,
        }
    index = {
        "format": FORMAT,
        "date": snapshot.date,
        "digest": snapshot.digest,
        "sources": dict(snapshot.sources),
        "providers": entries,
    }
    _write(path, (json.dumps(index, indent=1, sort_keys=True) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.new")
    beside.write_bytes(content)
    beside.replace(path)


def digest_of(texts: Mapping[str, bytes]) -> str:
    """The digest of a snapshot's pages (SHA-256, hexadecimal)."""
    return _sha256(
        "".join(f"{provider} {_sha256(text)}\n" for provider, text in sorted(texts.items())).encode()
    )


def _sha256(text: bytes) -> str:
    import hashlib  # loads OpenSSL: most programs check nothing

    return hashlib.sha256(text).hexdigest()


def _page_text(provider: str, rows: list[LayeredRow]) -> bytes:
    sources: dict[str, int] = {}
    models: dict[str, list[list[object]]] = {}
    aliases: dict[tuple[str, str, int, int], None] = {}
    patterns: dict[tuple[str, str, str], None] = {}
    for layer, row in sorted(rows, key=_order):
        table = row_table(row)
        for key in ("provider", "model", "aliases", "match"):
            table.pop(key, None)
        if row.source_url:
            table["source_url"] = sources.setdefault(row.source_url, len(sources))
        models.setdefault(row.model, []).append([layer, table])
        aliases.update(((a.name, row.model, a.from_ns, a.to_ns), None) for a in row.aliases)
        patterns.update(((m.prefix, m.regex, row.model), None) for m in row.match)
    page = {
        "provider": provider,
        "sources": list(sources),
        "aliases": [list(alias) for alias in aliases],
        "patterns": [list(pattern) for pattern in patterns],
        "models": {model: _compact(tables) for model, tables in models.items()},
    }
    return f"{json.dumps(page, separators=(',', ':'))}\n".encode()


def _order(layered: LayeredRow) -> tuple[object, ...]:
    layer, row = layered
    return (
        row.model,
        layer,
        row.tier,
        row.speed,
        row.region,
        row.from_ns,
        row.to_ns,
        _compact(row_table(row)),
    )


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _page(shard: Mapping[str, object]) -> Page:
    aliases: dict[str, tuple[tuple[str, Alias], ...]] = {}
    given: list[list[object]] = shard["aliases"]  # type: ignore[assignment]
    for name, model, start, end in given:
        entry = (str(model), Alias(str(name), int(str(start)), int(str(end))))
        aliases[str(name)] = (*aliases.get(str(name), ()), entry)
    patterns: list[tuple[str, str, str]] = [tuple(p) for p in shard["patterns"]]  # type: ignore[attr-defined]
    sources: list[str] = shard["sources"]  # type: ignore[assignment]
    models: dict[str, str] = shard["models"]  # type: ignore[assignment]
    return Page(str(shard["provider"]), aliases, tuple(patterns), tuple(sources), models)
