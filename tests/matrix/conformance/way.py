"""A way of calling, and what it must come to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bench import Bench

SYNC, ASYNC = "sync", "async"
BOTH = (SYNC, ASYNC)


@dataclass(frozen=True)
class Expect:
    """One settled call: its cost in USD (None: none is known), status, and what must stand in its reasons."""

    cost: Decimal | None
    status: str = "exact"
    reason: str = ""
    provider: str = ""
    error: str = ""
    attempts: int = 1


NOTHING: tuple[Expect, ...] = ()
Expected = tuple[Expect, ...] | Callable[["Bench"], tuple[Expect, ...]]


@dataclass(frozen=True)
class Way:
    """One row of the matrix. `run` is written once, for sync and async clients."""

    sdk: str
    group: str
    name: str
    run: Callable[[Bench], Awaitable[None]] = field(repr=False)
    expected: Expected = field(repr=False)
    needs: str = ""
    """A path of attributes that the client must have ("beta.messages.tool_runner")."""
    modes: tuple[str, ...] = BOTH
    kind: str = ""
    """A class that the SDK must have ("AnthropicFoundry")."""
    imports: tuple[str, ...] = ()
    """Modules of others that the SDK needs for it."""

    @property
    def title(self) -> str:
        return f"{self.group}: {self.name}"


WAYS: list[Way] = []


def way(
    sdk: str,
    group: str,
    name: str,
    *expected: Expect,
    after: Callable[[Bench], tuple[Expect, ...]] | None = None,
    needs: str = "",
    modes: tuple[str, ...] = BOTH,
    kind: str = "",
    imports: tuple[str, ...] = (),
) -> Callable[[Callable[[Bench], Awaitable[None]]], Callable[[Bench], Awaitable[None]]]:
    """Put a way into the matrix: `expected` calls, or what `after` works out from what the program saw."""

    def add(run: Callable[[Bench], Awaitable[None]]) -> Callable[[Bench], Awaitable[None]]:
        WAYS.append(Way(sdk, group, name, run, after or expected, needs, modes, kind, imports))
        return run

    return add
