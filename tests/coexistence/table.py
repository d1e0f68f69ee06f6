"""`python -m tests.coexistence.table`: runs every program and prints the table of `docs/together.md`."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from ..matrix.environments import python_of
from .conftest import Programs, Run
from .test_together import ALL, EXPECTED, Beside

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


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        programs = Programs(lambda name: Path(tempfile.mkdtemp(prefix=name, dir=folder)))
        for beside in ALL:
            runs = {
                us: programs.run(beside.calls, beside.others, us, beside.environment)
                for us in ("absent", "first", "last")
            }
            for order in ("first", "last"):
                print(row(beside, order, runs["absent"], runs[order]), flush=True)


if __name__ == "__main__":
    main()
