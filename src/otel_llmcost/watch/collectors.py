"""What is kept of a reply: its body, or the few events of its stream that matter.

Collectors run in the user's program: they keep references and numbers, and read at the end. Pieces of text in the
middle of a stream pass them by (`events.py`), once a collector has said where such a piece stands.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Literal

from .texts import block_text, other_texts, texts_in

_KEPT_EVENTS = 16
_KEPT_ITEMS = 1000
ODD_SHAPE = (AttributeError, TypeError, KeyError, IndexError, ValueError)
_now = time.time_ns

Place = Literal["", "chat", "chat elsewhere", "response", "message"]
"""Whose text may pass by, and so where it stands: `choices[0].delta.content` of a chat (of OpenAI's, or of a host like
it), `delta` of a response, `delta.text` of a message's content block. "" where each event must be looked at."""


class Collector:
    """Keeps what a reply says. The plain one keeps the body, or of a stream every event that speaks of usage."""

    __slots__ = (
        "_looked_at",
        "_passing",
        "body",
        "complete",
        "events",
        "first_ns",
        "items",
        "keep_text",
        "last_ns",
        "of_openai",
        "texts",
    )
    PLACE: Place = ""
    """Where the text of the common event stands, once the head of the stream was seen."""
    ENDS_BY_ITSELF = False
    """Whether every whole stream tells its end."""

    def __init__(self, keep_text: bool = False, of_openai: bool = False) -> None:
        self.of_openai = of_openai
        """Whether the reply comes from OpenAI itself, which says its usage in one place."""
        self.body: Any = None
        self.events: list[dict[str, Any]] = []
        self.items: tuple[dict[str, Any], ...] = ()
        """What may have a fee of its own where the stream breaks off before its usage: the little that tells it."""
        self.first_ns = 0
        self.last_ns = 0
        """When an event was looked at last."""
        self._looked_at = 0
        self._passing: Callable[[], int] | None = None
        self.complete = False
        """Whether the reply said by itself that it ended."""
        self.keep_text = keep_text
        self.texts: list[str] = []

    @property
    def characters(self) -> int:
        """Of generated text so far: the base of an estimate where a stream ends early."""
        return self._looked_at + (self._passing() if self._passing is not None else 0)

    def take_body(self, data: Any) -> None:
        """The whole reply at once."""
        self.body = data
        self.complete = True

    def take_event(self, data: Any, passed: int = 0, passing: Callable[[], int] | None = None) -> Place:
        """One event of a stream, as its decoded JSON; `passed` characters went by without one since the last.

        Says where text stands that may pass by from now on: `passing` tells how much did.
        """
        self.last_ns = now = _now()
        if not self.first_ns:
            self.first_ns = now
        self._looked_at += passed
        if data.__class__ is dict:
            self.offer(data)
        if passing is None or self.keep_text or not self.headed():
            return ""
        self._passing = passing
        return self.place()

    def place(self) -> Place:
        """Where the text of the common event of this stream stands."""
        return self.PLACE

    def headed(self) -> bool:
        """Whether the head of the stream was seen: what stands in its first events alone."""
        return True

    def offer(self, data: dict[str, Any]) -> None:
        """`event`; one of a shape that nobody foresaw tells nothing."""
        try:
            self.event(data)
        except ODD_SHAPE:
            return

    def event(self, data: dict[str, Any]) -> None:
        """Overridden by collectors that know the shape of the events."""
        if data.get("usage") is not None or str(data.get("type", "")).endswith((".completed", ".done")):
            self.keep(data)
            self.complete = True

    def lacks_usage(self) -> bool:
        """Whether the stream ended without saying what it used."""
        return False

    def ends_by_itself(self) -> bool:
        """Whether a whole stream tells its end."""
        return self.ENDS_BY_ITSELF

    def usage_is_old(self) -> str:
        """Why the usage that was told last is not the whole of it, "" where it is."""
        return ""

    def keep_item(self, item: dict[str, Any]) -> None:
        """Keep what may have a fee."""
        if len(self.items) < _KEPT_ITEMS:
            self.items = (*self.items, item)

    def keep(self, data: dict[str, Any]) -> None:
        """Keep an event; the first one and the last ones survive a stream with absurdly many."""
        if len(self.events) >= _KEPT_EVENTS:
            del self.events[1]
        self.events.append(data)

    def text(self, part: Any) -> None:
        """Generated text went by."""
        if part.__class__ is str:
            self._looked_at += len(part)
            if self.keep_text:
                self.texts.append(part)


