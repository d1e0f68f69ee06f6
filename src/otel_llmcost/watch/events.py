"""What every event of a stream passes in the user's program: one frame, as short as it can be.

An SDK needs some thousands of steps for an event, after which the processor has forgotten ours: each step of the
interpreter costs ten times what it costs in a loop. So a frame belongs to one stream and holds what it needs, and the
common event, a piece of text in the middle, is dealt with right in it: its length is all that is asked of it. All
others go to their collector. `"" +` tells what is no text in one step; `in` and `[]` are one, a method of a dict three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .collectors import ODD_SHAPE, Place
from .exchange import EXTENSION
from .guard import guarded
from .texts import block_text, other_size

_PASS = 2048
"""The collector looks at an event, and at its clock, whenever so many characters passed by."""

Process = Callable[..., Any]
"""The SDK's function that makes an object of the JSON of a reply or of an event, bound to a client."""


class WatchedData:
    """That function on the SDK's class, watched.

    The SDKs ask their client for it once for a reply, or a stream: what they get is made for that one.
    """

    def __init__(self, original: Any, frame: Callable[[Process], Process]) -> None:
        self._original, self._frame = original, frame

    def __get__(self, client: Any, owner: type | None = None) -> Any:
        return self if client is None else self._frame(self._original.__get__(client, owner))

    def __call__(self, client: Any, *, data: Any, cast_to: Any, response: Any) -> Any:
        return self.__get__(client)(data=data, cast_to=cast_to, response=response)


# The frames have the SDK's own signature: a call through *args and **kwargs costs ten times as much. Each serves the
# response that it sees first; nothing of another one would pass by.


def any_events(original: Process) -> Process:
    """A frame for events of any shape: each is looked at."""

    def _process_response_data(*, data: Any, cast_to: Any, response: Any) -> Any:
        guarded(look_at, data, response)
        return original(data=data, cast_to=cast_to, response=response)

    return _process_response_data


def chats_and_responses(original: Process) -> Process:  # noqa: C901 - to call another costs 0.25 µs here
    """A frame for OpenAI's events, and for chats of hosts like it, where usage may stand beside the text."""
    first: Any = None
    chat = answer = chat_elsewhere = None
    left = _PASS

    def _process_response_data(*, data: Any, cast_to: Any, response: Any) -> Any:  # noqa: C901 - as above
        nonlocal first, chat, answer, chat_elsewhere, left
        rest = 0
        try:
            if response is chat:
                [choice] = data["choices"]
                if choice["finish_reason"] is None:
                    delta = choice["delta"]
                    if "content" in delta:
                        rest = left - (len("" + delta["content"]) or left)  # beside an empty one stands more
                    else:
                        [call] = delta["tool_calls"]
                        if "name" not in call["function"]:
                            rest = left - len("" + call["function"]["arguments"])
            elif response is chat_elsewhere:
                [choice] = data["choices"]
                if not (
                    choice["finish_reason"] is not None
                    or ("usage" in data and data["usage"] is not None)
                    or "usage" in choice
                    or "x_groq" in data
                ):
                    delta = choice["delta"]
                    if "content" in delta and (text := delta["content"]):
                        rest = left - len("" + text)
                    else:
                        rest = left - other_size(delta)
            elif response is answer:
                kind = data["type"]
                if kind[-6:] == ".delta" and kind[-11:] != "audio.delta":
                    rest = left - len("" + data["delta"])
        except ODD_SHAPE:
            pass
        if rest > 0:
            left = rest
        elif first is None or response is first:
            first, passed, left = response, _PASS - left, _PASS
            place = guarded(look_at, data, response, passed, lambda: _PASS - left)
            chat = response if place == "chat" else None
            answer = response if place == "response" else None
            chat_elsewhere = response if place == "chat elsewhere" else None
        else:
            guarded(look_at, data, response)
        return original(data=data, cast_to=cast_to, response=response)

    return _process_response_data


def messages(original: Process) -> Process:
    """A frame for Anthropic's events."""
    first: Any = None
    message = None
    left = _PASS

    def _process_response_data(*, data: Any, cast_to: Any, response: Any) -> Any:
        nonlocal first, message, left
        rest = 0
        try:
            if response is message and data["type"] == "content_block_delta":
                delta = data["delta"]
                text = "" + delta["text"] if "text" in delta else ""
                rest = left - len(text or block_text(delta))
        except ODD_SHAPE:
            pass
        if rest > 0:
            left = rest
        elif first is None or response is first:
            first, passed, left = response, _PASS - left, _PASS
            place = guarded(look_at, data, response, passed, lambda: _PASS - left)
            message = response if place == "message" else None
        else:
            guarded(look_at, data, response)
        return original(data=data, cast_to=cast_to, response=response)

    return _process_response_data


def look_at(data: Any, response: Any, passed: int = 0, passing: Callable[[], int] | None = None) -> Place:
    """Give decoded JSON, of a whole body or of an event, to who collects it; a response may be nobody's.

    `passed` are the characters that went by since the last one, `passing` tells those that will. Says where the text
    of events stands that need not be looked at.
    """
    exchange = getattr(response, "extensions", {}).get(EXTENSION)
    if exchange is None:
        return ""
    if not exchange.stream:
        exchange.collector.take_body(data)
        return ""
    place: Place = exchange.collector.take_event(data, passed, passing)
    return place
