"""Records the spans of another instrumentation as JSON: real SDKs, real HTTP, a loopback server with fixed bodies.

Run in an environment of its own, with that instrumentation and the SDKs installed:

    python tests/spans/record.py openllmetry > tests/spans/recorded/openllmetry.json

The names are the keys of OTHERS below. The bodies' usage is at the top of this file; the tests compare with it.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import json
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHAT_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 300,
    "total_tokens": 1500,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 128, "audio_tokens": 0},
}
RESPONSE_USAGE = {
    "input_tokens": 2000,
    "input_tokens_details": {"cached_tokens": 512, "cache_write_tokens": 0},
    "output_tokens": 400,
    "output_tokens_details": {"reasoning_tokens": 256},
    "total_tokens": 2400,
}
MESSAGE_USAGE = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 2500,
    "cache_read_input_tokens": 1000,
    "cache_creation": {"ephemeral_5m_input_tokens": 2000, "ephemeral_1h_input_tokens": 500},
    "output_tokens": 100,
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
    "service_tier": "standard",
    "inference_geo": "us",
}
OPENAI_MODEL, CLAUDE_MODEL = "gpt-5", "claude-sonnet-4-5"


def chat(stream: bool) -> Any:
    head = {"id": "chatcmpl-1", "created": 1, "model": "gpt-5-2025-08-07", "service_tier": "flex"}
    if not stream:
        message = {"role": "assistant", "content": "hi"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {**head, "object": "chat.completion", "choices": [choice], "usage": CHAT_USAGE}
    chunk = {**head, "object": "chat.completion.chunk"}
    said = {"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": None}
    stop = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return [
        {**chunk, "choices": [said], "usage": None},
        {**chunk, "choices": [stop], "usage": None},
        {**chunk, "choices": [], "usage": CHAT_USAGE},
        "[DONE]",
    ]


def response(stream: bool) -> Any:
    text = {"type": "output_text", "text": "hi", "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
    body = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "gpt-5-2025-08-07",
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "service_tier": "flex",
        "usage": RESPONSE_USAGE,
    }
    if not stream:
        return body
    started = {
        "type": "response.created",
        "sequence_number": 0,
        "response": {**body, "usage": None, "output": []},
    }
    return [started, {"type": "response.completed", "sequence_number": 1, "response": body}]


def embeddings(stream: bool) -> Any:
    vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return {"object": "list", "model": "text-embedding-3-small", "data": [vector], "usage": usage}


def message(stream: bool) -> Any:
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": MESSAGE_USAGE,
    }
    if not stream:
        return body
    started = {**body, "content": [], "stop_reason": None, "usage": {**MESSAGE_USAGE, "output_tokens": 1}}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": started},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 100}},
        {"type": "message_stop"},
    ]


BODIES: dict[str, Callable[[bool], Any]] = {
    "/v1/chat/completions": chat,
    "/v1/responses": response,
    "/v1/embeddings": embeddings,
    "/v1/messages": message,
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        stream = bool(asked.get("stream"))
        body = BODIES[self.path.partition("?")[0]](stream)
        if isinstance(body, list):
            kind = "text/event-stream"
            content = "".join(self.event(event) for event in body).encode()
        else:
            kind, content = "application/json", json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    @staticmethod
    def event(event: Any) -> str:
        if isinstance(event, str):
            return f"data: {event}\n\n"
        named = f"event: {event['type']}\n" if "type" in event else ""
        return f"{named}data: {json.dumps(event)}\n\n"

    def log_message(self, *args: Any) -> None:
        pass


def call_openai(url: str) -> None:
    import openai

    client = openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0)
    messages: Any = [{"role": "user", "content": "hi"}]
    client.chat.completions.create(model=OPENAI_MODEL, messages=messages, service_tier="flex")
    streamed = client.chat.completions.create(
        model=OPENAI_MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    list(streamed)
    client.responses.create(model=OPENAI_MODEL, input="hi")
    list(client.responses.create(model=OPENAI_MODEL, input="hi", stream=True))
    client.embeddings.create(model="text-embedding-3-small", input="hi")


def call_anthropic(url: str) -> None:
    import anthropic

    client = anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
    messages: Any = [{"role": "user", "content": "hi"}]
    client.messages.create(model=CLAUDE_MODEL, max_tokens=50, messages=messages)
    list(client.messages.create(model=CLAUDE_MODEL, max_tokens=50, messages=messages, stream=True))


def call_pydantic_ai(url: str) -> None:
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    Agent.instrument_all()
    at_openai = OpenAIProvider(base_url=f"{url}/v1", api_key="k")
    Agent(OpenAIChatModel(OPENAI_MODEL, provider=at_openai)).run_sync("hi")
    Agent(OpenAIResponsesModel(OPENAI_MODEL, provider=at_openai)).run_sync("hi")
    Agent(AnthropicModel(CLAUDE_MODEL, provider=AnthropicProvider(base_url=url, api_key="k"))).run_sync("hi")


def call_langchain(url: str) -> None:
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI

    ChatOpenAI(model=OPENAI_MODEL, base_url=f"{url}/v1", api_key="k", max_retries=0).invoke("hi")
    ChatOpenAI(model=OPENAI_MODEL, base_url=f"{url}/v1", api_key="k", use_responses_api=True).invoke("hi")
    ChatAnthropic(model=CLAUDE_MODEL, base_url=url, api_key="k", max_tokens=50, max_retries=0).invoke("hi")


def call_agents(url: str) -> None:
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0)
    for kind in (OpenAIResponsesModel, OpenAIChatCompletionsModel):
        Runner.run_sync(Agent(name="a", model=kind(model=OPENAI_MODEL, openai_client=client)), "hi")


def call_litellm(url: str) -> None:
    import litellm

    messages = [{"role": "user", "content": "hi"}]
    litellm.completion(model=f"openai/{OPENAI_MODEL}", messages=messages, api_base=f"{url}/v1", api_key="k")
    litellm.completion(model=f"anthropic/{CLAUDE_MODEL}", messages=messages, api_base=url, api_key="k")
    time.sleep(2)  # its callbacks run on a thread of their own


def start_litellm() -> None:
    import litellm
    from litellm.integrations.opentelemetry import OpenTelemetry, OpenTelemetryConfig
    from opentelemetry import trace

    config = OpenTelemetryConfig(exporter="in_memory")
    litellm.callbacks = [OpenTelemetry(config=config, tracer_provider=trace.get_tracer_provider())]


def start_openlit() -> None:
    import openlit

    openlit.init(disable_metrics=True, disable_batch=True, capture_message_content=False)


def instrument(*targets: str) -> None:
    for target in targets:
        module, _, name = target.partition(":")
        getattr(importlib.import_module(module), name)().instrument()


def start_logfire() -> None:
    import logfire

    logfire.instrument_openai()
    logfire.instrument_anthropic()


BOTH = (call_openai, call_anthropic)
OTHERS: dict[str, tuple[Callable[[], None], tuple[Callable[[str], None], ...], tuple[str, ...]]] = {
    "openllmetry": (
        lambda: instrument(
            "opentelemetry.instrumentation.openai:OpenAIInstrumentor",
            "opentelemetry.instrumentation.anthropic:AnthropicInstrumentor",
        ),
        BOTH,
        ("opentelemetry-instrumentation-openai", "opentelemetry-instrumentation-anthropic"),
    ),
    "openinference": (
        lambda: instrument(
            "openinference.instrumentation.openai:OpenAIInstrumentor",
            "openinference.instrumentation.anthropic:AnthropicInstrumentor",
        ),
        BOTH,
        ("openinference-instrumentation-openai", "openinference-instrumentation-anthropic"),
    ),
    "genai": (
        lambda: instrument(
            "opentelemetry.instrumentation.genai.openai:OpenAIInstrumentor",
            "opentelemetry.instrumentation.genai.anthropic:AnthropicInstrumentor",
        ),
        BOTH,
        ("opentelemetry-instrumentation-genai-openai", "opentelemetry-instrumentation-genai-anthropic"),
    ),
    "openai_v2": (
        lambda: instrument("opentelemetry.instrumentation.openai_v2:OpenAIInstrumentor"),
        (call_openai,),
        ("opentelemetry-instrumentation-openai-v2",),
    ),
    "logfire": (start_logfire, BOTH, ("logfire",)),
    "pydantic_ai": (lambda: None, (call_pydantic_ai,), ("pydantic-ai-slim",)),
    "langchain": (
        lambda: instrument("opentelemetry.instrumentation.langchain:LangchainInstrumentor"),
        (call_langchain,),
        ("opentelemetry-instrumentation-langchain", "langchain-core"),
    ),
    "genai_langchain": (
        lambda: instrument("opentelemetry.instrumentation.genai.langchain:LangChainInstrumentor"),
        (call_langchain,),
        ("opentelemetry-instrumentation-genai-langchain", "langchain-core"),
    ),
    "genai_openai_agents": (
        lambda: instrument("opentelemetry.instrumentation.genai.openai_agents:OpenAIAgentsInstrumentor"),
        (call_agents,),
        ("opentelemetry-instrumentation-genai-openai-agents", "openai-agents"),
    ),
    "litellm": (start_litellm, (call_litellm,), ("litellm",)),
    "openlit": (start_openlit, BOTH, ("openlit",)),
    "anthropic_native": (lambda: None, (call_anthropic,), ("anthropic",)),
}


def record(name: str) -> dict[str, Any]:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    start, callers, packages = OTHERS[name]
    exporter = InMemorySpanExporter()
    if name == "logfire":
        import logfire

        processors = [SimpleSpanProcessor(exporter)]
        logfire.configure(send_to_logfire=False, console=False, additional_span_processors=processors)
    else:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
    start()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for caller in callers:
        caller(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    versions = {
        package: importlib.metadata.version(package)
        for package in (*packages, "openai", "anthropic")
        if package in {d.metadata["Name"].lower() for d in importlib.metadata.distributions()}
    }
    return {"packages": versions, "spans": [plain(span) for span in exporter.get_finished_spans()]}


def plain(span: Any) -> dict[str, Any]:
    scope = span.instrumentation_scope
    return {
        "name": span.name,
        "kind": span.kind.name.lower(),
        "scope": scope.name,
        "scope_version": scope.version,
        "attributes": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in span.attributes.items()
            if not name.startswith("code.")
        },
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # some print spans of their own
        recorded = record(sys.argv[1])
    json.dump(recorded, sys.stdout, indent=1)
    print()
