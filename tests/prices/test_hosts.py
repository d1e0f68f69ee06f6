"""Hosts and the providers behind them."""

from __future__ import annotations

import pytest

from otel_llmcost.prices import resolve_host
from otel_llmcost.prices.host_keys import mistake_in_key


@pytest.mark.parametrize(
    ("host", "provider", "region"),
    [
        ("api.openai.com", "openai", ""),
        ("us.api.openai.com", "openai", "us"),
        ("EU.API.OPENAI.COM.", "openai", "eu"),
        ("myres.openai.azure.com", "azure.ai.openai", ""),
        ("myres.services.ai.azure.com", "azure.ai.openai", ""),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock", "us-east-1"),
        ("bedrock-mantle.eu-west-1.api.aws", "aws.bedrock", "eu-west-1"),
        ("us-central1-aiplatform.googleapis.com", "gcp.vertex_ai", "us-central1"),
        ("aiplatform.googleapis.com", "gcp.vertex_ai", "global"),
        ("generativelanguage.googleapis.com", "gcp.gemini", ""),
        ("api-inference.together.ai", "together_ai", ""),
        ("api.together.xyz", "together_ai", ""),
        ("openrouter.ai", "openrouter", ""),
        ("acme--app.modal.run", "modal", ""),
        ("api.anthropic.com", "anthropic", ""),
    ],
)
def test_published_hosts(host: str, provider: str, region: str) -> None:
    facts = resolve_host(host, {})
    assert (facts.provider, facts.region, facts.kind) == (provider, region, "first_party")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.9",
        "172.20.1.1",
        "[::1]",
        "::1",
        "vllm",
        "box.local",
        "host.docker.internal",
        "localhost:11434",
        "100.64.0.7",
        "169.254.1.1",
        "::ffff:127.0.0.1",
        "fd00::1",
    ],
)
def test_own_machines_and_networks_are_local(host: str) -> None:
    facts = resolve_host(host, {})
    assert (facts.provider, facts.kind) == ("local", "local")


@pytest.mark.parametrize(
    "host",
    [
        "api.openai.com.evil.example",
        "notapi.openai.com",
        "xapi.openai.com",
        "openai.com",
        "llm.example.com",
        "",
        "8.8.8.8",
        "together.ai.example",
        "bedrock-runtime.us-east-1.amazonaws.com.evil.example",
    ],
)
def test_unknown_hosts_are_unknown(host: str) -> None:
    facts = resolve_host(host, {})
    assert (facts.provider, facts.kind) == ("unknown", "unknown")


def test_the_user_map_wins() -> None:
    hosts = {
        "llm.corp.example": "openai",
        "*.gateways.example": "anthropic",
        "proxy.example:4000": "bedrock",
        "proxy.example/openai": "openai",
        "own.example": "delegated",
        "api.openai.com": "local",
    }
    assert resolve_host("llm.corp.example", hosts).provider == "openai"
    assert resolve_host("llm.corp.example", hosts).kind == "gateway"
    assert resolve_host("eu.gateways.example", hosts).provider == "anthropic"
    assert resolve_host("proxy.example", hosts, port=4000).provider == "aws.bedrock"
    assert resolve_host("proxy.example", hosts, port=5000).kind == "unknown"
    assert resolve_host("proxy.example", hosts, port=5000, path="/openai/v1").provider == "openai"
    assert resolve_host("proxy.example", hosts, port=5000, path="/openai").provider == "openai"
    assert resolve_host("proxy.example", hosts, port=5000, path="/openai-beta/v1").provider != "openai"
    assert resolve_host("own.example", hosts).kind == "delegated"
    assert resolve_host("api.openai.com", hosts).kind == "local"


def test_a_base_url_is_a_key_and_a_host() -> None:
    hosts = {"http://127.0.0.1:8095/v1": "openai", "https://gateway.example.com./": "anthropic"}
    assert resolve_host("127.0.0.1", hosts, port=8095, path="/v1/").provider == "openai"
    assert resolve_host("127.0.0.1", hosts, port=8096, path="/v1/").kind == "local"
    assert resolve_host("http://127.0.0.1:8095/v1", hosts).kind == "gateway"
    assert resolve_host("gateway.example.com", hosts, port=443).provider == "anthropic"
    assert resolve_host("https://us.api.openai.com/v1", {}).region == "us"
    assert resolve_host("https://gateway.example.org/v1", {}).kind == "unknown"
    assert resolve_host("http://[::1]:8095/v1", {"[::1]:8095": "groq"}).provider == "groq"


def test_of_two_keys_for_the_same_place_the_later_one_holds() -> None:
    assert resolve_host("a.example", {"https://a.example": "openai", "a.example": "groq"}).provider == "groq"


@pytest.mark.parametrize(
    "key",
    [
        "gateway.example.com", "gateway.example.com:4000", "gateway.example.com/v1", "*.example.com", "*.example.com/v1",
        "https://gateway.example.com/v1", "http://127.0.0.1:8095/v1", "127.0.0.1", "::1", "[::1]", "[::1]:80",
        "my_vllm:8000", "localhost", "bücher.example", "gateway.example.com.",
    ],
)  # fmt: skip
def test_what_a_key_may_be(key: str) -> None:
    assert mistake_in_key(key) == ""


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("gateway.example.com:abc", "'abc' is no port"),
        ("gateway.example.com:", "'' is no port"),
        ("gateway.example.com:65536", "'65536' is no port"),
        ("gateway.example.com:0/v1", "'0' is no port"),
        ("foo bar", "it has a blank in it"),
        ("*.", "is empty"),
        ("a..example", "is empty"),
        ("*", "* stands only at the beginning"),
        ("api.*", "* stands only at the beginning"),
        ("gw*.example.com", "'gw*' is no part of a name"),
        ("*.example.com:4000", "*.domain is for every port"),
        ("https://", "is no host"),
        ("https:gateway.example.com", "'gateway.example.com' is no port"),
        ("user@gateway.example.com", "'user@gateway' is no part of a name"),
        ("gateway.example.com/v1?version=2", "a query is not looked at"),
        ("[::1]:x", "'x' is no port"),
    ],
)
def test_a_key_that_no_host_has_says_why(key: str, why: str) -> None:
    assert why in mistake_in_key(key)
