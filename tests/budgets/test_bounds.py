"""Upper bounds: never below what the request can use, read from its body alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost.budgets.bounds import BASE_TOKENS, HIDDEN_PROMPT_TOKENS, bound_of, text_bound
from otel_llmcost.call import NO_TAGS, Asked

from .flat_book import request


def asked(body: dict[str, object], operation: str = "chat") -> Asked:
    return Asked("openai", "api.openai.com", operation, str(body.get("model", "m")), body, NO_TAGS, 1)


def test_visible_text_is_bounded_by_its_bytes() -> None:
    bound = bound_of(request("x" * 1000))
    assert 1000 < bound.input_tokens <= 1000 + BASE_TOKENS + 100
    assert (bound.output_tokens, bound.answers, bound.passes, bound.unseen, bound.unbounded) == (
        100,
        1,
        1,
        "",
        "",
    )


@given(st.text())
def test_a_texts_bound_is_at_least_its_bytes_and_those_of_its_normal_form(text: str) -> None:
    import unicodedata

    bound = text_bound(text)
    assert bound >= len(text.encode("utf-8", "surrogatepass"))
    assert bound >= len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass"))


def test_a_ligature_that_normalisation_unfolds_counts_unfolded() -> None:
    assert len("\ufdfa".encode()) == 3
    assert text_bound("\ufdfa") == 33


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_body_has_an_answer(part: object) -> None:
    bound = bound_of(asked({"model": "m", "messages": part, "tools": part, "n": part, "max_tokens": part}))
    assert bound.input_tokens >= 0


@pytest.mark.parametrize(
    ("body", "output", "answers"),
    [
        ({"max_tokens": 5}, 5, 1),
        ({"max_tokens": 5, "max_completion_tokens": 50}, 50, 1),
        ({"max_output_tokens": 7}, 7, 1),
        ({"generationConfig": {"maxOutputTokens": 9}}, 9, 1),
        ({"inferenceConfig": {"maxTokens": 11}}, 11, 1),
        ({"options": {"num_predict": 12}}, 12, 1),
        ({"options": {"num_predict": -1}}, None, 1),
        ({"max_tokens": 5, "n": 3}, 5, 3),
        ({"max_tokens": 5, "n": 2, "best_of": 4}, 5, 4),
        ({}, None, 1),
        ({"max_tokens": None}, None, 1),
        ({"max_tokens": "5"}, None, 1),
    ],
)
def test_the_answer_is_bounded_by_what_the_request_says(
    body: dict[str, object], output: int | None, answers: int
) -> None:
    bound = bound_of(asked(body))
    assert (bound.output_tokens, bound.answers) == (output, answers)


@pytest.mark.parametrize(
    "body",
    [
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
            ]
        },
        {
            "messages": [
                {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA"}}]}
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]},
        {"messages": [{"role": "assistant", "content": None, "audio": {"id": "audio_1"}}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "AA"}}]}
            ]
        },
        {
            "messages": [
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "..", "signature": "x"}]}
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "something_new", "text": "x"}]}]},
        {"input": "go on", "previous_response_id": "resp_1"},
        {"input": "go on", "conversation": "conv_1"},
        {"prompt": {"id": "pmpt_1"}},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"type": "reasoning", "encrypted_content": "gAAA"}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": "AA"}}}]}
            ]
        },
        {"messages": object()},
    ],
)
def test_input_that_cannot_be_seen_is_said_to_be_so(body: dict[str, object]) -> None:
    bound = bound_of(asked(body))
    assert bound.unseen
    assert not bound.unbounded


def test_what_a_program_has_in_its_own_schemas_and_arguments_is_text() -> None:
    tool = {
        "type": "function",
        "function": {
            "name": "f",
            "parameters": {"type": "object", "properties": {"image": {"type": "photo"}}},
        },
    }
    used = {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"type": "odd", "image": "x"}}],
    }
    bound = bound_of(asked({"messages": [used], "tools": [tool], "max_tokens": 1}))
    assert (bound.unseen, bound.unbounded) == ("", "")
    assert bound.input_tokens > BASE_TOKENS + HIDDEN_PROMPT_TOKENS


def test_not_given_sentinels_weigh_nothing() -> None:
    omit = type("Omit", (), {})()
    assert bound_of(asked({"messages": [], "stop": omit})).unseen == ""


def test_token_ids_count_one_each() -> None:
    bound = bound_of(asked({"input": [[7] * 500, [8] * 300]}, "embeddings"))
    assert 800 <= bound.input_tokens <= 800 + BASE_TOKENS + 50
    assert bound.output_tokens == 0


def test_several_prompts_ask_for_several_answers() -> None:
    assert (
        bound_of(asked({"prompt": ["a", "b", "c"], "n": 2, "max_tokens": 5}, "text_completion")).answers == 6
    )
    assert bound_of(asked({"prompt": [1, 2, 3], "max_tokens": 5}, "text_completion")).answers == 1


def test_rejected_predictions_are_billed_as_output() -> None:
    body = {"messages": [], "max_tokens": 5, "prediction": {"type": "content", "content": "y" * 200}}
    assert bound_of(asked(body)).extra_output >= 200


def test_searches_are_bounded_only_where_the_request_says_how_many() -> None:
    free = {"messages": [], "max_tokens": 5, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}
    assert "max_uses" in bound_of(asked(free)).unbounded
    limited = {**free, "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]}
    bound = bound_of(asked(limited))
    assert (bound.units, bound.passes, bound.unbounded) == ({"web_search": 3}, 4, "")
    assert bound.unseen
    openai = {"input": "x", "max_output_tokens": 5, "tools": [{"type": "web_search"}], "max_tool_calls": 2}
    assert bound_of(asked(openai)).units == {"web_search": 2}


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
        {"tools": [{"type": "mcp", "server_url": "https://x"}]},
        {"tools": [{"type": "image_generation"}]},
        {"web_search_options": {"search_context_size": "low"}},
        {"plugins": [{"id": "web"}]},
        {"mcp_servers": [{"url": "https://x"}]},
        {"models": ["a", "b"]},
        {"input_file_id": "file-1"},
    ],
)
def test_what_a_provider_may_do_on_its_own_has_no_bound(body: dict[str, object]) -> None:
    assert bound_of(asked({"messages": [], "max_tokens": 5, **body})).unbounded


def test_tools_that_the_client_runs_have_a_bound() -> None:
    body = {"messages": [], "max_tokens": 5, "tools": [{"type": "bash_20250124", "name": "bash"}]}
    bound = bound_of(asked(body))
    assert (bound.unbounded, bound.unseen) == ("", "")
    assert bound.input_tokens >= 4096
