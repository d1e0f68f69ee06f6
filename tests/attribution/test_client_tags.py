from __future__ import annotations

import gc
import weakref

import anthropic
import httpx2
import openai
import pytest

from otel_llmcost.attribution import client_tags, mark_with
from otel_llmcost.call import NO_TAGS, Tags

CODING = Tags(source="coding")


@pytest.mark.parametrize(
    "make", [openai.OpenAI, openai.AsyncOpenAI, anthropic.Anthropic, anthropic.AsyncAnthropic]
)
def test_a_client_and_its_copies_carry_the_tags(make: type) -> None:
    client, other = make(api_key="k"), make(api_key="k")
    mark_with(client, CODING)
    for each in (client, client.with_options(timeout=3), client.copy(max_retries=1).with_options(timeout=2)):
        assert client_tags(each) == CODING
        assert type(each) is make
    assert client_tags(other) is NO_TAGS
    assert str(client.default_headers).count("coding") == 0


def test_later_tags_are_put_over_earlier_ones() -> None:
    client = openai.OpenAI(api_key="k")
    mark_with(client, CODING)
    mark_with(client, Tags(team="search"))
    assert client_tags(client) == Tags(source="coding", team="search")


def test_a_transport_that_the_user_shares_is_not_marked() -> None:
    shared = httpx2.Client()
    client = openai.OpenAI(api_key="k", http_client=shared)
    mark_with(client, CODING, shares_transport=True)
    assert client_tags(client) == CODING
    assert client_tags(openai.OpenAI(api_key="k", http_client=shared)) is NO_TAGS


def test_tags_keep_no_client_alive() -> None:
    client = openai.OpenAI(api_key="k")
    mark_with(client, CODING)
    reference = weakref.ref(client)
    del client
    gc.collect()
    assert reference() is None


def test_objects_that_cannot_be_referenced_weakly_have_no_tags() -> None:
    marked = openai.OpenAI(api_key="k")
    mark_with(marked, CODING)
    assert client_tags(object()) is NO_TAGS
