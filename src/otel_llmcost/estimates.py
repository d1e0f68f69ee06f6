"""What a call that was not made yet would cost: tokens counted from its text, then priced as any call."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from typing import Any

from . import semconv
from .call import ESTIMATED_NOTE, Call, Priced, note
from .prices import Book
from .prices.providers import provider_name

# Tokens per piece of text, fitted to o200k_base on English prose, Python, JSON, TOML, digits, and the first two
# articles of the Declaration of Human Rights in nine languages (2026-11-23).
_PIECE = re.compile(
    r"(?P<word>[A-Za-z]+)|(?P<number>[0-9]+)|(?P<lines>[ \t]*[\r\n]+)|(?P<space>[ \t]+)"
    r"|(?P<accented>[\u00c0-\u024f]+)|(?P<cyrillic>[\u0370-\u058f]+)|(?P<near_east>[\u0590-\u08ff]+)"
    r"|(?P<south_asia>[\u0900-\u0dff]+)|(?P<han_kana>[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+)"
    r"|(?P<hangul>[\uac00-\ud7af]+)|(?P<mark>[!-/:-@\[-`{-~]+)|(?P<other>.)",
    re.DOTALL,
)
_TOKENS: dict[str, Callable[[int], Decimal]] = {
    "word": lambda size: 1 + max(Decimal(size - 6), Decimal(0)) / 8,
    "number": lambda size: Decimal(-(-size // 3)),
    "lines": lambda size: Decimal("0.6"),
    "space": lambda size: Decimal(size > 1),
    "accented": lambda size: size * Decimal("0.6"),
    "cyrillic": lambda size: Decimal("0.55") + size / Decimal("5.4"),
    "near_east": lambda size: Decimal("0.4") + size / Decimal(3),
    "south_asia": lambda size: size / Decimal("2.7"),
    "han_kana": lambda size: size * Decimal("0.8"),
    "hangul": lambda size: size * Decimal("0.75"),
    "mark": lambda size: Decimal("0.75") if size == 1 else size / Decimal("2.2"),
    "other": lambda size: Decimal(size),
}
WITHIN_PERCENT = 20
"""How far the count by characters was from o200k_base, at most: 15% on those texts, 18% on 267 files of a project."""
OTHERS_WITHIN_PERCENT = 40
"""What to expect of providers that publish no tokenizer; theirs count up to a third more tokens."""
_TOKENIZER_WAIT_S = 10.0
_TOKENIZED = (semconv.OPENAI, semconv.AZURE_OPENAI)


@dataclass(frozen=True, slots=True)
class Counted:
    """A number of tokens, and how it was found."""

    tokens: int
    how: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected cost, and the dearest that the same call could come to (None: no bound is known)."""

    prompt: Counted
    output_tokens: int
    priced: Priced
    at_most: int | None
    """Femto-dollars with the model's longest answer, at every tier it could be billed at."""
    longest_output: int | None


def count_by_characters(text: str) -> int:
    """Tokens of a text without a tokenizer: its words, numbers, marks and scripts, weighed."""
    sizes: dict[tuple[str, int], int] = {}
    for match in _PIECE.finditer(text):
        kind = (match.lastgroup or "other", match.end() - match.start())
        sizes[kind] = sizes.get(kind, 0) + 1
    return round(sum((_TOKENS[kind](size) * count for (kind, size), count in sizes.items()), Decimal(0)))


def count_tokens(provider: str, model: str, text: str) -> Counted:
    """Tokens of a text for a model: by the provider's tokenizer where there is one, else by characters."""
    if provider in _TOKENIZED:
        prefix, slash, rest = model.partition("/")
        encoding = _encoding(rest if slash and provider_name(prefix) == provider else model)
        if encoding is not None:
            return Counted(len(encoding.encode(text, disallowed_special=())), f"counted with {encoding.name}")
        how = f"counted by characters, within about {WITHIN_PERCENT}% (the extra `tokenizer` counts exactly)"
        return Counted(count_by_characters(text), how)
    whose = provider or "the provider"
    how = f"counted by characters, within about {OTHERS_WITHIN_PERCENT}%: {whose} publishes no tokenizer"
    return Counted(count_by_characters(text), how)


def _encoding(model: str) -> Any:
    try:
        tiktoken = import_module("tiktoken")
    except ImportError:
        return None
    found: list[Any] = []
    # Its data may have to be fetched, without any time limit of its own: a thread that nobody waits for forever.
    worker = threading.Thread(target=_load_encoding, args=(tiktoken, model, found), daemon=True)
    worker.start()
    worker.join(_TOKENIZER_WAIT_S)
    return found[0] if found else None


def _load_encoding(tiktoken: Any, model: str, found: list[Any]) -> None:
    name = model.partition(":")[2].partition(":")[0] if model.startswith("ft:") else model
    try:
        try:
            found.append(tiktoken.encoding_for_model(name))
        except KeyError:
            found.append(tiktoken.get_encoding("o200k_base"))
    except (OSError, ValueError):  # no network, or damaged data: requests' errors are OSErrors
        return


def estimate(
    text: str | int,
    model: str,
    provider: str = "",
    *,
    output_tokens: int = 0,
    tier: str = "",
    region: str = "",
    at_ns: int = 0,
    book: Book,
) -> Estimate:
    """What a call with this prompt (its text, or its number of tokens) and so long an answer would cost.

    Without a provider, the one that makes the model is meant.
    Its status is `estimated`, or `unpriced` with a reason.
    """
    prefix, slash, _ = model.partition("/")
    named = provider_name(provider or (prefix if slash else "")) or book.maker(model)
    prompt = Counted(text, "told") if isinstance(text, int) else count_tokens(named, model, text)
    usage: Mapping[str, int] = {"input": prompt.tokens, "output": output_tokens}
    at = at_ns or time.time_ns()
    call = Call(
        provider=named,
        request_model=model,
        response_model=model,
        start_ns=at,
        end_ns=at,
        usage={meter: count for meter, count in usage.items() if count},
        tier=tier,
        region=region,
        notes=(note(ESTIMATED_NOTE, f"the prompt was {prompt.how}"),),
    )
    # A token is at least one byte, whatever the tokenizer.
    most = (
        max(prompt.tokens, len(text.encode("utf-8", "replace"))) if isinstance(text, str) else prompt.tokens
    )
    longest = book.max_output(named, model)
    bound = None if longest is None else _at_most(call, most, max(longest, output_tokens), book)
    return Estimate(prompt, output_tokens, book.price(call), bound, longest)


def _at_most(call: Call, input_tokens: int, output_tokens: int, book: Book) -> int | None:
    return book.dearest(
        call.provider,
        call.request_model,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        region=call.region,
        at_ns=call.start_ns,
    )
