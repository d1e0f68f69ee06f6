"""The five dashboards."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, dashboard, stat, timeseries
from operations import operations
from panels import (
    CALLS,
    COST,
    FILTER,
    PROGRAM,
    RANGE,
    SAVINGS,
    STEP,
    TOKENS,
    Query,
    board,
    figure,
    filled,
    grown,
    listing,
    over_time,
    ranking,
    status,
)

MODEL, PROVIDER, SERVICE = "gen_ai_response_model", "gen_ai_provider_name", "service_name"
SOURCE, TEAM, FEATURE = "llmcost_source", "llmcost_team", "llmcost_feature"
DURATION = "gen_ai_client_operation_duration_seconds"


def overview() -> dashboard.Dashboard:
    """Spend, and what has no price."""
    about = "What LLM calls cost: now, today, this month; by whom and on what."
    by_model = f"{PROVIDER}, {MODEL}"
    whose = (("provider", PROVIDER), ("service", SERVICE), ("team", TEAM), ("source", SOURCE))
    return filled(
        board("llmcost-overview", "Overview", about),
        *_spend(),
        over_time(
            "Spend by model",
            "Each bar is what was spent in its interval; points lead to traces.",
            Query(grown(COST, STEP, MODEL), f"{{{{{MODEL}}}}}", exemplars=True),
            stacked=True,
            width=24,
        ),
        *(_spend_by(what, label, width=6) for what, label in whose),
        listing(
            "By model",
            "Spend and calls in the range.",
            Query(grown(COST, RANGE, by_model), "spend"),
            Query(grown(CALLS, RANGE, by_model), "calls"),
        ),
    )


def _spend() -> list[stat.Panel]:
    unknown = f"{grown(CALLS, RANGE, where=status('unpriced', 'partial'))} or vector(0)"
    return [
        figure("Range", "Spend in the chosen range.", Query(grown(COST, RANGE), "spend")),
        figure("Last hour", "Spend in the last 60 minutes.", Query(grown(COST, "1h"), "spend")),
        figure("Last 24 hours", "Spend in the last 24 hours.", Query(grown(COST, "24h"), "spend")),
        figure("Last 30 days", "Spend in the last 30 days.", Query(grown(COST, "30d"), "spend")),
        figure(
            "Month at this pace",
            "30 days at the pace of the last 24 hours.",
            Query(f"30 * {grown(COST, '24h')}", "forecast"),
        ),
        figure(
            "Calls without a price",
            "Calls whose price is unknown or partly unknown: the spend is at least what is shown.",
            Query(unknown, "calls"),
            unit="short",
            decimals=0,
        ),
    ]


def _spend_by(what: str, label: str, *, width: int = 8) -> bargauge.Panel:
    query = Query(grown(COST, RANGE, label), f"{{{{{label}}}}}")
    return ranking(f"By {what}", "Spend in the range.", query, width=width)  # type: ignore[no-any-return]


def models() -> dashboard.Dashboard:
    """What each model costs, and how it answers."""
    about = "Cost per call and per 1,000 tokens, latency, cache and tiers of each model."
    return filled(
        board("llmcost-models", "Models", about),
        *_unit_costs(),
        *_latencies(),
        *_cache(),
        _spend_by("served tier", "llmcost_service_tier"),
        over_time(
            "Tokens by meter",
            "Billable tokens in each interval.",
            Query(grown(TOKENS, STEP, "llmcost_meter"), "{{llmcost_meter}}"),
            unit="short",
            stacked=True,
        ),
        over_time(
            "Spend by component",
            "Input, cache reads and writes, output, units, tools.",
            Query(grown(COST, STEP, "llmcost_component"), "{{llmcost_component}}"),
            stacked=True,
        ),
    )


_OF_MODEL = f"{{{{{MODEL}}}}}"


def _unit_costs() -> list[timeseries.Panel]:
    cost = grown(COST, STEP, MODEL)
    return [
        over_time(
            "Cost per call",
            "Spend by number of calls.",
            Query(f"{cost} / {grown(CALLS, STEP, MODEL)}", _OF_MODEL),
        ),
        over_time(
            "Cost per 1,000 tokens",
            "Spend by thousand tokens of all kinds.",
            Query(f"1000 * {cost} / {grown(TOKENS, STEP, MODEL)}", _OF_MODEL),
        ),
    ]


def _latencies() -> list[timeseries.Panel]:
    # rate() sees nothing of a histogram that is born with its values, as that of a short program is.
    buckets = grown(f"{DURATION}_bucket", "$__rate_interval", f"le, {MODEL}")
    return [
        over_time(
            "Latency, 95th percentile",
            "Duration of calls.",
            Query(f"histogram_quantile(0.95, {buckets})", _OF_MODEL, exemplars=True),
            unit="s",
        ),
        over_time(
            "Latency, median",
            "Duration of calls.",
            Query(f"histogram_quantile(0.5, {buckets})", _OF_MODEL),
            unit="s",
        ),
    ]


def _cache() -> list[bargauge.Panel]:
    reads = grown(TOKENS, RANGE, MODEL, f'{FILTER},llmcost_meter=~"cache_read.*"')
    prompts = grown(TOKENS, RANGE, MODEL, f'{FILTER},llmcost_meter=~"input.*|cache_.*"')
    return [
        ranking(
            "Cache hit rate",
            "Share of prompt tokens that were read from a cache.",
            Query(f"{reads} / {prompts}", _OF_MODEL),
            unit="percentunit",
        ),
        ranking(
            "Cache savings",
            "What cache reads saved, less what cache writes cost more.",
            Query(grown(SAVINGS, RANGE, MODEL), _OF_MODEL),
        ),
    ]


def attribution() -> dashboard.Dashboard:
    """Who spent it."""
    whose = (("team", TEAM), ("feature", FEATURE), ("source", SOURCE))
    panels = [_spend_by(what, label) for what, label in whose]
    for what, label in whose:
        query = Query(grown(COST, STEP, label), f"{{{{{label}}}}}", exemplars=True)
        panels.append(over_time(f"Spend by {what}", "Spend in each interval.", query, stacked=True, width=8))
    panels.append(
        listing(
            "Everything",
            "Spend and calls in the range.",
            Query(grown(COST, RANGE, f"{TEAM}, {FEATURE}, {SOURCE}, {MODEL}"), "spend"),
            Query(grown(CALLS, RANGE, f"{TEAM}, {FEATURE}, {SOURCE}, {MODEL}"), "calls"),
        )
    )
    text = (
        "Team, feature and source of every dollar; OTEL_LLMCOST_METRIC_TAGS decides which tags become labels."
    )
    return filled(board("llmcost-attribution", "Attribution", text), *panels)


def budgets() -> dashboard.Dashboard:
    """Limits and how near they are."""
    limit = f"max by (budget) (llmcost_budget_limit_USD{{{PROGRAM}}})"
    spent = f"max by (budget) (llmcost_budget_spent_USD{{{PROGRAM}}})"
    return filled(
        board("llmcost-budgets", "Budgets", "Budgets of otel-llmcost: limit, spent and reserved, remaining."),
        ranking(
            "Used",
            "Spent and reserved, as a share of the limit.",
            Query(f"{spent} / {limit}", "{{budget}}"),
            unit="percentunit",
            width=12,
        ),
        ranking(
            "Remaining", "Limit less spent and reserved.", Query(f"{limit} - {spent}", "{{budget}}"), width=12
        ),
        over_time(
            "Spent and limit",
            "Budgets over time.",
            Query(spent, "{{budget}} spent"),
            Query(limit, "{{budget}} limit"),
            width=24,
        ),
        listing("Budgets", "Limit and spent.", Query(limit, "limit"), Query(spent, "spent")),
    )


BOARDS = {
    "overview": overview,
    "models": models,
    "attribution": attribution,
    "budgets": budgets,
    "operations": operations,
}
