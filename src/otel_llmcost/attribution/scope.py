"""The tags and accumulators in force, held in one context variable, and the blocks that change them.

Leaving a block puts back what was before only where the block is still the one in force. So a block that is
left in another context than it was entered in (a generator closed by the garbage collector, an abandoned
task) changes nothing there and never raises, as resetting a context variable's token would.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from functools import update_wrapper
from types import TracebackType
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from ..call import NO_TAGS, Tags
from .tags import from_mapping, over

if TYPE_CHECKING:
    from .rollup import Accumulates

P = ParamSpec("P")
T = TypeVar("T")


class State:
    """What is in force inside one block. Read by many, changed by nobody once it is in force."""

    __slots__ = ("before", "nested_s", "owner", "rollups", "started_s", "tags")

    def __init__(
        self, tags: Tags, rollups: tuple[Accumulates, ...], owner: object = None, before: State | None = None
    ) -> None:
        self.tags = tags
        self.rollups = rollups
        self.owner = owner
        self.before = before
        self.started_s = 0.0
        self.nested_s = 0.0


NOTHING = State(NO_TAGS, ())
_STATE: ContextVar[State] = ContextVar("otel_llmcost_scope", default=NOTHING)


def current() -> Tags:
    """The tags in force here, as blocks set them (`NO_TAGS` where there are none)."""
    return _STATE.get().tags


def rollups() -> tuple[Accumulates, ...]:
    """The accumulators in force here, outermost first. A call is added to those that were in force at its
    start."""
    return _STATE.get().rollups


def enter(changes: Tags, owner: object, rollup: Accumulates | None = None) -> State:
    """Puts changes in force until `leave(owner)`; answers the new state."""
    before = _STATE.get()
    accumulators = before.rollups
    if rollup is not None:
        # Ended scopes are dropped here, or a chain of tasks that start each other would carry them for ever.
        accumulators = (*(each for each in accumulators if not each.closed), rollup)
    state = State(over(before.tags, changes), accumulators, owner, before)
    _STATE.set(state)
    return state


def leave(owner: object) -> State | None:
    """Ends what `owner` put in force, if it still is here; answers the state that ended."""
    state = _STATE.get()
    before = state.before
    if state.owner is not owner or before is None:
        return None
    _STATE.set(before)
    state.before = None  # tasks that were started inside keep the tags and need not keep the whole chain
    return state


class Block:
    """Tags for what runs inside: `with`, `async with`, or a decorator of functions, coroutines and
    generators.

    One block may be entered many times, nested and by many tasks and threads at once.
    """

    __slots__ = ("_changes",)

    def __init__(self, changes: Tags) -> None:
        self._changes = changes

    def __enter__(self) -> Block:
        enter(self._changes, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leave(self)

    async def __aenter__(self) -> Block:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        from .wrapping import wrapped  # for decorators alone

        return wrapped(function, lambda args, kwargs: _BlockRun(self))


class StageBlock(Block):
    """A `stage`: its own wall time, nested stages apart, is told to the accumulators around it."""

    __slots__ = ()

    def __enter__(self) -> StageBlock:
        enter(self._changes, self).started_s = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state = leave(self)
        if state is not None:
            _stage_ended(state, time.monotonic() - state.started_s)


def _stage_ended(state: State, elapsed_s: float) -> None:
    for accumulator in state.rollups:
        accumulator.stage_passed(state.tags.stage, max(elapsed_s - state.nested_s, 0.0))
    outer: State | None = _STATE.get()
    while outer is not None and not isinstance(outer.owner, StageBlock):
        outer = outer.before
    if outer is not None:
        outer.nested_s += elapsed_s


class _BlockRun:
    """A block around one run of a decorated function."""

    __slots__ = ("_block",)

    def __init__(self, block: Block) -> None:
        self._block = block

    def resume(self) -> None:
        self._block.__enter__()

    def suspend(self) -> None:
        self._block.__exit__(None, None, None)

    def finish(self, error: BaseException | None) -> None:
        """Nothing is left to do."""


def track_source(source: str) -> Block:
    """Everything inside belongs to this source: `with track_source("extraction"): ...`."""
    return Block(from_mapping({"source": source}))


def stage(name: str) -> StageBlock:
    """A stage of the work, such as "reason": tagged, and timed where a session is open."""
    return StageBlock(from_mapping({"stage": name}))


def carry(function: Callable[P, T]) -> Callable[P, T]:
    """The function bound to the context of here and now, for thread pools: `pool.submit(carry(work), item)`.

    Carries all context variables: our tags and accumulators, and OpenTelemetry's current span. Each run
    gets a copy, so that one carried function may run in many threads at once.
    """
    here = copy_context()

    def carried(*args: P.args, **kwargs: P.kwargs) -> T:
        inside: Context = here.copy()
        return inside.run(function, *args, **kwargs)

    return update_wrapper(carried, function)
