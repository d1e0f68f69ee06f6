"""`otel-llmcost doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict

import click
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from .diagnosis import diagnose
from .findings import BROKEN, NOTE, OK, Diagnosis, Finding
from .harmless import printable
from .tables import console

_STYLE = {OK: "green", NOTE: "yellow", BROKEN: "bold red"}
_PIPED_WIDTH = 100
_MOST_OF_A_NAME = 24
_STATE_WIDTH = 10
_LEAST_OF_A_TEXT = 30
_INDENT = 4


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
def command(as_json: bool) -> None:
    """Check what is watched, where the cost goes, and what is wrong. Exit code 1 if something is broken."""
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
    to = console(piped_width=_PIPED_WIDTH)
    names = [cell_len(printable(found.name)) for found in diagnosis.findings]
    column = _STATE_WIDTH + 2 + max((width for width in names if width <= _MOST_OF_A_NAME), default=0)
    topic = ""
    for found in diagnosis.findings:
        if found.topic != topic:
            topic = found.topic
            to.print(topic, style="bold", markup=False)
        for line in _lines(found, column, to):
            to.print(line, soft_wrap=True)
    broken = len(diagnosis.broken)
    to.print(f"\n{broken} broken" if broken else "\nnothing is broken")


def _lines(found: Finding, column: int, to: Console) -> Iterator[Text]:
    """A finding: state, name, and its text beside them from `column` on, or below a long name."""
    if to.width - column < _LEAST_OF_A_TEXT:
        column = _INDENT  # in a narrow terminal the text stands below
    room = max(to.width - column, 1)
    texts = [*_wrapped(printable(found.text), "", room, to)]
    if found.remedy:
        texts += _wrapped(printable(f"remedy: {found.remedy}"), "dim", room, to)
    head = Text(f"  {found.state}".ljust(_STATE_WIDTH), style=_STYLE[found.state])
    head.append(printable(found.name), style="none")
    if head.cell_len + 2 > column:
        yield head
    elif texts:
        yield head + Text(" " * (column - head.cell_len)) + texts.pop(0)
    yield from (Text(" " * column) + text for text in texts)


def _wrapped(text: str, style: str, room: int, to: Console) -> list[Text]:
    # who reads a pipe may look for a path: it stays whole
    lines = Text(text, style=style).wrap(to, room, overflow="fold" if to.is_terminal else "ignore")
    for line in lines:
        line.rstrip()
    return list(lines)
