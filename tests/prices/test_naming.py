"""Which providers in the user's maps of hosts and models are unknown."""

from __future__ import annotations

import pytest

from otel_llmcost.call import Call
from otel_llmcost.money import femto
from otel_llmcost.prices import Book, load_book
from otel_llmcost.prices.naming import misnamed_providers
from otel_llmcost.toml_source import read_toml


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    page = tmp_path_factory.mktemp("own") / "own.toml"
    page.write_text(
        """
[[prices.row]]
provider = "acme"
model = "house/one"
rates = { input = "1", output = "2" }
"""
    )
    return load_book(user_documents=[read_toml(page)], models={"deployed": "acme/house/one"})


@pytest.mark.parametrize(
    "provider",
    ["openai", "OpenAI", "azure", "vertex_ai", "local", "delegated", "ollama", "huggingface", "acme", "groq"],
)
def test_a_host_may_have_the_prices_of_any_provider_that_somebody_knows(book: Book, provider: str) -> None:
    assert not list(misnamed_providers(book.catalogue, {"gateway.example.com": provider}, {}))


@pytest.mark.parametrize("provider", ["opneai", "acne", "Delegated"])
def test_a_host_of_a_provider_that_nobody_knows_is_told_with_those_that_are_known(
    book: Book, provider: str
) -> None:
    (found,) = misnamed_providers(book.catalogue, {"gateway.example.com": provider, "b": "openai"}, {})
    assert (found.table, found.key, found.value) == ("hosts", "gateway.example.com", provider)
    assert {"openai", "anthropic", "local", "delegated"} <= set(found.allowed.split(", "))


@pytest.mark.parametrize(
    "model",
    [
        "gpt-5",
        "opneai-gpt-5",
        "openai/gpt-5",
        "azure/gpt-5",
        "acme/anything",
        "house/two",
        "meta-llama/a-new-model",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
    ],
)
def test_a_model_may_be_any_name_and_its_makers_name_is_no_provider(book: Book, model: str) -> None:
    assert not list(misnamed_providers(book.catalogue, {}, {"deployed": model}))


@pytest.mark.parametrize("model", ["opneai/gpt-5", "acne/house/one"])
def test_a_model_of_a_provider_that_nobody_knows_is_told(book: Book, model: str) -> None:
    (found,) = misnamed_providers(book.catalogue, {}, {"deployed": model})
    assert (found.table, found.key, found.value) == ("models", "deployed", model)
    assert "openai, " in found.allowed


def test_an_opaque_name_may_mean_a_model_of_the_users_own_provider(book: Book) -> None:
    call = Call(provider="openai", request_model="deployed", usage={"input": 1000, "output": 100})
    priced = book.price(call)
    assert (priced.status, priced.amount) == ("exact", femto("0.0012"))
