"""The table of `docs/together.md`, written from the runs of `make matrix`, or by `python -m tests.coexistence.table`."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

from ..matrix.environments import ROOT, python_of
from .beside import ALL, EXPECTED, Beside
from .programs import Programs, Run

PAGE = ROOT / "docs" / "together.md"
IN_TABLE = ("absent", "first", "last")
"""How each program runs for its two rows."""
_HEAD = """\
| beside | calls | we are switched on | their spans without us | with us | calls, each priced once | the cost is on |
|---|---|---|---|---|---|---|
"""

_PACKAGES = {
    "genai": "opentelemetry-instrumentation-genai-",
    "openllmetry": "opentelemetry-instrumentation-",
    "openinference": "openinference-instrumentation-",
}
_FRAMEWORKS = {"agents": "openai-agents"}


def package(other: str) -> str:
    """The distribution of a neighbour: `openllmetry-openai` is `opentelemetry-instrumentation-openai`."""
    family, _, target = other.partition("-")
    if family == "logfire":
        return "logfire"
    if family not in _PACKAGES:
        return {"pydantic": "pydantic-ai-slim"}.get(family, other)
    return _PACKAGES[family] + _FRAMEWORKS.get(target, target)


@cache
def version(other: str, environment: str) -> str:
    asked = f"import importlib.metadata as m; print(m.version({package(other)!r}))"
    command = [str(python_of(f"coexistence-{environment}")), "-c", asked]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def row(beside: Beside, order: str, without: Run, run: Run) -> str:
    others = " and ".join(f"{package(o)} {version(o, beside.environment)}" for o in beside.others)
    carriers = Counter(span.scope for span in run.sink.priced)
    who = ", ".join(
        f"{count} {'ours' if scope == 'otel_llmcost' else f'`{scope}`'}"
        for scope, count in carriers.most_common()
    )
    calls = 2 * len(EXPECTED[beside.calls])
    ok = len(run.sink.priced) == len(run.ledger) == calls
    counted = (
        str(calls) if ok else f"{len(run.sink.priced)} on spans, {len(run.ledger)} counted, {calls} made"
    )
    return f"| {others} | {beside.calls} | {order} | {len(without.theirs)} | {len(run.theirs)} | {counted} | {who} |"


def publish(programs: Programs) -> None:
    """Put the table into its page, in the place of the one that is there."""
    rows = []
    for beside in ALL:
        runs = {us: programs.run(beside.calls, beside.others, us, beside.environment) for us in IN_TABLE}
        rows += [row(beside, order, runs["absent"], runs[order]) for order in ("first", "last")]
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(_HEAD)
    assert found, f"{PAGE} has no table with the head {_HEAD}"
    after = rest.partition("\n\n")[2]
    PAGE.write_text(before + _HEAD + "\n".join(rows) + "\n\n" + after, encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(lambda name: Path(tempfile.mkdtemp(prefix=name, dir=folder)))
        for beside in ALL:
            for us in IN_TABLE:
                programs.begin(beside, us)
        publish(programs)
        programs.close()


if __name__ == "__main__":
    main()
