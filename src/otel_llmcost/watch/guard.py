"""The one place where our own failures end.

Nothing that goes wrong in here may reach the user's call, so this is the only broad `except` of the package.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

from ..errors import BudgetExceeded

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
F = TypeVar("F", bound=Callable[..., object])

_log = logging.getLogger("otel_llmcost")
_KINDS_LOGGED = 200
_CONSEQUENCE = "_failing_means"


class _Seen:
    """Which failures were logged already, so that a failing hot path logs one line and not a million."""

    def __init__(self) -> None:
        self.kinds: set[tuple[str, str, int]] = set()
        self.count = 0


_seen = _Seen()


def guarded(fn: Callable[[*Ts], T], *args: *Ts) -> T | None:
    """`fn(*args)`, or None where it failed: each kind of failure is logged once.

    Only `BudgetExceeded` passes: the user asked for it. No keywords: packing them costs every guarded call a dict.
    """
    try:
        return fn(*args)
    except BudgetExceeded:
        raise
    except Exception as error:  # noqa: BLE001 - this module is the one place
        report(fn, error)
        return None


async def guarded_async(fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T | None:
    """`guarded` for a function that is awaited."""
    try:
        return await fn(*args)
    except BudgetExceeded:
        raise
    except Exception as error:  # noqa: BLE001 - this module is the one place
        report(fn, error)
        return None


def failing_means(consequence: str) -> Callable[[F], F]:
    """Marks a function with what its failure means to the user, where that is not that a cost may be missing."""

    def mark(fn: F) -> F:
        fn.__dict__[_CONSEQUENCE] = consequence
        return fn

    return mark


def report(fn: object, error: BaseException) -> None:
    """Log a contained failure, once per function, kind of error and line."""
    _seen.count += 1
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = getattr(fn, "__qualname__", type(fn).__name__)
    kind = (name, type(error).__name__, trace.tb_lineno if trace is not None else 0)
    if kind in _seen.kinds or len(_seen.kinds) >= _KINDS_LOGGED:
        return
    _seen.kinds.add(kind)
    _log.warning(
        "otel-llmcost: %s failed (%s: %s); the program's call was not touched, %s",
        name,
        type(error).__name__,
        error,
        getattr(fn, _CONSEQUENCE, "its cost may be missing"),
        exc_info=_log.isEnabledFor(logging.DEBUG),
    )


def contained() -> int:
    """How many failures of ours were contained in this process (for `doctor` and tests)."""
    return _seen.count
