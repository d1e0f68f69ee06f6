"""A set of objects that are watched as long as they live, read while other threads add and remove."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Living(Generic[T]):
    """Weak references by identity.

    No `WeakSet`: going through one raises `RuntimeError` where another thread adds at the same moment.
    """

    def __init__(self) -> None:
        self._references: dict[int, weakref.ref[T]] = {}

    def add(self, one: T) -> None:
        """Hold `one` as long as it lives."""
        key, references = id(one), self._references
        # its place is free before its memory is given to another
        references[key] = weakref.ref(one, lambda _: references.pop(key, None))

    def discard(self, one: T) -> None:
        """Let `one` go, if it is here."""
        self._references.pop(id(one), None)

    def clear(self) -> None:
        """Let all go."""
        self._references.clear()

    def __iter__(self) -> Iterator[T]:
        for reference in list(self._references.values()):  # one step of the interpreter
            one = reference()
            if one is not None:
                yield one
