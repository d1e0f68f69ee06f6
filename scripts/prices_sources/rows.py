"""The generator's own view of a row; `table()` is the agreed row form that the book reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from .names import Names

Rates = dict[str, Decimal]
"""Token meter -> USD per million tokens."""
Fee = dict[str, Any]
"""{"usd": Decimal, "per": int, "variant": str}"""


@dataclass
class Row:
    """One price of one model on one set of terms in one span of time."""

    provider: str
    model: str
    names: Names = field(default_factory=Names)
    effective_from: str = ""
    effective_to: str = ""
    recorded_at: str = ""
    tier: str = "standard"
    speed: str = ""
    region: tuple[str, ...] = ()
    rates: Rates = field(default_factory=dict)
    thresholds: dict[int, Rates] = field(default_factory=dict)
    basis: str = "prompt"
    """What the thresholds count."""
    fees: dict[str, list[Fee]] = field(default_factory=dict)
    schedule: list[dict[str, Any]] = field(default_factory=list)
    multipliers: list[dict[str, Any]] = field(default_factory=list)
    committed: bool = False
    free: bool = False
    billed_at: str = ""
    context_window: int = 0
    max_output: int = 0
    status: str = "list"
    upstream: str = ""
    note: str = ""
    source_url: str = ""
    verified_at: str = ""

    @property
    def terms(self) -> tuple[str, str, str, str, tuple[str, ...]]:
        """What a row is looked up by, apart from its days."""
        return (self.provider, self.model, self.tier, self.speed, self.region)

    @property
    def prices_something(self) -> bool:
        return bool(self.rates or self.fees or self.committed or self.free)

    def copy(self, **changes: Any) -> Row:
        """A row of its own: no table is shared with the original."""
        return replace(
            self,
            **{
                "names": self.names.merged(Names()),
                "rates": dict(self.rates),
                "thresholds": {limit: dict(rates) for limit, rates in self.thresholds.items()},
                "fees": {meter: [dict(fee) for fee in fees] for meter, fees in self.fees.items()},
                "schedule": [dict(window) for window in self.schedule],
                "multipliers": [dict(multiplier) for multiplier in self.multipliers],
                **changes,
            },
        )

    def table(self) -> dict[str, Any]:
        """The agreed row form; absent keys are the defaults."""
        optional: dict[str, Any] = {
            "aliases": self.names.listed(self.model),
            "match": self.names.match(),
            "effective_from": self.effective_from,
            "effective_to": self.effective_to,
            "recorded_at": self.recorded_at,
            "tier": "" if self.tier == "standard" else self.tier,
            "speed": self.speed,
            "region": list(self.region),
            "rates": _texts(self.rates),
            "fees": {meter: _fee_tables(fees) for meter, fees in sorted(self.fees.items()) if fees},
            "threshold": [
                {"input_over": limit, "rates": _texts(rates)}
                | ({"basis": self.basis} if self.basis != "prompt" else {})
                for limit, rates in sorted(self.thresholds.items())
            ],
            "schedule": [{**window, "rates": _texts(window["rates"])} for window in self.schedule],
            "multipliers": self.multipliers,
            "committed": self.committed,
            "free": self.free,
            "billed_at": self.billed_at,
            "context_window": self.context_window,
            "max_output": self.max_output,
            "status": "" if self.status == "list" else self.status,
            "upstream": self.upstream,
            "source_url": self.source_url,
            "note": self.note,
            "verified_at": self.verified_at,
        }
        return {"provider": self.provider, "model": self.model} | {k: v for k, v in optional.items() if v}


def _texts(rates: Mapping[str, Decimal]) -> dict[str, str]:
    return {meter: text(rate) for meter, rate in sorted(rates.items())}


def _fee_tables(fees: list[Fee]) -> Any:
    tables = [
        {**fee, "usd": text(fee["usd"])} for fee in sorted(fees, key=lambda fee: str(fee.get("variant", "")))
    ]
    return tables[0] if len(tables) == 1 else tables


def text(amount: Decimal) -> str:
    """A plain decimal string without exponent or trailing zeros."""
    shown = format(amount, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def write_rates(model: str, provider: str, rates: Rates) -> Rates:
    """Name the lifetime that a plain cache write has: Anthropic's models 5 minutes, OpenAI's 30 minutes."""
    if "cache_write" not in rates:
        return rates
    short = model.lower()
    if "claude" in short:
        rates.setdefault("cache_write_5m", rates["cache_write"])
    elif "gpt-" in short or provider == "openai":
        rates.setdefault("cache_write_30m", rates["cache_write"])
    elif provider == "moonshot_ai":
        rates.setdefault("cache_write_5m", rates["cache_write"])
    return rates


def only_factor(row: Row, standard: Row) -> Decimal | None:
    """The factor between two rows where it is one and the same for every meter, and a clean one."""
    factors = {
        rate / standard.rates[meter]
        for meter, rate in row.rates.items()
        if standard.rates.get(meter, Decimal(0)) > 0
    }
    (factor,) = factors if len(factors) == 1 else (None,)
    return factor if factor is not None and factor * 100 == int(factor * 100) else None


def scaled(row: Row, factor: Decimal, **changes: Any) -> Row:
    """A derived row: every token rate times a factor, fees as they are."""
    made = row.copy(status="derived", **changes)
    for rates in (made.rates, *made.thresholds.values(), *(window["rates"] for window in made.schedule)):
        rates.update({meter: rate * factor for meter, rate in rates.items()})
    return made
