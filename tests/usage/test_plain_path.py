"""The quick path for usage without surprises answers what the long path answers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from otel_llmcost.usage.openai_tokens import chat_meters

counts = st.integers(-3, 3000) | st.none() | st.sampled_from([0, True, "5", 2.0])

DETAILS = [
    "audio_tokens",
    "cache_creation_input_tokens",
    "cache_creation_tokens",
    "cache_write_tokens",
    "image_tokens",
]


@st.composite
def usages(draw: st.DrawFn) -> dict[str, object]:
    prompt, completion = draw(st.integers(0, 2000)), draw(st.integers(0, 2000))
    names = draw(
        st.sampled_from(
            [
                ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details"),
                ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details"),
            ]
        )
    )
    total = draw(st.sampled_from([prompt + completion, None, 7]))
    extra = draw(st.dictionaries(st.sampled_from(DETAILS), counts))
    details = {"cached_tokens": draw(counts), **extra}
    made_of = {"reasoning_tokens": draw(counts), **draw(st.dictionaries(st.just("audio_tokens"), counts))}
    return dict(zip(names, (prompt, completion, details, made_of), strict=True)) | {"total_tokens": total}


@given(usages())
@settings(max_examples=500, deadline=None)
def test_a_further_field_changes_nothing(usage: dict[str, object]) -> None:
    quick_notes: list[str] = []
    long_notes: list[str] = []
    # A sixth field sends the object the long way.
    assert chat_meters(usage, quick_notes) == chat_meters({**usage, "unheard_of": None}, long_notes)
    assert quick_notes == long_notes


def test_cache_writes_under_a_gateways_name_are_counted_beside_reasoning() -> None:
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 100,
        "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 200, "cache_creation_input_tokens": 500},
        "completion_tokens_details": {"reasoning_tokens": 10},
    }
    notes: list[str] = []
    assert chat_meters(usage, notes) == {
        "input": 300,
        "cache_read": 200,
        "cache_write": 500,
        "output": 90,
        "output_reasoning": 10,
    }
    assert notes == []
