"""Which spans stand around and inside which: so that one call's cost lands on exactly one span.

Only ids are kept, of spans that are alive; a span that never ends is forgotten after a bound.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator

from .call import Call, Priced
from .meters import OUTPUT_METERS, PROMPT_METERS, total
from .neighbours import neighbour

_ALIVE = 50_000
_DEEP = 64
_REMEMBERED = 1000
_SLACK_NS = 2_000_000
"""Some instrumentations take their times in milliseconds."""
_AFTERWARDS_NS = 1_000_000_000
_NOBODY = frozenset(("",))


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


class Counted:
    """A call that was counted, as long as a span of somebody else may come that stands for it, too."""

    __slots__ = ("around", "at_ns", "call", "carried", "priced", "scope", "told_by")

    def __init__(self, call: Call, priced: Priced, carried: bool, around: int, scope: str) -> None:
        self.call, self.priced, self.at_ns = call, priced, time.time_ns()
        self.carried = carried
        """Whether a span says its cost already."""
        self.around = around
        """Id of the span that stood around it when spans inside were suppressed; else 0."""
        self.scope = scope
        """Whose span told of it; "" for a call that was watched."""
        self.told_by = frozenset((scope,)) if scope else _NOBODY
        """Scopes that had a span for it: each instrumentation has one span for a call."""


class Remembered:
    """The newest counted calls.

    Frameworks do not always make their span current, or write it after the fact: then only the response's id, or the
    model, the tokens and the time say that a call inside was counted already.
    """

    def __init__(self) -> None:
        self._newest: deque[Counted] = deque(maxlen=_REMEMBERED)

    def add(self, call: Call, priced: Priced, carried: bool, around: int = 0, scope: str = "") -> None:
        """A call was counted; `scope` is whose span told of it, where nobody watched it."""
        self._newest.append(Counted(call, priced, carried, around, scope))

    def find(self, span_id: int, scope: str, told: Call) -> Counted | None:
        """The counted call for which a span stands that tells of `told`; each call is found once by a scope."""
        earliest = told.start_ns - _afterwards(told)
        for counted in reversed(list(self._newest)):
            if counted.at_ns < earliest:
                break
            if scope not in counted.told_by and _is_same(counted, span_id, scope, told):
                counted.told_by |= {scope}
                return counted
        return None

    def clear(self) -> None:
        """In a forked child: the parent's calls are the parent's."""
        self._newest.clear()


def _afterwards(told: Call) -> int:
    """A span without length was written after the fact: Logfire says so when a stream is over."""
    return _AFTERWARDS_NS if told.end_ns - told.start_ns < _SLACK_NS else 0


def _is_same(counted: Counted, span_id: int, scope: str, told: Call) -> bool:
    call = counted.call
    if counted.around == span_id:
        return True
    if call.response_id and told.response_id:
        return call.response_id == told.response_id
    afterwards = _afterwards(told)
    # a program's own spans, of calls that nobody watched: two of them are two calls, however alike they are
    own = counted.scope and neighbour(scope) is None
    if own and (afterwards or neighbour(counted.scope) is None):
        return False
    begun = counted.at_ns if afterwards else call.start_ns
    if begun < told.start_ns - afterwards - _SLACK_NS or call.end_ns > told.end_ns + _SLACK_NS:
        return False
    return bool(_models(call) & _models(told)) and _tells_same_tokens(call, told)


def _models(call: Call) -> set[str]:
    # frameworks write "openai/gpt-5" where the SDK is asked for "gpt-5"
    return {name.rpartition("/")[2] for name in (call.request_model, call.response_model) if name}


def _tells_same_tokens(call: Call, told: Call) -> bool:
    """One of both sums is enough: some count cached tokens beside the input, some add to a stream's output."""
    if not told.usage:
        return True
    return any(
        (tokens := total(told.usage, meters)) > 0 and tokens == total(call.usage, meters)
        for meters in (PROMPT_METERS, OUTPUT_METERS)
    )
