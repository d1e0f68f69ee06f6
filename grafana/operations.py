"""The dashboard Operations: whether the numbers can be trusted."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard, stat, timeseries
from panels import (
    CALLS,
    KEPT,
    POINTS_EXPORTED,
    PROGRAM,
    RANGE,
    RETRIES,
    SPANS_EXPORTED,
    STEP,
    UNANSWERED,
    Query,
    board,
    figure,
    filled,
    grown,
    over_time,
    status,
)


def operations() -> dashboard.Dashboard:
    """Whether the numbers can be trusted."""
    text = "Errors, retries, calls by status, age of prices, health of the ledger and of the exporters."
    return filled(
        board("llmcost-operations", "Operations", text),
        *_quality_figures(),
        *_health_figures(),
        *_calls_over_time(),
        *_ledger_over_time(),
        *_export_over_time(),
    )


_FAILED = f'{UNANSWERED},error_type!=""'
_ALIVE = f"count by (service_name) (count by (service_name, instance) ({CALLS}{{{UNANSWERED}}}))"


def _count(title: str, description: str, query: str) -> stat.Panel:
    return figure(title, description, Query(query, "count"), unit="short", decimals=0)  # type: ignore[no-any-return]


def _share(title: str, description: str, query: str) -> stat.Panel:
    return figure(title, description, Query(query, "share"), unit="percentunit")  # type: ignore[no-any-return]


def _quality_figures() -> list[stat.Panel]:
    calls = grown(CALLS, RANGE, where=UNANSWERED)
    failed = f"({grown(CALLS, RANGE, where=_FAILED)} or vector(0))"
    retries = f"{grown(RETRIES, RANGE, where=UNANSWERED)} or vector(0)"
    exact = grown(CALLS, RANGE, where=status("exact", "reported"))
    unpriced = f"{grown(CALLS, RANGE, where=status('unpriced'))} or vector(0)"
    return [
        _count("Failed calls", "Calls that ended in an error.", failed),
        _share("Error rate", "Failed calls by all calls.", f"{failed} / {calls}"),
        _count("Retries", "Attempts beyond a call's first; those that timed out may be billed.", retries),
        _share(
            "Exact calls",
            "Share of calls whose cost is exact or the provider's own figure.",
            f"{exact} / {calls}",
        ),
        _count("Unpriced calls", "Calls without any price.", unpriced),
        figure(
            "Age of prices",
            "Since the price list of the oldest program was checked.",
            Query(f"max(llmcost_price_age_seconds{{{PROGRAM}}})", "age"),
            unit="s",
        ),
    ]


def _health_figures() -> list[stat.Panel]:
    dropped = grown(KEPT, RANGE, where=f'{PROGRAM},llmcost_outcome="dropped"')
    without = f"sum(1 - min by (service_name, instance) (llmcost_ledger_enabled{{{PROGRAM}}}))"
    lost = grown(SPANS_EXPORTED, RANGE, where=f'{PROGRAM},error_type!=""')
    # zero only where the SDK tells what it exported
    told = f"0 * sum(last_over_time({SPANS_EXPORTED}{{{PROGRAM}}}[{RANGE}]))"
    return [
        _count("Not in the ledger", "Calls that were counted, but found no place in the ledger.", dropped),
        _count("Without a ledger", "Processes whose ledger is off or cannot be written.", without),
        figure(
            "Journal",
            "Largest journal of the ledgers: what waits to be moved into the database. Its cap is 256 MB.",
            Query(f"max(llmcost_ledger_journal_size_bytes{{{PROGRAM}}})", "size"),
            unit="bytes",
        ),
        _count("Programs reporting", "Processes whose counters arrive now.", f"sum({_ALIVE})"),
        _count(
            "Spans lost",
            "Spans that programs could not export (OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED=true tells it).",
            f"({lost}) or {told}",
        ),
        _count(
            "Waiting in collectors",
            "Requests in the collectors' queues (LLMCOST_OWN_METRICS=normal tells it).",
            "sum(otelcol_exporter_queue_size)",
        ),
    ]


def _calls_over_time() -> list[timeseries.Panel]:
    return [
        over_time(
            "Calls by status",
            "Calls in each interval.",
            Query(grown(CALLS, STEP, "llmcost_status", UNANSWERED), "{{llmcost_status}}"),
            unit="short",
            stacked=True,
        ),
        over_time(
            "Errors by type",
            "Failed calls in each interval.",
            Query(grown(CALLS, STEP, "error_type", _FAILED), "{{error_type}}", exemplars=True),
            unit="short",
            stacked=True,
        ),
        over_time(
            "Retries by model",
            "Attempts beyond the first in each interval.",
            Query(grown(RETRIES, STEP, "gen_ai_request_model", UNANSWERED), "{{gen_ai_request_model}}"),
            unit="short",
            stacked=True,
        ),
    ]


def _ledger_over_time() -> list[timeseries.Panel]:
    return [
        over_time(
            "Ledger",
            "Calls that it kept, and dropped for want of a place.",
            Query(grown(KEPT, STEP, "llmcost_outcome", PROGRAM), "{{llmcost_outcome}}"),
            unit="short",
            stacked=True,
        ),
    ]


def _export_over_time() -> list[timeseries.Panel]:
    newest = f"time() - max by (service_name) (timestamp({CALLS}{{{UNANSWERED}}}))"
    spans = grown(SPANS_EXPORTED, STEP, "otel_component_type, error_type", PROGRAM)
    # a data point that was not sent is told again by the next
    points = grown(POINTS_EXPORTED, STEP, "otel_component_type", PROGRAM)
    return [
        over_time(
            "Programs reporting",
            "Processes whose counters arrive.",
            Query(_ALIVE, "{{service_name}}"),
            unit="short",
        ),
        over_time(
            "Silence",
            "Since the newest counter of each service: a growing line is an exporter that is stuck.",
            Query(newest, "{{service_name}}"),
            unit="s",
        ),
        over_time(
            "Exports of programs",
            "Spans and data points that were sent; spans with a type of error were not.",
            Query(spans, "{{otel_component_type}} {{error_type}}"),
            Query(points, "{{otel_component_type}}"),
            unit="short",
            stacked=True,
        ),
        over_time(
            "Queues of collectors",
            "Requests that wait; a growing line is a backend that is away.",
            Query("sum by (job, exporter) (otelcol_exporter_queue_size)", "{{job}} {{exporter}}"),
            unit="short",
        ),
    ]
