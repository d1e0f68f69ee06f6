"""`otel-llmcost demo`: real SDKs, a provider on loopback, the real instrumentation, then the report."""

from __future__ import annotations

import importlib.util
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

import click

from ..errors import MissingExtraError
from ..ledger.filters import CallFilter
from ..ledger.row import LedgerRow
from ..reports import cost_report, latest_calls
from ..server.demo_provider import DemoProvider
from .calls import call_columns
from .demo_export import destinations, show_export
from .launch import instrumented_environment
from .ledger_option import opened_ledger
from .report import show_report
from .tables import Column, console, print_table

_PROGRAM = "otel_llmcost.server.demo_program"
_EXPORTING_PROGRAM = "otel_llmcost.cli.exporting_demo"
_TIMEOUT_S = 120
# What would lead the demo elsewhere: the user's keys and addresses, settings, proxies.
_LEFT_OUT = ("OTEL_", "OPENAI_", "ANTHROPIC_", "XDG_CONFIG_HOME")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_SHOWN = frozenset({"input", "cache_read", "output"})
_EXPORT = ("OTEL_EXPORTER_", "OTEL_TRACES_", "OTEL_METRIC", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")


@click.command("demo")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the demo's ledger in this directory.",
)
@click.option("--export", is_flag=True, help="Export spans and counters as set in the environment.")
def command(keep: Path | None, export: bool) -> None:
    """Run the real openai and anthropic SDKs against a provider on loopback and show what the calls cost.

    It needs no key and no network, and costs nothing. Your own ledger, settings and exporters are left alone.
    """
    require_sdks()
    to = destinations(demo_environment(os.environ, export=True)) if export else []
    with _directory(keep) as ledger, tempfile.TemporaryDirectory(prefix="otel-llmcost-demo-") as other:
        told = Path(other) / "export.json"
        run_id = run_demo(ledger, os.environ, export_told=told if export else None)
        earlier = show_demo(ledger, run_id)
        failure = show_export(told, to) if export else ""
    _hint(keep, earlier)
    if failure:
        raise click.ClickException(failure)


def require_sdks() -> None:
    """Raises `MissingExtraError` where an SDK of the extra `demo` is not installed."""
    missing = [name for name in ("openai", "anthropic") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(" and ".join(missing), "demo", several=len(missing) > 1)


def run_demo(ledger: Path, environ: Mapping[str, str], *, export_told: Path | None = None) -> str:
    """Runs the demo's program in a process of its own, its calls kept in `ledger`; the id of this run.

    `export_told`: export as the environment says, and leave in this file what became of it.
    Raises `click.ClickException` where the program fails.
    """
    run_id = secrets.token_hex(8)
    export = export_told is not None
    program = [_PROGRAM] if export_told is None else [_EXPORTING_PROGRAM, str(export_told)]
    with DemoProvider() as openai, DemoProvider() as anthropic:
        told = demo_environment(environ, export=export) | {
            "OPENAI_BASE_URL": openai.openai_url,
            "OPENAI_API_KEY": "demo",
            "ANTHROPIC_BASE_URL": anthropic.url,
            "ANTHROPIC_API_KEY": "demo",
            "OTEL_LLMCOST_HOSTS": f"127.0.0.1:{openai.port}=openai,127.0.0.1:{anthropic.port}=anthropic",
            "OTEL_LLMCOST_LEDGER": str(ledger),
            "XDG_CONFIG_HOME": str(ledger),
        }
        ended = subprocess.run(
            [sys.executable, "-m", *program],
            env=instrumented_environment(told, run_id),
            cwd=ledger,
            timeout=_TIMEOUT_S,
            check=False,
        )
    if ended.returncode != 0:
        raise click.ClickException(f"the demo's program ended with code {ended.returncode}")
    return run_id


def demo_environment(environ: Mapping[str, str], *, export: bool = False) -> dict[str, str]:
    """The user's environment without what would lead the demo to their providers, settings or collectors."""
    kept = _EXPORT if export else ()
    return {
        name: text
        for name, text in environ.items()
        if name.startswith(kept) or not (name.startswith(_LEFT_OUT) or name.lower() in _PROXIES)
    }


def show_demo(ledger: Path, run_id: str) -> int:
    """Prints the calls of one run and the report by model; how many of other runs are in the ledger, too.

    Raises `click.ClickException` where the run has none.
    """
    wanted = CallFilter(fields={"run": run_id})
    with opened_ledger(ledger) as opened:
        rows = latest_calls(opened, wanted, limit=-1)
        report = cost_report(opened, by=("model",), wanted=wanted)
        kept = cost_report(opened, by=("model",)).total.statuses.total()
    if not rows:
        raise click.ClickException("no call of the demo was seen; remedy: otel-llmcost doctor")
    rows.reverse()
    columns = {column.header: column for column in call_columns(rows, UTC)}
    columns["seconds"] = Column("besides", [_besides(row) for row in rows], spare=7)
    del columns["start"]
    print_table(list(columns.values()), to=console(), elsewhere="")
    show_report(report, title="by model", elsewhere="")
    return kept - len(rows)


def _besides(row: LedgerRow) -> str:
    """What was bought beside the tokens that have a column of their own."""
    others = {meter: amount for meter, amount in row.usage.items() if meter not in _SHOWN}
    return ", ".join(f"{amount:,} {meter}" for meter, amount in others.items())


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="otel-llmcost-demo-") as made:
        yield Path(made)


def _hint(keep: Path | None, earlier: int) -> None:
    to = console()
    to.print("\nReal SDKs over real HTTP; only the provider and its answers were made up.", markup=False)
    if earlier:
        to.print(f"Calls of earlier runs that are kept there, too, and not shown: {earlier:,}", markup=False)
    if keep is not None:
        to.print(f"  otel-llmcost calls --dearest --ledger {keep}", markup=False)
    to.print("Next, with a program of yours:", markup=False)
    to.print("  otel-llmcost run -- python app.py", style="bold", markup=False)
    to.print("  otel-llmcost report", style="bold", markup=False)
