"""The program that `otel-llmcost demo` runs: what a user might write, without a word about costs.

It finds its providers as any program does (`OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL`); the demo points them at
loopback. What each call uses is listed in `demo_provider/README.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

QUESTION = [{"role": "user", "content": "What does a token cost?"}]
MANUAL = "The manual of the machine, two thousand tokens long."
HOUSE_STYLE = "The style of the house, five hundred tokens long."
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def main() -> None:
    """Fifteen calls: two providers, every price component, and some that cannot be priced exactly."""
    ask_openai()
    ask_anthropic()
    asyncio.run(ask_side_by_side())


def ask_openai() -> None:
    """Chat (cached, flex, streamed, unknown model, refused), the Responses API with a search, embeddings."""
    import openai

    client: Any = openai.OpenAI(max_retries=0)
    for _ in range(2):  # the second finds its prompt in the cache
        client.chat.completions.create(model="gpt-5-mini", messages=QUESTION, prompt_cache_key="manual")
    client.chat.completions.create(model="gpt-5-mini", messages=QUESTION, service_tier="flex")
    usage = {"include_usage": True}
    for _ in client.chat.completions.create(
        model="gpt-5.4", messages=QUESTION, stream=True, stream_options=usage
    ):
        pass
    for _ in client.chat.completions.create(model="gpt-5.4", messages=QUESTION, stream=True):
        pass  # without its usage
    client.responses.create(
        model="gpt-5.4", input="Search!", tools=[{"type": "web_search"}], reasoning={"effort": "low"}
    )
    client.embeddings.create(model="text-embedding-3-small", input=["one", "two", "three"])
    client.chat.completions.create(model="house-model-7", messages=QUESTION)
    with contextlib.suppress(openai.RateLimitError):
        client.chat.completions.create(
            model="gpt-5-mini", messages=QUESTION, extra_headers={"x-demo-status": "429"}
        )


def ask_anthropic() -> None:
    """Messages: a prompt cached for five minutes and one for an hour, a search, a stream left early."""
    import anthropic

    client: Any = anthropic.Anthropic(max_retries=0)
    system = [
        {"type": "text", "text": MANUAL, "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": HOUSE_STYLE, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]
    for _ in range(2):  # written, then read
        client.messages.create(model="claude-sonnet-5", max_tokens=500, system=system, messages=QUESTION)
    client.messages.create(model="claude-opus-5", max_tokens=500, messages=QUESTION, tools=[SEARCH])
    with client.messages.stream(model="claude-haiku-4-5", max_tokens=500, messages=QUESTION) as stream:
        for event in stream:
            if event.type == "content_block_delta":
                break


async def ask_side_by_side() -> None:
    """Both asynchronous clients at once."""
    import anthropic
    import openai

    oai: Any = openai.AsyncOpenAI()
    claude: Any = anthropic.AsyncAnthropic()
    await asyncio.gather(
        oai.responses.create(model="gpt-5-nano", input="Short, please."),
        claude.messages.create(model="claude-haiku-4-5", max_tokens=100, messages=QUESTION),
    )
    await asyncio.gather(oai.close(), claude.close())


if __name__ == "__main__":
    main()
