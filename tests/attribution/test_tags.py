from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_llmcost.attribution import current, fill, from_mapping, from_resource, over, tag, track_source
from otel_llmcost.attribution.tags import MAX_LENGTH, MAX_OWN_TAGS, clean
from otel_llmcost.call import NO_TAGS, TAG_FIELDS, Tags


def test_keys_name_fields_or_own_tags() -> None:
    values = {
        "team": "search",
        "llmcost.feature": "rank",
        "session.id": "s1",
        "user_id": "u1",
        "tenant": "acme",
    }
    assert from_mapping(values) == Tags(
        team="search", feature="rank", session="s1", user="u1", own={"tenant": "acme"}
    )


def test_resource_attributes_count_only_under_our_name() -> None:
    resource = {
        "service.name": "shop",
        "team": "x",
        "llmcost.team": "search",
        "llmcost.tag.region": "eu",
        "session.id": "s",
    }
    assert from_resource(resource) == Tags(team="search", own={"region": "eu"})


def test_values_and_numbers_are_bounded() -> None:
    with track_source("x" * 1000), tag(**{f"key{n}": n for n in range(30)}), tag(late="no room"):
        tags = current()
    assert tags.source == "x" * MAX_LENGTH
    assert len(tags.own) == MAX_OWN_TAGS
    assert "late" not in tags.own
    assert tags.own["key0"] == "0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (7, "7"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("\ud800", "?"),
        ("naïve", "naïve"),
        pytest.param(10**5000, "", id="more digits than Python prints"),
    ],
)
def test_any_value_becomes_text(value: object, text: str) -> None:
    assert clean(value) == text


def test_tags_without_a_name_are_none() -> None:
    assert from_mapping({"": "x", "llmcost.tag.": "y"}) is NO_TAGS


def test_none_leaves_a_tag_as_it_is() -> None:
    with tag(team="search"), tag(team=None, feature="rank"):
        assert current() == Tags(team="search", feature="rank")


def test_tags_cannot_be_changed_through_what_was_read() -> None:
    with tag(tenant="acme"), pytest.raises(TypeError):
        current().own["tenant"] = "globex"  # type: ignore[index]


_TEXT = st.text(max_size=4)
_TAGS = st.builds(
    Tags, **dict.fromkeys(TAG_FIELDS, _TEXT), own=st.dictionaries(st.sampled_from("abc"), st.text(min_size=1))
)


@given(_TAGS, _TAGS)
def test_filling_keeps_what_is_there_and_over_replaces_it(first: Tags, second: Tags) -> None:
    filled, replaced = fill(first, second), over(first, second)
    for name in TAG_FIELDS:
        assert getattr(filled, name) == (getattr(first, name) or getattr(second, name))
        assert getattr(replaced, name) == (getattr(second, name) or getattr(first, name))
    assert filled.own == {**second.own, **first.own}
    assert replaced.own == {**first.own, **second.own}


def test_nothing_is_the_neutral_element() -> None:
    tags = Tags(team="search")
    assert fill(tags, NO_TAGS) is tags
    assert fill(NO_TAGS, tags) is tags
    assert over(NO_TAGS, tags) is tags
