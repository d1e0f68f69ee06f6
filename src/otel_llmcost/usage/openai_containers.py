"""Containers of the code interpreter and of the hosted shell: how many a response started, of which size.

A session of 20 minutes costs by the size of its memory; since 2026-06-02 it is billed by the minute, at least 5
(https://developers.openai.com/api/docs/pricing and /changelog, read in copies, checked 2026-11-30). No answer tells
how long a container ran, so that from then on a session is an estimate (docs/decisions.md, 29).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ..call import ESTIMATED_NOTE, INCOMPLETE_NOTE, note
from .quantities import rows, table, text

Body = Mapping[str, object]

_BY_THE_MINUTE = 1_780_358_400
"""2026-06-02T00:00:00Z, seconds since the epoch."""
_DEFAULT_SIZE = "1g"
_CODE, _SHELL = "code_interpreter", "shell"


def started_containers(body: Body, items: list[Body], notes: list[str]) -> dict[str, int]:
    """Sessions of containers that a response started: variant of the price ("" for 1 GB, else "4g") -> number.

    None where the request named a container that was there.
    """
    used = dict(_used(body, items))
    if not used:
        return {}
    given = set(_given(body))
    started = {name: kind for name, kind in used.items() if name not in given}
    by_size = Counter(_size(body, kind, notes) for kind in started.values())
    if started and (body.get("previous_response_id") or body.get("conversation")):
        before = f"{_several(len(started))} counted, which the response before may have paid for"
        notes.append(note(ESTIMATED_NOTE, before))
    if _is_by_the_minute(body):
        notes.extend(_untold_time(len(started), len(used) - len(started)))
    return dict(by_size)


def _untold_time(started: int, reused: int) -> Iterator[str]:
    if started:
        counted = f"{_several(started)} counted for 20 minutes"
        yield note(ESTIMATED_NOTE, f"{counted}; billed are the minutes, at least 5, which no answer tells")
    if reused:
        counted = f"{_several(reused)} that the request named not counted"
        yield note(ESTIMATED_NOTE, f"{counted}; billed are the minutes, which no answer tells")


def _several(number: int) -> str:
    return "1 container" if number == 1 else f"{number} containers"


def _is_by_the_minute(body: Body) -> bool:
    created = body.get("created_at")
    return not isinstance(created, int | float) or created >= _BY_THE_MINUTE


def _used(body: Body, items: list[Body]) -> Iterator[tuple[str, str]]:
    """(container, kind of tool) of every call; "" for one whose id is not told."""
    hosted = any(place.get("type") == "container_auto" for place in _environments(body))
    for item in items:
        if item.get("type") == "code_interpreter_call" and isinstance(item.get("container_id"), str):
            yield text(item["container_id"]), _CODE
        elif item.get("type") == "shell_call":
            place = table(item.get("environment"))
            if place.get("type") == "container_reference" or (not place and hosted):
                yield text(place.get("container_id")), _SHELL


def _environments(body: Body) -> Iterator[Body]:
    """Where the shell tools of the request run."""
    for tool in rows(body.get("tools")):
        if tool.get("type") == _SHELL:
            yield table(tool.get("environment"))


def _given(body: Body) -> Iterator[str]:
    """The containers that the request named."""
    for tool in rows(body.get("tools")):
        if tool.get("type") == _CODE and isinstance(tool.get("container"), str):
            yield text(tool["container"])
    for place in _environments(body):
        if place.get("type") == "container_reference":
            yield text(place.get("container_id"))


def _size(body: Body, kind: str, notes: list[str]) -> str:
    """The variant of the price of a container that one kind of tool started."""
    asked = (
        [table(tool.get("container")) for tool in rows(body.get("tools")) if tool.get("type") == _CODE]
        if kind == _CODE
        else _environments(body)
    )
    automatic = [place for place in asked if place.get("type") in ("auto", "container_auto")]
    sizes = sorted({text(place.get("memory_limit")) or _DEFAULT_SIZE for place in automatic}, key=_in_order)
    if len(sizes) > 1:
        which = f"which of {', '.join(sizes)} a container has is not told; the smallest is counted"
        notes.append(note(INCOMPLETE_NOTE, which))
    return "" if not sizes or sizes[0] == _DEFAULT_SIZE else sizes[0]


def _in_order(size: str) -> tuple[int, str]:
    return (len(size), size)
