"""The options that say which calls are meant, the same for every command that reads the ledger."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import click

from ..call import STATUSES
from ..ledger.filters import CallFilter
from ..money import Femto, femto
from ..reports import TimeRange, between, parse_instant, parse_range, zone

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_FIELDS = (
    "model",
    "provider",
    "source",
    "stage",
    "team",
    "feature",
    "conversation",
    "session",
    "user",
    "service",
)


def amount_option(ctx: click.Context, param: click.Parameter, value: str | None) -> Femto | None:
    """Femto-dollars of what an option was given, such as 0.05 or $0.05. Raises `click.BadParameter`."""
    if value is None:
        return None
    try:
        return femto(Decimal(value.removeprefix("$").replace(",", "")))
    except (InvalidOperation, ValueError, OverflowError):
        raise click.BadParameter(f"{value!r} is no amount in USD, such as 0.05", ctx, param) from None


def selection_options(function: _Decorated) -> _Decorated:
    """Range, time zone and filters; collect them with `selected(**options)`."""
    options = [
        click.argument("period", required=False, metavar="[RANGE]"),
        click.option("--since", metavar="TIME", help="Calls from this day or instant on."),
        click.option("--until", metavar="TIME", help="Calls up to this instant, or to the end of this day."),
        click.option(
            "--tz", default="UTC", show_default=True, help="Time zone for days, such as Europe/Berlin."
        ),
        *(
            click.option(
                f"--{name}",
                multiple=True,
                metavar="TEXT",
                help=f"Only this {name}; * stands for any text, * alone for any {name}.",
            )
            for name in _FIELDS
        ),
        click.option(
            "--status", multiple=True, type=click.Choice(STATUSES), help="Only calls with this status."
        ),
        click.option("--error", multiple=True, metavar="TYPE", help="Only calls with this type of error."),
        one_of("outcome", None, failed="Only calls with an error.", ok="Only calls without an error."),
        click.option(
            "--min-cost", callback=amount_option, metavar="USD", help="Only calls that cost this or more."
        ),
        click.option("--tag", multiple=True, metavar="NAME=VALUE", help="Only calls with this tag."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def _so_many(ctx: click.Context, param: click.Parameter, value: int) -> int:
    if not value:
        raise click.BadParameter("0 shows nothing; give 1 or more, or -1 for all", ctx, param)
    return value


def limit_option(function: _Decorated) -> _Decorated:
    """`--limit N`, passed on as `limit`; -1 for all."""
    return click.option(
        "-n",
        "--limit",
        default=20,
        show_default=True,
        type=click.IntRange(min=-1),
        callback=_so_many,
        help="How many to show; -1: all.",
    )(function)


def selected(*, default: str, **options: Any) -> tuple[CallFilter, tzinfo]:
    """The calls that the options of `selection_options` mean, and their time zone.

    Raises `click.UsageError`, `ConfigurationError`.
    """
    tz = zone(options["tz"])
    stretch = _stretch(options["period"], options["since"], options["until"], default, tz)
    fields = {name: options[name] for name in (*_FIELDS, "status", "error") if options[name]}
    wanted = CallFilter(
        fields=fields,
        tags=dict(_tag(text) for text in options["tag"]),
        failed=None if options["outcome"] is None else options["outcome"] == "failed",
        min_amount=options["min_cost"],
    )
    return replace(wanted, since_ns=stretch.since_ns, until_ns=stretch.until_ns), tz


def _stretch(period: str | None, since: str | None, until: str | None, default: str, tz: tzinfo) -> TimeRange:
    now = datetime.now(UTC)
    if period is not None and (since or until):
        raise click.UsageError("give either a range or --since and --until, not both")
    if since is None and until is None:
        return parse_range(period or default, tz, now)
    return between(
        since,
        until,
        parse_instant(since, tz, now) if since else None,
        parse_instant(until, tz, now, end=True) if until else None,
    )


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--tag wants NAME=VALUE, not {text!r}")
    return name, value


def format_options(function: _Decorated) -> _Decorated:
    """`--json` and `--csv`, passed on as `output`: "json", "csv" or "table"."""
    json, csv = "The answer as JSON, with exact amounts.", "The answer as CSV, with exact amounts."
    return one_of("output", "table", json=json, csv=csv)(function)


def one_of(name: str, otherwise: str | None, **flags: str) -> Callable[[_Decorated], _Decorated]:
    """Flags with their help, of which one may be given; it is passed on as `name`, none as `otherwise`."""

    def decorated(function: Any) -> Any:
        @functools.wraps(function)
        def command(**given: Any) -> Any:
            asked = [flag for flag in flags if given.pop(f"{name}_{flag}")]
            if asked[1:]:
                raise click.UsageError(f"give either --{asked[0]} or --{asked[1]}, not both")
            return function(**{name: asked[0] if asked else otherwise}, **given)

        for flag, text in reversed(flags.items()):
            command = click.option(f"--{flag}", f"{name}_{flag}", is_flag=True, help=text)(command)
        return command

    return decorated
