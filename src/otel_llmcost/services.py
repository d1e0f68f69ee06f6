"""What the running program offers to people's own code: prices, settling, the session log, use cases.

The runtime says how to start (`on_demand`) and is asked when the parts are first used. Nothing else in the house keeps
state for trackers, sessions and clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from .call import Call, Priced, Tags

if TYPE_CHECKING:
    from .sessions.log import SessionRecord


class Prices(Protocol):
    """The price book."""

    def price(self, call: Call) -> Priced:
        """What a call costs; pure."""


class Settles(Protocol):
    """Where a call goes that nobody watched: counters, ledger, accumulators, once by its key."""

    def started(self, span: Any, around: Any) -> object:
        """A call's span began: what stands around it carries no cost."""

    def settle_call(
        self, call: Call, span: Any = None, scopes: Iterable[Any] = (), asked_tags: Tags | None = None
    ) -> Priced | None:
        """Prices and tells the call; None where its key was counted before."""

    def cost_attributes(self, priced: Priced) -> dict[str, Any]:
        """The cost as span attributes."""

    def answered(self, response_id: str) -> bool:
        """Whether a call with this response id was settled already."""


class Services:
    """The parts that trackers, sessions and clients use. Without a settler nothing is told to anybody."""

    def __init__(
        self,
        book: Prices,
        settler: Settles | None = None,
        *,
        keep_session: Callable[[SessionRecord], None] | None = None,
        use_cases: Any = None,
        begin: Callable[[], None] | None = None,
        retention_days: int = 0,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.book, self.settler, self.keep_session = book, settler, keep_session
        self.begin = begin if begin is not None else _nothing
        """To be called before anything is kept: a program's end and its forked children are then seen to."""
        self.retention_days = retention_days
        """How long the ledger keeps calls; 0: for ever, or there is none."""
        self.told_of_retention = False
        self.use_cases = use_cases
        """The `clients.UseCases` in force; None until somebody asks."""
        self.environ: Mapping[str, str] = {} if environ is None else environ
        """The environment, for the keys that use cases name."""


def _nothing() -> None:
    """Nothing is kept by whoever has only prices."""


_RUNTIME = "otel_llmcost.runtime"
"""By name, because imports go down only: whichever module a program imports first, its settings are in force."""


class _Process:
    __slots__ = ("services", "start")

    def __init__(self) -> None:
        self.services: Services | None = None
        self.start: Callable[[], Services] | None = None


_process = _Process()


def provide(services: Services | None) -> None:
    """Puts the parts in place, for the whole process; None takes them away."""
    _process.services = services


def on_demand(start: Callable[[], Services]) -> None:
    """How to get the parts when they are first asked for; a start of the runtime, usually."""
    _process.start = start


def services() -> Services:
    """The parts: those provided, else those of the runtime, which is assembled for it."""
    if _process.services is None:
        if _process.start is None:
            import_module(_RUNTIME)
        assert _process.start is not None, f"{_RUNTIME} says how to start when it is imported"
        _process.services = _process.start()
    return _process.services
