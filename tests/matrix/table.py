"""The published table: SDK × version × way -> ok, written from the cells that ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .conformance.catalogue import WAYS
from .conformance.way import Way

NOT_RUN, NO_SUCH_SURFACE = "not run", "–"
_HEAD = """# Ways of calling

Every way of calling was run twice in a process of its own, without us and watched, against a provider on loopback.
`ok` means: the program saw the same values, types and exceptions and sent the same requests; exactly the expected
number of calls was settled, each with its exact cost or the status and the reason it must have; each span ended once;
the SDK's own spans say what they said before; nothing was logged and no failure of ours had to be contained. Sync and
async are both in a cell.

`–`: this version of the SDK has no such surface. `not run`: nobody knows; in continuous integration that is a failure.

`make matrix` writes this page; the ways are in `tests/matrix/conformance/`.
"""


@dataclass(frozen=True)
class Column:
    """The results of one environment."""

    versions: Mapping[str, str]
    cells: Mapping[tuple[str, str], Mapping[str, str]]
    """(sdk, way) -> mode -> result."""

    def says(self, way: Way) -> str:
        """One word for a way in all its modes."""
        found = self.cells.get((way.sdk, way.title), {})
        results = {found.get(mode, NOT_RUN) for mode in way.modes}
        for word in (NOT_RUN, "failed", "ok"):
            if word in results:
                return word
        return NO_SUCH_SURFACE


def column(document: Mapping[str, object] | None, locked: Mapping[str, str]) -> Column:
    """From the JSON that the suite wrote; None where it did not run: then the column has its locked versions only."""
    if document is None:
        return Column(locked, {})
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for cell in document["cells"]:  # type: ignore[attr-defined]
        cells.setdefault((cell["sdk"], cell["way"]), {})[cell["mode"]] = cell["result"]
    return Column(document["versions"], cells)  # type: ignore[arg-type]


def page(columns: Iterable[Column], processes: Mapping[str, str]) -> str:
    """The whole page, in Markdown."""
    columns = list(columns)
    parts = [_HEAD]
    for sdk in ("openai", "anthropic"):
        parts.append(f"## {sdk}\n")
        parts.append(_row("way", *(one.versions[sdk] for one in columns)))
        parts.append(_row("-", *("-" for _ in columns)))
        parts.extend(_row(way.title, *(one.says(way) for one in columns)) for way in WAYS if way.sdk == sdk)
        parts.append("")
    parts.append("## Processes\n\nUnder `opentelemetry-instrument`, with the newest SDKs.\n")
    parts.append(_row("program", "result"))
    parts.append(_row("-", "-"))
    parts.extend(_row(name, result) for name, result in processes.items())
    return "\n".join(parts) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
