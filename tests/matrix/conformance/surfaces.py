"""The surfaces that stream: what is asked, what a full answer costs, what the part that was seen costs.

Usage is the demo provider's (its README); prices are the providers' published ones in USD per million tokens:
gpt-4o-mini 0.15 and 0.60, gpt-4.1 2 and 8, gpt-3.5-turbo-instruct 1.50 and 2 (openai.com/api/pricing),
Claude Sonnet 4.5 3 and 15 (claude.com/pricing), checked 2026-11-23.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

QUESTION = "Why is the sky blue?"
ASK = [{"role": "user", "content": QUESTION}]
_MILLION = Decimal(1_000_000)
_ASKED_TOKENS = 5
"""`QUESTION` has 20 characters: 5 tokens at 4 characters each, where nothing but an estimate is left."""


@dataclass(frozen=True)
class Surface:
    """One streaming surface."""

    sdk: str
    path: str
    asked: Mapping[str, Any]
    streamed: Mapping[str, Any]
    """What to add to `asked` for a stream that tells its usage."""
    text: Callable[[Any], str]
    """The generated text in one event."""
    usage: tuple[int, int]
    rates: tuple[str, str]
    input_known: bool = False
    """Whether the stream tells its input at the start."""

    @property
    def cost(self) -> Decimal:
        """Of a whole answer."""
        return self._sum(*self.usage)

    def cost_of(self, characters: int, events: int) -> Decimal:
        """Of a stream that was left after so many events with so many characters of text."""
        known = self.input_known and events > 0
        return self._sum(self.usage[0] if known else _ASKED_TOKENS, -(-characters // 4))

    def _sum(self, read: int, written: int) -> Decimal:
        return (read * Decimal(self.rates[0]) + written * Decimal(self.rates[1])) / _MILLION

    def create(self, client: Any) -> Any:
        """`client.<path>.create`."""
        owner = client
        for name in self.path.split("."):
            owner = getattr(owner, name)
        return owner.create


def _chat_text(event: Any) -> str:
    return (event.choices[0].delta.content or "") if event.choices else ""


def _completion_text(event: Any) -> str:
    return event.choices[0].text if event.choices else ""


def _response_text(event: Any) -> str:
    return event.delta if event.type == "response.output_text.delta" else ""


def _message_text(event: Any) -> str:
    return getattr(event.delta, "text", "") if event.type == "content_block_delta" else ""


_USAGE = {"stream_options": {"include_usage": True}}
_MESSAGE = {"model": "claude-sonnet-4-5", "max_tokens": 1000, "messages": ASK}

CHAT = Surface(
    "openai",
    "chat.completions",
    {"model": "gpt-4o-mini", "messages": ASK},
    _USAGE,
    _chat_text,
    (1200, 300),
    ("0.15", "0.60"),
)
COMPLETIONS = Surface(
    "openai",
    "completions",
    {"model": "gpt-3.5-turbo-instruct", "prompt": QUESTION},
    _USAGE,
    _completion_text,
    (60, 40),
    ("1.50", "2.00"),
)
RESPONSES = Surface(
    "openai",
    "responses",
    {"model": "gpt-4.1", "input": QUESTION},
    {},
    _response_text,
    (2000, 500),
    ("2.00", "8.00"),
)
MESSAGES = Surface(
    "anthropic", "messages", _MESSAGE, {}, _message_text, (400, 250), ("3.00", "15.00"), input_known=True
)
BETA_MESSAGES = Surface(
    "anthropic", "beta.messages", _MESSAGE, {}, _message_text, (400, 250), ("3.00", "15.00"), input_known=True
)
SURFACES = (CHAT, COMPLETIONS, RESPONSES, MESSAGES, BETA_MESSAGES)
