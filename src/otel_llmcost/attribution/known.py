"""Ids that SDKs and frameworks already carry: conversations, threads, people. Reads, never changes
anything."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ..call import NO_TAGS, Reading, Tags
from ..semconv import CONVERSATION_ID
from .tags import clean

_ID_KEYS = frozenset({"conversation", "safety_identifier", "user", "metadata"})
_LANGCHAIN_CONFIG = "langchain_core.runnables.config"


def known_ids(provider: str, body: Mapping[str, object], reading: Reading | None = None) -> Tags:
    """The conversation and the person that a request's body (and its answer's reading) names.

    OpenAI `conversation`, `safety_identifier`, `user`; Anthropic `metadata.user_id`. The person's id is as
    it stands in the body: `People.found` decides what may be kept. `previous_response_id` needs memory: see
    `Conversations`.
    """
    if reading is None and _ID_KEYS.isdisjoint(body):
        return NO_TAGS
    conversation = _id(body.get("conversation"))
    if not conversation and reading is not None:
        conversation = reading.conversation
    user = body.get("safety_identifier") or body.get("user")
    if user is None:
        metadata = body.get("metadata")
        user = metadata.get("user_id") if isinstance(metadata, Mapping) else None
    person = user if isinstance(user, str) else ""
    if not conversation and not person:
        return NO_TAGS
    return Tags(conversation=clean(conversation), user=clean(person))


def _id(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        inner = value.get("id")
        return inner if isinstance(inner, str) else ""
    return ""


class Conversations:
    """Follows `previous_response_id`: every response of a chain belongs to the conversation its first one
    opened.

    A first response's own id names the conversation. Remembers the newest `limit` responses at least (and
    at most twice as many). Safe between threads: it only reads, sets and swaps whole dictionaries.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._newer: dict[str, str] = {}
        self._older: dict[str, str] = {}

    def before(self, body: Mapping[str, object]) -> str:
        """The conversation of a request that continues a response, "" for any other."""
        previous = body.get("previous_response_id")
        if not isinstance(previous, str) or not previous:
            return ""
        return self._newer.get(previous) or self._older.get(previous) or previous

    def after(self, conversation: str, response_id: str) -> str:
        """The conversation of a response that has come, from what its request said; remembered for the next
        one."""
        if not response_id:
            return conversation
        if len(self._newer) >= self._limit:
            self._older, self._newer = self._newer, {}
        conversation = conversation or response_id
        self._newer[response_id] = conversation
        return conversation


def conversation_around(span: object) -> str:
    """The conversation of a parent span (`gen_ai.conversation.id`) or of a LangGraph thread around here."""
    attributes = getattr(span, "attributes", None)
    if attributes is not None and CONVERSATION_ID in attributes:
        conversation = attributes[CONVERSATION_ID]
        if isinstance(conversation, str) and conversation:
            return conversation
    # LangGraph keeps the thread in its runnable configuration; looked at only where it is already imported.
    module = sys.modules.get(_LANGCHAIN_CONFIG)
    return _langgraph_thread(module) if module is not None else ""


def _langgraph_thread(module: object) -> str:
    variable = getattr(module, "var_child_runnable_config", None)
    config = variable.get(None) if variable is not None else None
    if not isinstance(config, Mapping):
        return ""
    for section in ("configurable", "metadata"):
        values = config.get(section)
        if isinstance(values, Mapping) and isinstance(values.get("thread_id"), str | int):
            return clean(values["thread_id"])
    return ""