class ChatCollector(Collector):
    """OpenAI chat and legacy completions: the first chunk, the finish reasons, every chunk with usage."""

    __slots__ = ("_beside", "_headless", "_told_at", "_usage_seen")
    PLACE = "chat elsewhere"

    def __init__(self, keep_text: bool = False, of_openai: bool = False) -> None:
        super().__init__(keep_text, of_openai)
        self._headless = True
        self._usage_seen = self._beside = False
        self._told_at = 0

    def place(self) -> Place:
        return "chat" if self.of_openai else self.PLACE

    def lacks_usage(self) -> bool:
        return not self._usage_seen

    def ends_by_itself(self) -> bool:
        return self.of_openai  # other hosts may send no finish reason at all

    def usage_is_old(self) -> str:
        if self.characters > self._told_at:
            return "text came after the usage that was told last"
        # beside text it may run along; what comes after the finish, or alone, is the last
        return (
            "the stream was left after the usage that was told last"
            if self._beside and not self.complete
            else ""
        )

    def headed(self) -> bool:
        return not self._headless

    def event(self, data: dict[str, Any]) -> None:
        usage = data.get("usage")
        told = usage is not None or _usage_elsewhere(data)
        if told:
            self.keep(data)
            self._headless = False
            self._usage_seen = self._usage_seen or usage is None or (usage.__class__ is dict and bool(usage))
        elif data.get("error"):
            self.keep(data)
        finished = False
        for choice in data.get("choices") or ():
            self._choice(choice)
            finished = finished or choice.get("finish_reason") is not None
        if told:
            self._beside, self._told_at = bool(data.get("choices")), self.characters
            self.complete = self.complete or not self._beside
        if finished or (self._headless and data.get("choices")):
            self._headless = False
            self.complete = self.complete or finished
            self.keep(data)

    def _choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta")
        if delta is None:
            self.text(choice.get("text"))
        elif delta.get("content"):
            for part in texts_in(delta["content"]):
                self.text(part)
        else:
            for part in other_texts(delta):
                self.text(part)


def _usage_elsewhere(data: dict[str, Any]) -> bool:
    """Groq says it in `x_groq`, whose first one tells the request's id alone; Moonshot says it in the choice."""
    groq = data.get("x_groq")
    if groq.__class__ is dict and groq.get("usage") is not None:
        return True
    choices = data.get("choices")
    return any(choice.__class__ is dict and choice.get("usage") is not None for choice in choices or ())


class ResponsesCollector(Collector):
    """OpenAI Responses: `response.created` and the terminal event, or the error that stands in its place."""

    __slots__ = ("_usage_seen",)
    PLACE = "response"
    ENDS_BY_ITSELF = True
    _TERMINAL = frozenset({"response.completed", "response.incomplete", "response.failed"})
    _HEAD = frozenset({"response.created", "response.queued"})

    def __init__(self, keep_text: bool = False, of_openai: bool = False) -> None:
        super().__init__(keep_text, of_openai)
        self._usage_seen = False

    def lacks_usage(self) -> bool:
        # a failed response may tell none though it wrote
        return not self.complete or (not self._usage_seen and self.characters > 0)

    def event(self, data: dict[str, Any]) -> None:
        kind = data.get("type")
        if kind in self._TERMINAL:
            self.keep(data)
            self.complete = True
            self._usage_seen = bool(data["response"].get("usage"))
        elif kind in self._HEAD or kind == "error":
            self.keep(data)
        elif kind == "response.output_item.done" and _is_hosted(data["item"]):
            self.keep_item({"type": kind, "item": _facts_of(data["item"])})
        elif kind.__class__ is str and kind.endswith(".delta") and not kind.endswith("audio.delta"):
            self.text(data.get("delta"))  # of speech it is data, whose transcript comes beside it


def _is_hosted(item: dict[str, Any]) -> bool:
    """Whether a finished item is a tool that the provider ran, which may have a fee."""
    kind = item["type"]
    return bool(kind.endswith("_call")) and kind not in ("function_call", "custom_tool_call", "mcp_call")


_TELLING = frozenset({"type", "status", "container_id", "svg_usage"})


def _facts_of(item: dict[str, Any]) -> dict[str, Any]:
    """What tells the fee of a tool, without what it found, drew or printed."""
    facts: dict[str, Any] = {name: item[name] for name in _TELLING if name in item}
    action = item.get("action")
    return {**facts, "action": {"type": action.get("type", "search")}} if action.__class__ is dict else facts


class AnthropicCollector(Collector):
    """Anthropic messages: `message_start` and every `message_delta`."""

    __slots__ = ("_delta_seen",)
    PLACE = "message"
    ENDS_BY_ITSELF = True

    def __init__(self, keep_text: bool = False, of_openai: bool = False) -> None:
        super().__init__(keep_text, of_openai)
        self._delta_seen = False

    def lacks_usage(self) -> bool:
        # the start's output count is a placeholder; only a delta has the real one
        return not self._delta_seen

    def event(self, data: dict[str, Any]) -> None:
        kind = data.get("type")
        if kind == "content_block_delta":
            self.text(block_text(data.get("delta") or {}))
        elif kind == "message_delta":
            self.keep(data)
            self._delta_seen = self._delta_seen or "output_tokens" in (data.get("usage") or {})
        elif kind in ("message_start", "error"):
            self.keep(data)
        elif kind == "content_block_start" and data["content_block"]["type"] == "web_search_tool_result":
            found = data["content_block"].get("content")
            block = {"type": "web_search_tool_result", "content": [] if found.__class__ is list else found}
            self.keep_item({"type": kind, "content_block": block})
        elif kind == "message_stop":
            self.complete = True
