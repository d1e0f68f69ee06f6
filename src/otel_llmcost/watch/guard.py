"""The one place where our own failures end.

Nothing that goes wrong in here may reach the user's call, so this is the only broad `except` of the package. What the
program itself raises meanwhile (a time limit or Ctrl-C, by a signal handler) is no failure of ours: it passes, once
what we were about is done.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Awaitable, Callable
from itertools import pairwise
from types import FrameType, TracebackType
from typing import TypeVar, TypeVarTuple

from ..errors import BudgetExceeded

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
F = TypeVar("F", bound=Callable[..., object])

_log = logging.getLogger("otel_llmcost")
_KINDS_LOGGED = 200
_CONSEQUENCE = "_failing_means"
_REPEATABLE = "_may_be_repeated"
_VARARGS = 0x04  # inspect.CO_VARARGS


class _Seen:
    """Which failures were logged already, so that a failing hot path logs one line and not a million."""

    def __init__(self) -> None:
        self.kinds: set[tuple[str, str, int]] = set()
        self.count = 0


_seen = _Seen()
_interruptions: dict[int, BaseException] = {}
"""Thread -> what the program raised in the middle of our work, and has to get at the end of it."""


def guarded(fn: Callable[[*Ts], T], *args: *Ts) -> T | None:
    """`fn(*args)`, or None where it failed: each kind of failure is logged once.

    `BudgetExceeded` passes (the user asked for it), and what a signal handler of the program raised: at the end of the
    outermost guarded function, so that a call is settled all the same. No keywords: packing them costs every guarded
    call a dict.
    """
    try:
        result = fn(*args)
    except BudgetExceeded:
        raise
    except BaseException as error:  # noqa: BLE001 - this module is the one place
        if isinstance(error, Exception) and not _is_by_a_signal_handler(error.__traceback__):
            report(fn, error)
            result = None
        else:
            result = _interrupted(error, fn, *args)
    if _interruptions:
        _pass_on(sys._getframe(1))
    return result


def repeatable(fn: F) -> F:
    """Marks a function that may be done twice and has to be done once: it is, where the program interrupted it."""
    fn.__dict__[_REPEATABLE] = True
    return fn


def _interrupted(error: BaseException, fn: Callable[[*Ts], T], *args: *Ts) -> T | None:
    here = threading.get_ident()
    again = here not in _interruptions and getattr(fn, _REPEATABLE, False)
    _interruptions[here] = error
    return guarded(fn, *args) if again else None


def _pass_on(frame: FrameType | None) -> None:
    """Raise what the program raised in this thread, unless this runs inside another guarded function."""
    while frame is not None:
        if frame.f_code is guarded.__code__:
            return
        frame = frame.f_back
    error = _interruptions.pop(threading.get_ident(), None)
    if error is not None:
        raise error


def _is_by_a_signal_handler(trace: TracebackType | None) -> bool:
    """Whether it passed a signal handler: that is called with a signal and the very frame that it interrupted."""
    while trace is not None:
        given = _arguments(trace.tb_frame)
        around = trace.tb_frame.f_back
        if any(frame is around and isinstance(number, int) for number, frame in pairwise(given)):
            return True
        trace = trace.tb_next
    return False


def _arguments(frame: FrameType) -> list[object]:
    code = frame.f_code
    given = [frame.f_locals.get(name) for name in code.co_varnames[: code.co_argcount]]
    if code.co_flags & _VARARGS:
        rest = frame.f_locals.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
        given += rest if isinstance(rest, tuple) else ()
    return given


async def guarded_async(fn: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T | None:
    """`guarded` for a function that is awaited; what the program raised passes at once."""
    try:
        return await fn(*args)
    except BudgetExceeded:
        raise
    except Exception as error:
        if _is_by_a_signal_handler(error.__traceback__):
            raise
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
