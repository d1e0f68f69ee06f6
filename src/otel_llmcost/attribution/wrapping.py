"""Decorating functions, coroutines, generators and async generators with one kind of run.

Around a generator nothing stays in force while it is paused: each step resumes the run and suspends it
again, so no context token lives across a `yield` ("Failed to detach context" cannot happen) and the
consumer's own code is outside.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, Protocol, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


class Run(Protocol):
    """One run of a decorated function."""

    def resume(self) -> None:
        """Comes into force."""

    def suspend(self) -> None:
        """Is in force no longer, for now."""

    def finish(self, error: BaseException | None) -> None:
        """Has ended, for good; called exactly once."""


Begin = Callable[[Sequence[Any], Mapping[str, Any]], Run]


class _Step:
    """The run in force for one step; an error that passes ends the run."""

    __slots__ = ("ended", "run")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.ended = False

    def __enter__(self) -> None:
        self.run.resume()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run.suspend()
        if error is not None:
            ordinary = isinstance(error, StopIteration | StopAsyncIteration | GeneratorExit)
            self.end(None if ordinary else error)

    def end(self, error: BaseException | None = None) -> None:
        if not self.ended:
            self.ended = True
            self.run.finish(error)


class _Pause:
    """Takes what the consumer throws into a paused generator, to be handed on to the generator inside."""

    __slots__ = ("thrown",)

    def __init__(self) -> None:
        self.thrown: BaseException | None = None

    def __enter__(self) -> _Pause:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.thrown = error
        return True


def wrapped(function: Callable[P, T], begin: Begin) -> Callable[P, T]:
    """The function with a run around each of its calls; of the same kind as the function."""
    if isinstance(function, staticmethod | classmethod):
        return cast(Callable[P, T], type(function)(wrapped(function.__func__, begin)))
    if inspect.isasyncgenfunction(function):
        return cast(Callable[P, T], _async_generator(function, begin))
    if inspect.isgeneratorfunction(function):
        return cast(Callable[P, T], _generator(function, begin))
    if inspect.iscoroutinefunction(function):
        return cast(Callable[P, T], _coroutine(function, begin))
    return _plain(function, begin)


def _plain(function: Callable[P, T], begin: Begin) -> Callable[P, T]:
    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        step = _Step(begin(args, kwargs))
        with step:
            result = function(*args, **kwargs)
        step.end()
        return result

    return run


def _coroutine(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        step = _Step(begin(args, kwargs))
        with step:
            result = await function(*args, **kwargs)
        step.end()
        return result

    return run


def _generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        step = _Step(begin(args, kwargs))
        inner: Generator[Any, Any, Any] = function(*args, **kwargs)
        advance = _bound(inner.send, None)
        while True:
            try:
                with step:
                    item = advance()
            except StopIteration as stop:
                return stop.value
            sent = None
            with _Pause() as pause:
                sent = yield item
            if isinstance(pause.thrown, GeneratorExit):
                with step:
                    inner.close()
                step.end()
                raise pause.thrown
            advance = _bound(inner.throw, pause.thrown) if pause.thrown else _bound(inner.send, sent)

    return run


def _async_generator(function: Callable[..., Any], begin: Begin) -> Callable[..., Any]:
    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        step = _Step(begin(args, kwargs))
        inner: AsyncGenerator[Any, Any] = function(*args, **kwargs)
        advance = _bound(inner.asend, None)
        while True:
            try:
                with step:
                    item = await advance()
            except StopAsyncIteration:
                return
            sent = None
            with _Pause() as pause:
                sent = yield item
            if isinstance(pause.thrown, GeneratorExit):
                with step:
                    await inner.aclose()
                step.end()
                raise pause.thrown
            advance = _bound(inner.athrow, pause.thrown) if pause.thrown else _bound(inner.asend, sent)

    return run


def _bound(method: Callable[[Any], Any], value: object) -> Callable[[], Any]:
    return lambda: method(value)
