"""A ledger row: one call with what it cost, as it is kept and as it is read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from ..call import NO_TAGS, Call, Line, PricedLine, Tags
from ..meters import Usage
from ..money import Femto


@dataclass(slots=True)
class LedgerRow:
    """One call in the ledger. Times are ns since the epoch in UTC, amounts femto-dollars (None: unknown).

    `first_amount` and `first_version` are what was kept before the call was priced again, where it was.
    """

    key: str
    start_ns: int = 0
    end_ns: int = 0
    provider: str = ""
    operation: str = ""
    request_model: str = ""
    response_model: str = ""
    tier: str = ""
    speed: str = ""
    region: str = ""
    variant: str = ""
    host: str = ""
    port: int = 0
    usage: Usage = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    status: str = ""
    amount: Femto | None = None
    components: Mapping[str, Femto] = field(default_factory=dict)
    priced_lines: tuple[PricedLine, ...] = ()
    """What the meters of each line cost, only where the call has `lines`."""
    list_amount: Femto | None = None
    savings: Femto = 0
    reported: Decimal | None = None
    currency: str = "USD"
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    version: str = ""
    tags: Tags = field(default_factory=lambda: NO_TAGS)
    error_type: str = ""
    response_id: str = ""
    finish_reasons: tuple[str, ...] = ()
    first_chunk_s: float | None = None
    attempts: int = 1
    service: str = ""
    run_id: str = ""
    pid: int = 0
    first_amount: Femto | None = None
    first_version: str = ""

    @property
    def model(self) -> str:
        """The model that answered, else the one that was asked for."""
        return self.response_model or self.request_model

    @property
    def duration_s(self) -> float:
        """Seconds from the request to the end of the answer."""
        return max(self.end_ns - self.start_ns, 0) / 1e9

    def as_call(self) -> Call:
        """The call that was bought, so that it can be priced again."""
        return Call(
            key=self.key,
            provider=self.provider,
            operation=self.operation,
            request_model=self.request_model,
            response_model=self.response_model,
            start_ns=self.start_ns,
            end_ns=self.end_ns,
            usage=self.usage,
            tier=self.tier,
            speed=self.speed,
            region=self.region,
            variant=self.variant,
            lines=self.lines,
            host=self.host,
            port=self.port,
            response_id=self.response_id,
            finish_reasons=self.finish_reasons,
            error_type=self.error_type,
            first_chunk_s=self.first_chunk_s,
            attempts=self.attempts,
            reported=self.reported,
            notes=self.notes,
            tags=self.tags,
        )
