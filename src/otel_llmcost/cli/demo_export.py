"""Where `otel-llmcost demo --export` sends spans and counters, and whether it did."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from .endpoints import default_protocol, endpoint_of, endpoint_variable, mistake_in, speaks_http
from .harmless import printable
from .launch import configured_exporter
from .tables import console

_CARRIES = {"TRACES": "spans", "METRICS": "counters"}
_MOST_FAILURES = 3


@dataclass(frozen=True, slots=True)
class Destination:
    """Where spans or counters go: an endpoint, or an exporter that has none."""

    carries: str
    where: str


def destinations(environ: Mapping[str, str]) -> list[Destination]:
    """Where the environment sends what the demo makes. Raises `click.UsageError` where nothing can be sent."""
    found = []
    for signal, carries in _CARRIES.items():
        exporter = configured_exporter(environ, signal)
        if exporter and exporter != "none":
            found.append(Destination(carries, _where(environ, signal, exporter)))
    if not found:
        raise click.UsageError("--export: nothing says where to; remedy: set OTEL_EXPORTER_OTLP_ENDPOINT")
    return found


def _where(environ: Mapping[str, str], signal: str, exporter: str) -> str:
    if "otlp" not in exporter:
        return f"the exporter {exporter}"
    protocol = default_protocol(environ, signal, distribution=False)
    endpoint = endpoint_of(environ, signal, exporter, protocol)
    wrong = mistake_in(endpoint, http=speaks_http(environ, signal, exporter, protocol))
    if wrong is not None:
        variable = endpoint_variable(environ, signal)
        raise click.UsageError(f"--export: {variable}={endpoint} {wrong.text}; remedy: {wrong.remedy}")
    return endpoint


def show_export(told: Path, to: list[Destination]) -> str:
    """Prints where spans and counters went, or what kept them from it; the failure in one line, "" for none."""
    answer = json.loads(told.read_text(encoding="utf-8"))
    failures = [printable(text) for text in answer["failures"]]
    failures += [f"no pipeline was made for {one.carries}" for one in to if one.carries not in answer["made"]]
    if not failures:
        for line in _named(to):
            console().print(f"exported: {line}", markup=False)
        return ""
    for text in failures[:_MOST_FAILURES]:
        console().print(text, style="yellow", markup=False)
    remedy = "otel-llmcost doctor says whether somebody listens there"
    return f"not everything was exported: {'; '.join(_named(to))}; remedy: {remedy}"


def _named(to: list[Destination]) -> list[str]:
    if len({one.where for one in to}) == 1:
        return [f"{' and '.join(one.carries for one in to)} to {printable(to[0].where)}"]
    return [f"{one.carries} to {printable(one.where)}" for one in to]
