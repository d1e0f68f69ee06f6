"""Make the shipped prices of the committed inputs: upstream extracts and hand-written pages.

    python scripts/generate_prices.py            write the data
    python scripts/generate_prices.py --check    is what is committed up to date? (exit code 1: no)
    python scripts/generate_prices.py --fetch    fetch the catalogues first (the only use of a network)
    python scripts/generate_prices.py --report   also print what the catalogues disagree about

Stops where two catalogues differ on a first-party price that no page decides, where a page's statement is
about nothing, and where a row has no source. The same inputs always give the same bytes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import filecmp
import sys
import tempfile
from collections import Counter
from pathlib import Path

from prices_sources import genai, litellm, upstream
from prices_sources.apply import apply
from prices_sources.combine import Combined, combine
from prices_sources.pages import Pages, read

from otel_llmcost.prices.rates import Row as PriceRow
from otel_llmcost.prices.rows import parse_row
from otel_llmcost.prices.shards import write_snapshot

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "prices"
UPSTREAM = PAGES / "upstream"
DEAREST = 1000
"""USD per million tokens: no model has ever cost more, a catalogue's slip by a factor of 1,000 does."""
DATA = ROOT / "src" / "otel_llmcost" / "prices" / "data"


def main() -> int:
    """The command line; 0 where the data was written or is up to date."""
    arguments = _arguments()
    if arguments.fetch:
        upstream.fetch(UPSTREAM)
    catalogues = upstream.load(UPSTREAM)
    pages = read(PAGES)
    combined = combine(genai.rows(catalogues[0]), litellm.rows(catalogues[1]), pages)
    apply(pages, combined)
    overlay, generated = _checked(combined)
    if problems := [*_contradictions(combined, pages), *(f"about no row: {text}" for text in pages.unused())]:
        print("\n".join(problems), file=sys.stderr)
        return 1
    if arguments.report:
        print("\n".join(sorted({str(found) for found in combined.disagreements})))
    return (
        _check(overlay, generated, pages, catalogues)
        if arguments.check
        else _write(overlay, generated, pages, catalogues, DATA)
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("--check", "--fetch", "--report"):
        parser.add_argument(name, action="store_true")
    return parser.parse_args()


def _checked(combined: Combined) -> tuple[list[PriceRow], list[PriceRow]]:
    """(hand-written, generated) rows, checked. Raises SystemExit for one without source."""
    overlay: list[PriceRow] = []
    generated: list[PriceRow] = []
    for row in combined.rows():
        if not row.source_url or not row.upstream:
            raise SystemExit(f"{row.provider} {row.model}: no source")
        if max(row.rates.values(), default=0) > DEAREST:
            raise SystemExit(
                f"{row.provider} {row.model}: over ${DEAREST} per million tokens; a unit was misread"
            )
        (overlay if row.upstream.startswith("prices/") else generated).append(parse_row(row.table()))
    return overlay, generated


def _contradictions(combined: Combined, pages: Pages) -> list[str]:
    """First-party disagreements that no page decides, by statement or by a row of today."""
    decided = {(row.provider, row.model, row.tier) for row in pages.rows if not row.effective_to}
    return sorted(
        {
            f"undecided: {found}"
            for found in combined.disagreements
            if found.first_party and (found.provider, found.model, found.tier) not in decided
        }
    )


def _date(pages: Pages, catalogues: tuple[upstream.Catalogue, ...]) -> dt.date:
    days = [catalogue.retrieved_at for catalogue in catalogues] + [row.verified_at for row in pages.rows]
    return dt.date.fromisoformat(max(days)[:10])


def _write(
    overlay: list[PriceRow],
    generated: list[PriceRow],
    pages: Pages,
    catalogues: tuple[upstream.Catalogue, ...],
    folder: Path,
) -> int:
    sources = {
        catalogue.name: {
            "version": catalogue.version,
            "home": catalogue.home,
            "licence": catalogue.licence,
            "sha256": catalogue.sha256,
            "retrieved_at": catalogue.retrieved_at,
        }
        for catalogue in catalogues
    }
    snapshot = write_snapshot(overlay, generated, folder, date=_date(pages, catalogues), sources=sources)
    wanted = {f"{provider}.json" for provider in snapshot.texts} | {"index.json"}
    for stale in folder.glob("*.json"):
        if stale.name not in wanted:
            stale.unlink()
    counts = Counter(row.provider for row in (*overlay, *generated))
    size = sum(map(len, snapshot.texts.values()))
    print(f"{sum(counts.values())} rows, {size} bytes, {dict(sorted(counts.items()))}")
    return 0


def _check(
    overlay: list[PriceRow],
    generated: list[PriceRow],
    pages: Pages,
    catalogues: tuple[upstream.Catalogue, ...],
) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        _write(overlay, generated, pages, catalogues, Path(scratch))
        made = sorted(path.name for path in Path(scratch).glob("*.json"))
        kept = sorted(path.name for path in DATA.glob("*.json"))
        _, differing, missing = filecmp.cmpfiles(scratch, DATA, made, shallow=False)
    for name in sorted({*differing, *missing, *(set(kept) - set(made))}):
        print(f"out of date: {name}; run python scripts/generate_prices.py", file=sys.stderr)
    return 1 if differing or missing or made != kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
