"""What can be wrong with prices although every row of them can be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

from ..errors import ConfigurationError, UpdateError
from ..toml_source import TomlTable, read_toml
from .bundle import check_rows
from .own_reading import misspelt_tables, read_own
from .plan import time_zone
from .rates import Row
from .shards import GENERATED, LayeredRow, Page, Snapshot


def check_file(path: Path) -> list[ConfigurationError]:
    """Every mistake in a page of prices or a settings file, each with its line."""
    try:
        document = read_toml(path)
    except ConfigurationError as error:
        return [error]
    problems = read_own([document]).problems
    is_settings = isinstance(document.table.get("prices"), TomlTable) or path.name == "otel-llmcost.toml"
    if not is_settings:
        misspelt = misspelt_tables(document)
        named = {(problem.key, problem.line) for problem in misspelt}
        problems = [*misspelt, *(p for p in problems if (p.key, p.line) not in named)]
    return sorted(problems, key=lambda problem: problem.line)


def check_snapshot(snapshot: Snapshot) -> list[str]:
    """Contradictions in a set of prices: two rows of one layer for the same terms and time, unknown time zones."""
    try:
        check_rows(snapshot)
    except UpdateError as error:
        return [str(error)]
    problems: list[str] = []
    for provider in snapshot.texts:
        page = snapshot.page(provider)
        if page is not None:
            problems.extend(_of_page(page))
    return problems


def _of_page(page: Page) -> Iterator[str]:
    for model in page.models:
        rows = page.rows(model)
        yield from _contradictions(rows)
        for _, row in rows:
            yield from _wrong_zones(row)
    for name, targets in page.aliases.items():
        for (model, first), (other, second) in combinations(targets, 2):
            # An alias that says when it held comes before one that does not.
            alike = first.is_dated == second.is_dated
            if alike and model != other and first.from_ns < second.to_ns and second.from_ns < first.to_ns:
                yield f"{page.provider}: {name} is an alias of both {model} and {other} at one time"
        yield from (
            f"{page.provider}: {name} leads to {m}, which has no row" for m, _ in targets if not page.rows(m)
        )


def _contradictions(rows: Iterable[LayeredRow]) -> Iterator[str]:
    for (layer, one), (other_layer, two) in combinations(rows, 2):
        same = layer == other_layer and layer != GENERATED
        terms = (one.tier, one.speed, one.region, one.from_ns) == (
            two.tier,
            two.speed,
            two.region,
            two.from_ns,
        )
        if same and terms and one.recorded_at == two.recorded_at and one.rates != two.rates:
            yield f"{one.provider} {one.model} {one.tier}: two rows of one time with different rates"


def _wrong_zones(row: Row) -> Iterator[str]:
    for window in row.schedule:
        try:
            time_zone(window.tz)
        except ConfigurationError as error:
            yield f"{row.provider} {row.model}: {error}"
