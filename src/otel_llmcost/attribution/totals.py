"""What a roll-up came to, in the words that sessions, stages and trackers share."""

from __future__ import annotations

from decimal import Decimal

from ..money import as_decimal
from .rollup import Rollup


class Totals:
    """Read-only totals over the `rollup` of whoever inherits them."""

    __slots__ = ()

    rollup: Rollup

    @property
    def calls(self) -> int:
        """Settled calls, priced or not."""
        return self.rollup.calls

    @property
    def unpriced_calls(self) -> int:
        """Calls that have no price (yet)."""
        return self.rollup.unpriced_calls

    @property
    def is_lower_bound(self) -> bool:
        """Whether the true cost is above `usd`: calls have no price (yet), or only a part of their price is known."""
        return self.rollup.is_lower_bound

    @property
    def input_tokens(self) -> int:
        """Prompt tokens, cached ones included."""
        return self.rollup.input_tokens

    @property
    def output_tokens(self) -> int:
        """Generated tokens, reasoning included."""
        return self.rollup.output_tokens

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.rollup.input_tokens + self.rollup.output_tokens

    @property
    def usd(self) -> Decimal | None:
        """What is known of the cost in USD, exactly; None where no call was priced (see `is_lower_bound`)."""
        return as_decimal(self.rollup.amount) if self.rollup.priced_calls else None
