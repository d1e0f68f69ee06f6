"""The queries and panels that the dashboards are made of (grafana-foundation-sdk 0.0.12)."""

from __future__ import annotations

from dataclasses import dataclass

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models.dashboard import (
    DashboardLink,
    DataSourceRef,
    VariableHide,
    VariableOption,
    VariableRefresh,
)

USD = "currencyUSD"
SOURCE = DataSourceRef(type_val="prometheus", uid="$datasource")
FILTER = (
    'service_name=~"$service",deployment_environment_name=~"$environment",'
    'gen_ai_provider_name=~"$provider",gen_ai_response_model=~"$model"'
)
PROGRAM = 'service_name=~"$service",deployment_environment_name=~"$environment"'
"""For what concerns a program and not its calls."""
UNANSWERED = f'{PROGRAM},gen_ai_provider_name=~"$provider"'
"""For calls that no model answered: errors have no response model."""

RANGE, STEP = "$__range", "$__interval"
COST, CALLS, TOKENS = "llm_cost_USD_total", "llm_calls_total", "llm_tokens_total"
SAVINGS = "llm_cache_savings_USD"
RETRIES, KEPT = "llmcost_retries_total", "llmcost_ledger_calls_total"
SPANS_EXPORTED = "otel_sdk_exporter_span_exported_total"
POINTS_EXPORTED = "otel_sdk_exporter_metric_data_point_exported_total"


def grown(metric: str, window: str, by: str = "", where: str = FILTER) -> str:
    """What a counter grew by in a window, exactly.

    `increase()` sees nothing of a counter that is born with its value, and guesses at the edges of the window. A
    series here is one process: its value at the end of the window, less what it had at the beginning (none: 0).
    """
    counter = f"{metric}{{{where}}}"
    last = f"last_over_time({counter}[{window}])"
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} ({last} - ({counter} offset {window} or 0 * {last}))"


@dataclass(frozen=True)
class Query:
    """An expression and what its series are called; `{{label}}` names a label that they must have."""

    text: str
    legend: str
    exemplars: bool = False


def _target(query: Query, letter: str, *, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(letter).expr(query.text).legend_format(query.legend)
    target = target.datasource(SOURCE)
    if instant:
        return target.instant()
    return target.range().exemplar(query.exemplars)


def _titled(panel, title: str, description: str, unit: str, width: int, height: int):  # type: ignore[no-untyped-def]
    return (
        panel.title(title).description(description).unit(unit).datasource(SOURCE).span(width).height(height)
    )


def figure(
    title: str,
    description: str,
    query: Query,
    unit: str = USD,
    *,
    width: int = 4,
    decimals: int | None = None,
):  # type: ignore[no-untyped-def]
    """One number."""
    panel = _titled(stat.Panel(), title, description, unit, width, 4)
    panel = panel.with_target(_target(query, "A", instant=True)).reduce_options(
        common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    )
    return panel if decimals is None else panel.decimals(decimals)


def over_time(  # type: ignore[no-untyped-def]
    title: str, description: str, *queries: Query, unit: str = USD, width: int = 12, stacked: bool = False
):
    """Lines, or bars that stand on each other."""
    panel = _titled(timeseries.Panel(), title, description, unit, width, 8).min(0)
    for letter, query in zip("ABCDEF", queries, strict=False):
        panel = panel.with_target(_target(query, letter, instant=False))
    legend = (
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["sum"] if stacked else ["mean", "max"])
    )
    panel = panel.legend(legend)
    if not stacked:
        return panel.show_points(common_models.VisibilityMode.NEVER)
    stacking = common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A")
    return (
        panel.draw_style(common_models.GraphDrawStyle.BARS).fill_opacity(80).stacking(stacking).interval("1m")
    )


def ranking(title: str, description: str, query: Query, unit: str = USD, *, width: int = 8):  # type: ignore[no-untyped-def]
    """Bars, the largest first."""
    panel = _titled(bargauge.Panel(), title, description, unit, width, 8).min(0)
    return (
        panel.with_target(_target(query, "A", instant=True))
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )


def listing(title: str, description: str, *queries: Query, unit: str = USD, width: int = 24):  # type: ignore[no-untyped-def]
    """A table, one column for each query."""
    panel = _titled(table.Panel(), title, description, unit, width, 8)
    for letter, query in zip("ABCDEF", queries, strict=False):
        panel = panel.with_target(
            _target(query, letter, instant=True).format("table")  # type: ignore[arg-type]
        )
    return panel


def board(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """An empty dashboard with its variables and the links to the others."""
    made = (
        dashboard.Dashboard(f"LLM cost / {title}")
        .uid(uid)
        .description(description)
        .tags(["llmcost"])
        .timezone("browser")
        .time("now-24h", "now")
        .refresh("1m")
        .readonly()
        .link(
            dashboard.DashboardLink("LLM cost")
            .type("dashboards")
            .tags(["llmcost"])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .type("prometheus")
            .current(VariableOption(text="Prometheus", value="prometheus"))
            .hide(VariableHide.DONT_HIDE)
        )
    )
    for name, label, what in (
        ("service", "Service", "service_name"),
        ("environment", "Environment", "deployment_environment_name"),
        ("provider", "Provider", "gen_ai_provider_name"),
        ("model", "Model", "gen_ai_response_model"),
    ):
        made = made.with_variable(
            dashboard.QueryVariable(name)
            .label(label)
            .datasource(SOURCE)
            .query(f"label_values({CALLS}, {what})")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            # A label that a series does not have is empty: `.*` takes those too.
            .all_value(".*")
            .current(VariableOption(text="All", value="$__all"))
        )
    return made


def filled(empty: dashboard.Dashboard, *panels) -> dashboard.Dashboard:  # type: ignore[no-untyped-def]
    """A dashboard with these panels, numbered in their order."""
    for number, panel in enumerate(panels, 1):
        empty = empty.with_panel(panel.id(number))
    return empty


def status(*statuses: str) -> str:
    """The filter of calls with one of these statuses."""
    return f'{UNANSWERED},llmcost_status=~"{"|".join(statuses)}"'


__all__ = [
    "DashboardLink",
    "Query",
    "board",
    "figure",
    "filled",
    "grown",
    "listing",
    "over_time",
    "ranking",
    "status",
]
