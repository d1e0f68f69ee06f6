"""What single calls are grouped by, where sums of the database do not serve."""

from __future__ import annotations

from collections.abc import Callable

from ..call import TAG_FIELDS
from ..errors import ConfigurationError
from .row import LedgerRow

GROUPS_ALLOWED = ", ".join(("model", "provider", *TAG_FIELDS, "tag:NAME"))


def grouping(by: str) -> Callable[[LedgerRow], str]:
    """What a call is grouped by: "model", "provider", a tag ("team") or an own tag ("tag:tenant").

    Raises `ConfigurationError` for another word.
    """
    own = by.removeprefix("tag:")
    if own and own != by:
        return lambda row: row.tags.own.get(own, "")
    if by in TAG_FIELDS:
        return lambda row: str(getattr(row.tags, by))
    if by in ("model", "provider"):
        return lambda row: str(getattr(row, by))
    raise ConfigurationError("cannot group by this", value=by, allowed=GROUPS_ALLOWED)
