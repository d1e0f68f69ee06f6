"""A price book with one flat rate for input and one for output, for exact amounts that can be checked by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from otel_llmcost.call import EXACT, NO_TAGS, Asked, Priced, Tags
from otel_llmcost.money import femto

INPUT = 1_000_000_000  # femto-dollars a token: $1 per million
OUTPUT = 10_000_000_000  # $10 per million
SEARCH = femto("0.01")
WINDOW = 100_000
LONGEST = 4_000


class FlatBook:
    """Knows the model "known" of any provider, and "windowless" without its window and longest answer."""

    def dearest(
        self,
        provider: str,
        model: str,
        *,
        input_tokens: int,
        output_tokens: int,
        units: Mapping[str, int] | None = None,
        host: str = "",
        region: str = "",
        at_ns: int = 0,
        never: Collection[str] = (),
    ) -> int | None:
        if model not in ("known", "windowless") or set(units or ()) - {"web_search"}:
            return None
        fees = (units or {}).get("web_search", 0) * SEARCH
        return input_tokens * INPUT + output_tokens * OUTPUT + fees

    def max_output(self, provider: str, model: str) -> int | None:
        return LONGEST if model == "known" else None

    def context_window(self, provider: str, model: str) -> int | None:
        return WINDOW if model == "known" else None

    def rows(self, provider: str, model: str) -> list[object]:
        return []


def cost(input_tokens: int, output_tokens: int) -> int:
    return input_tokens * INPUT + output_tokens * OUTPUT


def paid(amount: int) -> Priced:
    return Priced(EXACT, amount, {"output": amount} if amount else {})


def request(
    text: str = "hello",
    *,
    at: int = 0,
    model: str = "known",
    provider: str = "openai",
    tags: Tags = NO_TAGS,
    operation: str = "chat",
    max_tokens: int | None = 100,
    **body: object,
) -> Asked:
    """A call that starts `at` seconds after the epoch."""
    whole = {"model": model, "messages": [{"role": "user", "content": text}], **body}
    if max_tokens is not None:
        whole["max_completion_tokens"] = max_tokens
    return Asked(provider, "api.example.com", operation, model, whole, tags, at * 10**9)
