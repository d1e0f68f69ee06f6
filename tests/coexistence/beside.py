"""What is tried: whose calls, beside which instrumentations, and what each call costs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

# usage of the demo provider (its README) times the published list prices in USD per million tokens
CHAT = (Decimal(1200) * Decimal("0.15") + Decimal(300) * Decimal("0.60")) / 10**6
RESPONSE = (Decimal(2000) * 2 + Decimal(500) * 8) / 10**6
EMBEDDING = Decimal(24) * Decimal("0.02") / 10**6
MESSAGE = (Decimal(400) * 3 + Decimal(250) * 15) / 10**6
REFUSED = Decimal(0)
OPENAI = {
    "chat": CHAT, "chat_raw": CHAT, "chat_stream": CHAT, "response": RESPONSE, "response_stream": RESPONSE,
    "embedding": EMBEDDING, "chat_error": REFUSED, "chat_async": CHAT, "chat_stream_async": CHAT,
    "response_async": RESPONSE, "async_error": REFUSED,
}  # fmt: skip
ANTHROPIC = {
    "message": MESSAGE, "message_stream": MESSAGE, "message_helper": MESSAGE, "message_error": REFUSED,
    "message_async": MESSAGE, "message_helper_async": MESSAGE, "async_error": REFUSED,
}  # fmt: skip
LANGCHAIN = {
    "chat": CHAT, "chat_stream": CHAT, "response": RESPONSE, "message": MESSAGE, "embedding": EMBEDDING,
    "chat_async": CHAT, "message_async": MESSAGE,
}  # fmt: skip
AGENTS = {"response": RESPONSE, "response_stream": RESPONSE, "chat": CHAT}
PYDANTIC_AI = {"chat": CHAT, "response": RESPONSE, "message": MESSAGE, "chat_stream": CHAT}
LITELLM = {"chat": CHAT, "chat_stream": CHAT, "embedding": EMBEDDING, "chat_async": CHAT, "message": MESSAGE}
EXPECTED = {
    "openai": OPENAI, "anthropic": ANTHROPIC, "langchain": LANGCHAIN, "agents": AGENTS,
    "pydantic-ai": PYDANTIC_AI, "litellm": LITELLM,
}  # fmt: skip


@dataclass(frozen=True)
class Beside:
    """One program: whose calls, beside which instrumentations, and the scope that theirs begin with."""

    calls: str
    others: tuple[str, ...]
    scope: str
    environment: str = "instrumentations"

    def __str__(self) -> str:
        return "+".join(self.others)


SDKS = (
    Beside("openai", ("genai-openai",), "opentelemetry.instrumentation.genai.openai"),
    Beside("openai", ("openllmetry-openai",), "opentelemetry.instrumentation.openai"),
    Beside("openai", ("openinference-openai",), "openinference.instrumentation.openai"),
    Beside("openai", ("logfire-openai",), "logfire.openai"),
    Beside("anthropic", ("genai-anthropic",), "opentelemetry.instrumentation.genai.anthropic"),
    Beside("anthropic", ("openllmetry-anthropic",), "opentelemetry.instrumentation.anthropic"),
    Beside("anthropic", ("openinference-anthropic",), "openinference.instrumentation.anthropic"),
    Beside("anthropic", ("logfire-anthropic",), "logfire.anthropic"),
)
SEVERAL = (
    Beside("openai", ("openllmetry-openai", "openinference-openai"), "openinference.instrumentation.openai"),
    Beside("openai", ("openinference-openai", "openllmetry-openai"), "opentelemetry.instrumentation.openai"),
)
FRAMEWORKS = (
    Beside("langchain", ("openinference-langchain",), "openinference.instrumentation.langchain"),
    Beside("langchain", ("openllmetry-langchain",), "opentelemetry.instrumentation.langchain"),
    Beside("agents", ("openinference-agents",), "openinference.instrumentation.openai_agents"),
    Beside("agents", ("openllmetry-agents",), "opentelemetry.instrumentation.openai_agents"),
    Beside("agents", ("logfire-agents",), "logfire.openai_agents"),
    Beside("pydantic-ai", ("pydantic-ai",), "pydantic-ai"),
    Beside("litellm", ("openinference-litellm",), "openinference.instrumentation.litellm", "litellm"),
    Beside("litellm", ("litellm",), "litellm", "litellm"),
)
ALL = (*SDKS, *SEVERAL, *FRAMEWORKS)
