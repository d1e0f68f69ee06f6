"""The demo provider, asked by the real SDKs over real HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import anthropic
import openai
import pytest

from otel_llmcost.server.demo_provider import DemoProvider, Reply, ServerEvent

QUESTION = [{"role": "user", "content": "What does it cost?"}]


@pytest.fixture
def provider() -> Iterator[DemoProvider]:
    with DemoProvider() as running:
        yield running


@pytest.fixture
def oai(provider: DemoProvider) -> openai.OpenAI:
    return openai.OpenAI(api_key="demo", base_url=provider.openai_url)


@pytest.fixture
def claude(provider: DemoProvider) -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="demo", base_url=provider.url)


def chat(client: openai.OpenAI, **more):
    return client.chat.completions.create(model="gpt-5-mini", messages=QUESTION, **more)


def test_chat_usage_is_as_documented(oai):
    first = chat(oai, prompt_cache_key="k", service_tier="flex", reasoning_effort="low")
    second = chat(oai, prompt_cache_key="k", max_completion_tokens=100)

    assert (first.usage.prompt_tokens, first.usage.completion_tokens) == (1200, 300)
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    assert first.usage.completion_tokens_details.reasoning_tokens == 192
    assert first.service_tier == "flex"
    assert second.usage.prompt_tokens_details.cached_tokens == 1024
    assert (second.usage.completion_tokens, second.choices[0].finish_reason) == (100, "length")
    assert first.id != second.id


@pytest.mark.parametrize("asked", [True, False])
def test_chat_stream_tells_usage_only_when_asked(oai, asked):
    options = {"stream_options": {"include_usage": True}} if asked else {}
    chunks = list(chat(oai, stream=True, **options))

    whole = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert whole == chat(oai).choices[0].message.content
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == ([1500] if asked else [])


def test_responses_usage_is_as_documented(oai):
    response = oai.responses.create(
        model="gpt-5.4", input="?", tools=[{"type": "web_search"}], reasoning={"effort": "low"}
    )
    assert (response.usage.input_tokens, response.usage.output_tokens) == (2000, 500)
    assert response.usage.output_tokens_details.reasoning_tokens == 320
    assert response.tool_usage.web_search.num_requests == 2
    assert [item.type for item in response.output].count("web_search_call") == 2


def test_responses_stream_ends_with_the_whole_response(oai):
    events = list(oai.responses.create(model="gpt-5.4", input="?", stream=True))

    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage.total_tokens == 2500
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_background_response_is_polled_once_then_complete(oai):
    queued = oai.responses.create(model="gpt-5.4", input="?", background=True)
    polled = [oai.responses.retrieve(queued.id) for _ in range(2)]

    assert (queued.status, queued.usage) == ("queued", None)
    assert [(seen.status, seen.usage is None) for seen in polled] == [
        ("in_progress", True),
        ("completed", False),
    ]
    assert list(oai.responses.retrieve(queued.id, stream=True))[-1].response.id == queued.id


def test_the_other_openai_surfaces(oai):
    assert oai.completions.create(model="gpt-3.5-turbo-instruct", prompt="A total").usage.total_tokens == 100
    assert oai.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).usage.prompt_tokens == 24
    painted = oai.images.generate(model="gpt-image-1", prompt="a bill", n=2)
    assert (len(painted.data), painted.usage.output_tokens) == (2, 8320)
    assert oai.images.generate(model="dall-e-3", prompt="a bill").usage is None
    assert len(oai.audio.speech.create(model="tts-1", voice="alloy", input="one dollar").content) == 2048
    assert len(oai.models.list().data) == 2


def test_transcription_by_tokens_and_by_duration(oai):
    sound = ("sound.wav", b"RIFF")
    by_tokens = oai.audio.transcriptions.create(model="gpt-4o-transcribe", file=sound)
    by_duration = oai.audio.transcriptions.create(model="whisper-1", file=sound)

    assert (by_tokens.usage.input_tokens, by_tokens.usage.output_tokens) == (240, 45)
    assert by_duration.usage.seconds == 12


def test_openai_batch_completes_and_can_be_read(oai):
    made = oai.batches.create(
        input_file_id="file-x", endpoint="/v1/chat/completions", completion_window="24h"
    )
    seen = [oai.batches.retrieve(made.id) for _ in range(2)]
    rows = oai.files.content(seen[1].output_file_id).text.splitlines()

    assert [batch.status for batch in seen] == ["in_progress", "completed"]
    assert seen[1].usage.input_tokens == 2400
    assert [json.loads(row)["custom_id"] for row in rows] == ["row-0", "row-1"]


def test_anthropic_prompt_is_written_first_and_read_after(claude):
    system = [
        {"type": "text", "text": "short lived", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "long lived", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
    ]
    first, second = (
        claude.messages.create(model="claude-sonnet-5-5", max_tokens=500, system=system, messages=QUESTION)
        for _ in range(2)
    )
    assert (first.usage.input_tokens, first.usage.output_tokens) == (400, 250)
    assert first.usage.cache_creation.ephemeral_5m_input_tokens == 2000
    assert first.usage.cache_creation.ephemeral_1h_input_tokens == 500
    assert first.usage.cache_read_input_tokens == 0
    assert (second.usage.cache_creation_input_tokens, second.usage.cache_read_input_tokens) == (0, 2500)


def test_anthropic_stream_and_search(claude):
    tool = {"type": "web_search_20250305", "name": "web_search"}
    with claude.messages.stream(
        model="claude-sonnet-5-5", max_tokens=500, messages=QUESTION, tools=[tool]
    ) as stream:
        message = stream.get_final_message()

    assert message.usage.server_tool_use.web_search_requests == 2
    assert message.usage.output_tokens == 250
    assert message.content[-1].text.startswith("Written once")


def test_anthropic_counts_and_batches(claude):
    params = {"model": "claude-haiku-4-5", "max_tokens": 10, "messages": QUESTION}
    assert claude.messages.count_tokens(model="claude-haiku-4-5", messages=QUESTION).input_tokens == 400
    batch = claude.messages.batches.create(requests=[{"custom_id": "a", "params": params}])
    rows = list(claude.messages.batches.results(batch.id))

    assert [(row.custom_id, row.result.message.usage.service_tier) for row in rows] == [("a", "batch")]


@pytest.mark.parametrize("status", [400, 429, 500, 529])
def test_errors_come_in_the_providers_form(oai, claude, status):
    headers = {"x-demo-status": str(status)}
    with pytest.raises(openai.APIStatusError) as of_openai:
        chat(oai.with_options(max_retries=0), extra_headers=headers)
    with pytest.raises(anthropic.APIStatusError) as of_anthropic:
        claude.with_options(max_retries=0).messages.create(
            model="claude-haiku-4-5", max_tokens=9, messages=QUESTION, extra_headers=headers
        )
    assert of_openai.value.status_code == of_anthropic.value.status_code == status
    assert of_anthropic.value.body["type"] == "error"


def test_failing_attempts_are_retried(provider, oai):
    chat(oai, extra_headers={"x-demo-status": "429", "x-demo-fail": "2"})
    assert len(provider.requests) == 3


def test_wishes_change_model_tier_usage_and_body(oai):
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    wished = chat(
        oai,
        extra_headers={
            "x-demo-model": "gpt-nobody-knows",
            "x-demo-tier": "priority",
            "x-demo-usage": json.dumps(usage),
            "x-demo-body": '{"system_fingerprint": "fp_x"}',
        },
    )
    assert (wished.model, wished.service_tier, wished.system_fingerprint) == (
        "gpt-nobody-knows",
        "priority",
        "fp_x",
    )
    assert wished.usage.total_tokens == 12
    assert chat(oai, extra_headers={"x-demo-usage": "null"}).usage is None


def test_split_and_compressed_streams_arrive_whole(oai):
    headers = {"x-demo-split": "7", "x-demo-gzip": "1"}
    chunks = list(chat(oai, stream=True, stream_options={"include_usage": True}, extra_headers=headers))
    assert chunks[-1].usage.total_tokens == 1500


@pytest.mark.parametrize("wish", [{"x-demo-cut-bytes": "500"}, {"x-demo-cut-events": "2"}])
def test_a_cut_breaks_the_connection(provider, wish):
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=5)
    body = json.dumps({"model": "gpt-5-mini", "messages": QUESTION, "stream": True})
    connection.request("POST", "/v1/chat/completions", body, wish)
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()
    connection.close()


def test_a_client_that_leaves_early_is_noticed(provider, oai):
    stream = chat(oai, stream=True, extra_headers={"x-demo-chunks": "20000"})
    next(iter(stream))
    stream.response.close()
    with (
        DemoProvider()
    ):  # closing the first one waits for nothing; the write fails as soon as buffers are full
        pass
    for _ in range(200):
        if provider.requests[0].client_left:
            break
        chat(oai)
    assert provider.requests[0].client_left


def test_a_script_comes_before_the_rules(provider, oai):
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    provider.script(
        [
            Reply(body),
            lambda request: Reply({**body, "model": request.body["model"] + "!"}),
            Reply(events=[ServerEvent({**body, "object": "chat.completion.chunk"}), ServerEvent("[DONE]")]),
        ]
    )
    assert chat(oai).model == "m"
    assert chat(oai).model == "gpt-5-mini!"
    assert [chunk.id for chunk in chat(oai, stream=True)] == ["x"]
    assert chat(oai).usage.total_tokens == 1500
    assert [request.path for request in provider.requests] == ["/v1/chat/completions"] * 4


def test_unknown_paths_and_unreadable_wishes_are_answered(provider):
    connection = http.client.HTTPConnection("127.0.0.1", provider.port, timeout=5)
    for path, headers, status in (
        ("/v1/nothing", {}, 404),
        ("/v1/messages", {"x-demo-usage": "{"}, 400),
    ):
        connection.request("POST", path, "{}", headers)
        response = connection.getresponse()
        assert response.status == status
        assert json.loads(response.read())["error"]["message"]
    connection.close()


def test_a_closed_provider_names_the_remedy():
    with pytest.raises(RuntimeError, match="call start"):
        _ = DemoProvider().port
