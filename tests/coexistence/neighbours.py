"""How each other instrumentation is switched on, as its own documentation says."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial


def instrumentor(target: str) -> None:
    module, _, name = target.partition(":")
    getattr(importlib.import_module(module), name)().instrument()


def logfire(*targets: str) -> None:
    import logfire as package

    for target in targets:
        getattr(package, f"instrument_{target}")()


def agents(instrument: Callable[[], None]) -> None:
    import agents as package

    package.set_trace_processors([])  # its own exporter sends every trace to OpenAI
    instrument()


def pydantic_ai() -> None:
    from pydantic_ai import Agent

    Agent.instrument_all()


def litellm_otel() -> None:
    import litellm

    litellm.callbacks = ["otel"]


NEIGHBOURS: dict[str, Callable[[], None]] = {
    "genai-openai": partial(instrumentor, "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor"),
    "genai-anthropic": partial(
        instrumentor, "opentelemetry.instrumentation.genai.anthropic:AnthropicInstrumentor"
    ),
    "openllmetry-openai": partial(instrumentor, "opentelemetry.instrumentation.openai:OpenAIInstrumentor"),
    "openllmetry-anthropic": partial(
        instrumentor, "opentelemetry.instrumentation.anthropic:AnthropicInstrumentor"
    ),
    "openllmetry-langchain": partial(
        instrumentor, "opentelemetry.instrumentation.langchain:LangchainInstrumentor"
    ),
    "openllmetry-agents": partial(
        agents, partial(instrumentor, "opentelemetry.instrumentation.openai_agents:OpenAIAgentsInstrumentor")
    ),
    "openinference-openai": partial(instrumentor, "openinference.instrumentation.openai:OpenAIInstrumentor"),
    "openinference-anthropic": partial(
        instrumentor, "openinference.instrumentation.anthropic:AnthropicInstrumentor"
    ),
    "openinference-langchain": partial(
        instrumentor, "openinference.instrumentation.langchain:LangChainInstrumentor"
    ),
    "openinference-agents": partial(
        agents, partial(instrumentor, "openinference.instrumentation.openai_agents:OpenAIAgentsInstrumentor")
    ),
    "openinference-litellm": partial(
        instrumentor, "openinference.instrumentation.litellm:LiteLLMInstrumentor"
    ),
    "logfire-openai": partial(logfire, "openai"),
    "logfire-anthropic": partial(logfire, "anthropic"),
    "logfire-agents": partial(agents, partial(logfire, "openai_agents")),
    "pydantic-ai": pydantic_ai,
    "litellm": litellm_otel,
}
