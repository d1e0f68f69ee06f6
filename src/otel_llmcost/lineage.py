"""Which spans stand around and inside which: so that one call's cost lands on exactly one span.

Only ids are kept, of spans that are alive; a span that never ends is forgotten after a bound.
"""

from __future__ import annotations

from collections.abc import Iterator

_ALIVE = 50_000
_DEEP = 64


class Lineage:
    """Parents of the living spans, and which of them carry no cost because a call inside them does."""

    def __init__(self) -> None:
        self._parents: dict[int, tuple[int, str]] = {}
        self._covered: set[int] = set()
        self._watched: set[int] = set()

    def born(self, span_id: int, parent_id: int, scope: str) -> None:
        """A span started in this process."""
        if len(self._parents) >= _ALIVE:
            self.clear()  # spans that never end; walking to the oldest would cost more than starting anew
        self._parents[span_id] = (parent_id, scope)

    def gone(self, span_id: int) -> None:
        """A span ended."""
        self._parents.pop(span_id, None)
        self._covered.discard(span_id)
        self._watched.discard(span_id)

    def around(self, span_id: int) -> Iterator[tuple[int, str]]:
        """(id, scope) of a span and of what stands around it, inside out."""
        for _ in range(_DEEP):
            known = self._parents.get(span_id)
            if known is None:
                return
            yield span_id, known[1]
            span_id = known[0]

    def cover(self, span_id: int) -> None:
        """A call inside this span carries the cost: neither it nor what stands around it does."""
        if not span_id:
            return
        self._covered.add(span_id)
        for outer, _ in self.around(span_id):
            self._covered.add(outer)
        if len(self._covered) > _ALIVE:
            self._covered &= self._parents.keys()

    def watch(self, span_id: int) -> None:
        """This span is a watched call's own: what starts inside it belongs to that call."""
        self._watched.add(span_id)

    def is_covered(self, span_id: int) -> bool:
        """Whether the span's cost stands elsewhere: inside it, or on a watched call around it."""
        if span_id in self._covered:
            return True
        parent = self._parents.get(span_id, (0, ""))[0]
        return parent in self._watched or any(outer in self._watched for outer, _ in self.around(parent))

    def clear(self) -> None:
        """In a forked child: the parent's spans are the parent's."""
        self._parents.clear()
        self._covered.clear()
        self._watched.clear()
