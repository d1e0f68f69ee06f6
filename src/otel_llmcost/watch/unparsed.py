"""A body that the program reads by itself: its bytes, read once more for the collector when it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .collectors import Collector


def read_bytes(content: bytes, events: bool, collector: Collector) -> None:
    """Feed a body that the program read by itself: JSON, or server-sent events."""
    if not events:
        body = _json(content)
        if body is not None:
            collector.take_body(body)
        return
    for data in map(_json, _event_data(content)):
        if isinstance(data, dict):
            collector.offer(data)


def _event_data(content: bytes) -> Iterator[bytes]:
    """The data of each event, whose lines are joined: https://html.spec.whatwg.org/multipage/server-sent-events.html."""
    data: list[bytes] = []
    for line in (*content.splitlines(), b""):
        if line.startswith(b"data:"):
            data.append(line[5:])
        elif not line and data:
            yield b"\n".join(data)
            data = []


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
