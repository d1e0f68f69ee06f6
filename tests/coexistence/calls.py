"""The calls that a program makes: name to function. A name that ends in `error` fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Calls = dict[str, Callable[[], Any]]

ASK: Any = [{"role": "user", "content": "Why is the sky blue?"}]
USAGE: Any = {"include_usage": True}
REFUSED = {"x-demo-status": "400"}
GPT, CLAUDE, EMBEDDING = "gpt-4o-mini", "claude-sonnet-4-5", "text-embedding-3-small"


def openai_calls() -> Calls:
    import openai

    client = openai.OpenAI(max_retries=0)

    def chat() -> None:
        client.chat.completions.create(model=GPT, messages=ASK)

    def chat_raw() -> None:
        client.chat.completions.with_raw_response.create(model=GPT, messages=ASK).parse()

    def chat_stream() -> None:
        for _ in client.chat.completions.create(model=GPT, messages=ASK, stream=True, stream_options=USAGE):
            pass

    def response() -> None:
        client.responses.create(model="gpt-4.1", input="hello")

    def response_stream() -> None:
        for _ in client.responses.create(model="gpt-4.1", input="hello", stream=True):
            pass

    def embedding() -> None:
        client.embeddings.create(model=EMBEDDING, input=["a", "b"])

    def chat_error() -> None:
        client.chat.completions.create(model=GPT, messages=ASK, extra_headers=REFUSED)

    async def chat_async() -> None:
        async with openai.AsyncOpenAI(max_retries=0) as waiting:
            await waiting.chat.completions.create(model=GPT, messages=ASK)

    async def chat_stream_async() -> None:
        async with openai.AsyncOpenAI(max_retries=0) as waiting:
            async for _ in await waiting.chat.completions.create(
                model=GPT, messages=ASK, stream=True, stream_options=USAGE
            ):
                pass

    async def response_async() -> None:
        async with openai.AsyncOpenAI(max_retries=0) as waiting:
            await waiting.responses.create(model="gpt-4.1", input="hello")

    async def async_error() -> None:
        async with openai.AsyncOpenAI(max_retries=0) as waiting:
            await waiting.chat.completions.create(model=GPT, messages=ASK, extra_headers=REFUSED)

    return _named(
        chat, chat_raw, chat_stream, response, response_stream, embedding, chat_error, chat_async,
        chat_stream_async, response_async, async_error,
    )  # fmt: skip


def anthropic_calls() -> Calls:
    import anthropic

    client = anthropic.Anthropic(max_retries=0)
    asked: Any = {"model": CLAUDE, "max_tokens": 1000, "messages": ASK}

    def message() -> None:
        client.messages.create(**asked)

    def message_stream() -> None:
        for _ in client.messages.create(**asked, stream=True):
            pass

    def message_helper() -> None:
        with client.messages.stream(**asked) as stream:
            for _ in stream.text_stream:
                pass

    def message_error() -> None:
        client.messages.create(**asked, extra_headers=REFUSED)

    async def message_async() -> None:
        async with anthropic.AsyncAnthropic(max_retries=0) as waiting:
            await waiting.messages.create(**asked)

    async def message_helper_async() -> None:
        async with (
            anthropic.AsyncAnthropic(max_retries=0) as waiting,
            waiting.messages.stream(**asked) as stream,
        ):
            async for _ in stream.text_stream:
                pass

    async def async_error() -> None:
        async with anthropic.AsyncAnthropic(max_retries=0) as waiting:
            await waiting.messages.create(**asked, extra_headers=REFUSED)

    return _named(
        message, message_stream, message_helper, message_error, message_async, message_helper_async,
        async_error,
    )  # fmt: skip


def langchain_calls() -> Calls:
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI, OpenAIEmbeddings

    gpt = ChatOpenAI(model=GPT, max_retries=0, stream_usage=True)
    responses = ChatOpenAI(model="gpt-4.1", max_retries=0, use_responses_api=True)
    claude = ChatAnthropic(model_name=CLAUDE, max_retries=0, stop=None, timeout=None)
    vectors = OpenAIEmbeddings(model=EMBEDDING, check_embedding_ctx_length=False)

    def chat() -> None:
        gpt.invoke("hello")

    def chat_stream() -> None:
        for _ in gpt.stream("hello"):
            pass

    def response() -> None:
        responses.invoke("hello")

    def message() -> None:
        claude.invoke("hello")

    def embedding() -> None:
        vectors.embed_documents(["a", "b"])

    async def chat_async() -> None:
        await gpt.ainvoke("hello")

    async def message_async() -> None:
        await claude.ainvoke("hello")

    return _named(chat, chat_stream, response, message, embedding, chat_async, message_async)


def agents_calls() -> Calls:
    import agents
    import openai

    def agent(model: Any) -> Any:
        return agents.Agent(name="helper", instructions="be brief", model=model)

    async def response() -> None:
        await agents.Runner.run(agent("gpt-4.1"), "hello")

    async def response_stream() -> None:
        result = agents.Runner.run_streamed(agent("gpt-4.1"), "hello")
        async for _ in result.stream_events():
            pass

    async def chat() -> None:
        model = agents.OpenAIChatCompletionsModel(model=GPT, openai_client=openai.AsyncOpenAI(max_retries=0))
        await agents.Runner.run(agent(model), "hello")

    return _named(response, response_stream, chat)


def pydantic_ai_calls() -> Calls:
    from pydantic_ai import Agent

    def chat() -> None:
        Agent(f"openai-chat:{GPT}").run_sync("hello")

    def response() -> None:
        Agent("openai-responses:gpt-4.1").run_sync("hello")

    def message() -> None:
        Agent(f"anthropic:{CLAUDE}").run_sync("hello")

    async def chat_stream() -> None:
        async with Agent(f"openai-chat:{GPT}").run_stream("hello") as result:
            async for _ in result.stream_text():
                pass

    return _named(chat, response, message, chat_stream)


def litellm_calls() -> Calls:
    import litellm

    def chat() -> None:
        litellm.completion(model=f"openai/{GPT}", messages=ASK, num_retries=0)

    def chat_stream() -> None:
        for _ in litellm.completion(
            model=f"openai/{GPT}", messages=ASK, stream=True, stream_options=USAGE, num_retries=0
        ):
            pass

    def embedding() -> None:
        litellm.embedding(model=f"openai/{EMBEDDING}", input=["a", "b"])

    async def chat_async() -> None:
        await litellm.acompletion(model=f"openai/{GPT}", messages=ASK, num_retries=0)

    def message() -> None:
        # LiteLLM calls Anthropic by itself, without Anthropic's SDK
        litellm.completion(model=f"anthropic/{CLAUDE}", messages=ASK, max_tokens=1000, num_retries=0)

    return _named(chat, chat_stream, embedding, chat_async, message)


def manual_calls() -> Calls:
    from opentelemetry import trace

    tracer = trace.get_tracer("shop.assistant")

    def manual() -> None:
        with tracer.start_as_current_span("chat", kind=trace.SpanKind.CLIENT) as span:
            span.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": GPT,
                    "gen_ai.usage.input_tokens": 1200,
                    "gen_ai.usage.output_tokens": 300,
                }
            )

    return _named(manual)


def _named(*functions: Callable[[], Any]) -> Calls:
    return {function.__name__: function for function in functions}


CALLS: dict[str, Callable[[], Calls]] = {
    "openai": openai_calls,
    "anthropic": anthropic_calls,
    "langchain": langchain_calls,
    "agents": agents_calls,
    "pydantic-ai": pydantic_ai_calls,
    "litellm": litellm_calls,
    "manual": manual_calls,
}
