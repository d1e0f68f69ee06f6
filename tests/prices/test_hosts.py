"""Hosts and the providers behind them."""

from __future__ import annotations

import pytest

from otel_llmcost.prices import resolve_host


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
