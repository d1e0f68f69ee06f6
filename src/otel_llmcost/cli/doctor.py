"""`otel-llmcost doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict

import click
from rich.table import Table
from rich.text import Text

from .diagnosis import diagnose
from .findings import BROKEN, NOTE, OK, Diagnosis
from .harmless import printable
from .tables import console

_STYLE = {OK: "green", NOTE: "yellow", BROKEN: "bold red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Findings as JSON.")
def command(as_json: bool) -> None:
    """Say what is watched, where the cost goes, and what is wrong. Exit code 1 if something is broken."""
    # what the rooms would log about mistakes in the settings stands in the findings
    logging.getLogger("otel_llmcost").addHandler(logging.NullHandler())
    found = diagnose()
    if as_json:
        findings = [asdict(finding) for finding in found.findings]
        click.echo(json.dumps({"ok": not found.broken, "findings": findings}, indent=2))
    else:
        _show(found)
    if found.broken:
        raise SystemExit(1)


def _show(diagnosis: Diagnosis) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    topic = ""
    for found in diagnosis.findings:
        if found.topic != topic:
            topic = found.topic
            table.add_row(Text(topic, style="bold"))
        table.add_row(
            Text(f"  {found.state}", style=_STYLE[found.state]),
            Text(printable(found.name)),
            Text(printable(found.text)),
        )
        if found.remedy:
            table.add_row("", "", Text(f"remedy: {found.remedy}", style="dim"))
    to = console()
    to.print(table)
    broken = len(diagnosis.broken)
    to.print(f"\n{broken} broken" if broken else "\nnothing is broken")
