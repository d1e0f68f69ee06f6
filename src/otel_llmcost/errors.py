"""Every error that this package raises, under one root.

LlmCostError
├── ConfigurationError      a setting, a prices file, a budget is wrong (names file, line, key, value, what is allowed)
├── UsageError              usage that contradicts itself (names both numbers), an argument that is none of those allowed
├── PriceError              a price cannot be given (only where the caller asked for an exception)
├── LedgerError             the ledger cannot be read or written
├── UpdateError             a price update was refused
├── DiscoveryError          the list of models of a provider could not be fetched
├── MissingExtraError       an optional dependency is not installed (names the extra)
└── BudgetExceeded          the only one that an instrumented program ever sees, and only where it asked for it
"""

from __future__ import annotations

from collections.abc import Mapping


class LlmCostError(Exception):
    """Root of every error of otel-llmcost."""


class ConfigurationError(LlmCostError):
    """A setting is wrong; the message names file, line, key, value and what is allowed."""

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        line: int = 0,
        key: str = "",
        value: object = None,
        allowed: str = "",
    ) -> None:
        self.message = message
        self.file, self.line, self.key, self.value, self.allowed = file, line, key, value, allowed
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        named = f"{key}: " if key else ""
        given = f" (got {_in_toml(value)})" if value is not None else ""
        remedy = f"; allowed: {allowed}" if allowed else ""
        super().__init__(f"{place}{named}{message}{given}{remedy}")

    def at(self, file: str, line: int) -> ConfigurationError:
        """The same mistake with its place."""
        return ConfigurationError(
            self.message, file=file, line=line, key=self.key, value=self.value, allowed=self.allowed
        )


def _in_toml(value: object) -> str:
    """A value in the words of a settings file: who wrote it need not know what Python made of it."""
    from datetime import date, time  # with decimals, slow to import; few programs have a mistake to tell
    from decimal import Decimal

    match value:
        case bool():
            return str(value).lower()
        case int() | float() | Decimal():
            return str(value)
        case date() | time():
            return value.isoformat()
        case Mapping():
            return "a table"
        case list() | tuple():
            return "a list"
    return repr(value)


class UsageError(LlmCostError, ValueError):
    """Usage that cannot be true, such as more cached tokens than tokens, or an argument that is none of those allowed."""


class PriceError(LlmCostError):
    """A price was demanded and there is none."""


class LedgerError(LlmCostError):
    """The ledger cannot be read or written."""


class UpdateError(LlmCostError):
    """A price update was refused; the prices in force are unchanged."""


class MissingExtraError(LlmCostError):
    """An optional dependency is missing."""

    def __init__(self, what: str, extra: str, *, several: bool = False) -> None:
        verb = "are" if several else "is"
        super().__init__(f"{what} {verb} not installed; remedy: pip install 'otel-llmcost[{extra}]'")


class BudgetExceeded(LlmCostError):  # noqa: N818 - a user-facing name, part of the contract
    """A `block` budget refused the call before its request left.

    Amounts are decimal strings in USD; `resets_at` is an ISO 8601 instant or "" for a budget that never resets.
    """

    def __init__(
        self, budget: str, *, limit: str, spent: str, asked: str, resets_at: str = "", reason: str = ""
    ) -> None:
        self.budget, self.limit, self.spent, self.asked = budget, limit, spent, asked
        self.resets_at, self.reason = resets_at, reason
        why = reason or f"this call may cost up to ${asked}"
        when = f"; it resets at {resets_at}" if resets_at else ""
        taken = f"${spent}" if spent[:1].isdigit() else spent  # "unknown" is no amount
        super().__init__(f"budget {budget!r}: limit ${limit}, spent and reserved {taken}, {why}{when}")

    def __reduce__(self) -> tuple[object, ...]:
        return _budget_exceeded, (
            self.budget,
            self.limit,
            self.spent,
            self.asked,
            self.resets_at,
            self.reason,
        )


def _budget_exceeded(
    budget: str, limit: str, spent: str, asked: str, resets_at: str, reason: str
) -> BudgetExceeded:
    return BudgetExceeded(budget, limit=limit, spent=spent, asked=asked, resets_at=resets_at, reason=reason)
