"""What every event of a stream passes in the user's program: one frame, as short as it can be.

An SDK needs some thousands of steps for an event, after which the processor has forgotten ours: a call costs more than
what it does, and so does a method of a dict (`[]` and `in` are none). So the common event, a piece of text in the
middle, is dealt with right here: its length is all that is asked of it. All others go to their collector.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .collectors import IN_BLOCK, IN_CHOICE, IN_DELTA, ODD_SHAPE, block_text, other_texts
from .exchange import EXTENSION, PIECES
from .guard import guarded

_LOOKED_AT_AFTER = 2048
"""The collector looks at an event, and at its clock, whenever so many characters passed by."""


def watched_data(original: Callable[..., Any]) -> Callable[..., Any]:
    """`original`, which makes an object of the JSON of a reply or of an event, watched.

    The SDK's own signature: a call through *args, **kwargs costs ten times as much.
    """

    def _process_response_data(self: Any, *, data: Any, cast_to: Any, response: Any) -> Any:
        passes = False
        try:
            extensions = response.extensions
            if PIECES in extensions:
                pieces = extensions[PIECES]
                where, text = pieces[0], None
                if where == IN_CHOICE:
                    choice = data["choices"][0]
                    usage = data["usage"] if "usage" in data else None  # noqa: SIM401 - a method costs more
                    if (
                        usage is None
                        and choice["finish_reason"] is None
                        and not ("usage" in choice or "x_groq" in data)
                    ):
                        delta = choice["delta"]
                        text = delta["content"] if "content" in delta else "".join(other_texts(delta))
                elif where == IN_DELTA and data["type"][-6:] == ".delta":
                    text = data["delta"]
                elif where == IN_BLOCK and data["type"] == "content_block_delta":
                    delta = data["delta"]
                    text = delta["text"] if "text" in delta else block_text(delta)
                if text and text.__class__ is str and pieces[1] < _LOOKED_AT_AFTER:
                    pieces[1] += len(text)
                    passes = True
        except ODD_SHAPE:
            pass
        if not passes:
            guarded(look_at, data, response)
        return original(self, data=data, cast_to=cast_to, response=response)

    return _process_response_data


def look_at(data: Any, response: Any) -> None:
    """Give decoded JSON, of a whole body or of an event, to who collects it; a response may be nobody's."""
    exchange = getattr(response, "extensions", {}).get(EXTENSION)
    if exchange is not None:
        exchange.take(data)
