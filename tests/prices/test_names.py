"""Model names as callers write them."""

from __future__ import annotations

import pytest

from otel_llmcost.prices.names import is_committed, readings, region_of


@pytest.mark.parametrize(
    ("provider", "model", "wanted"),
    [
        ("openai", "openai/gpt-5", "gpt-5"),
        ("openai", "gpt-5-2025-08-07", "gpt-5"),
        ("openai", "GPT-5", "gpt-5"),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::abc", "ft:gpt-4.1-2025-04-14"),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::abc", "ft:gpt-4.1"),
        ("azure.ai.openai", "azure/gpt-4o", "gpt-4o"),
        ("azure.ai.openai", "azure/eu/gpt-4o", "gpt-4o"),
        ("azure.ai.openai", "azure/global-standard/gpt-4o", "gpt-4o"),
        ("azure.ai.openai", "gpt-35-turbo", "gpt-3.5-turbo"),
        ("aws.bedrock", "regional.anthropic.claude-opus-5-5", "anthropic.claude-opus-5-5"),
        ("aws.bedrock", "bedrock_mantle/openai.gpt-6-sol", "openai.gpt-6-sol"),
        ("azure.ai.openai", "gpt-4o-2024-08-06.ft-0123", "ft:gpt-4o-2024-08-06"),
        ("anthropic", "anthropic/claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("gcp.gemini", "models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gcp.gemini", "gemini/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        (
            "gcp.vertex_ai",
            "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4-5@20251101",
            "claude-opus-4-5-20251101",
        ),
        ("gcp.vertex_ai", "claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("gcp.vertex_ai", "claude-opus-4-5@default", "claude-opus-4-5"),
        (
            "aws.bedrock",
            "us.anthropic.claude-opus-4-5-20251101-v1:0",
            "anthropic.claude-opus-4-5-20251101-v1:0",
        ),
        ("aws.bedrock", "bedrock/us-east-1/anthropic.claude-v2:1", "anthropic.claude-v2:1"),
        ("aws.bedrock", "bedrock/converse/us.anthropic.claude-opus-4-6-v1", "anthropic.claude-opus-4-6-v1"),
        (
            "aws.bedrock",
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-opus-4-5-20251101-v1:0",
            "anthropic.claude-opus-4-5-20251101-v1:0",
        ),
        (
            "aws.bedrock",
            "arn:aws:bedrock:eu-west-1:123:inference-profile/eu.anthropic.claude-opus-4-5-20251101-v1:0",
            "anthropic.claude-opus-4-5-20251101-v1:0",
        ),
        ("aws.bedrock", "claude-opus-4-5-20251101", "anthropic.claude-opus-4-5-20251101-v1:0"),
        ("aws.bedrock", "meta.llama3-1-70b-instruct-v1:0:128k", "meta.llama3-1-70b-instruct"),
        ("openrouter", "openrouter/anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "anthropic/claude-sonnet-4.5:nitro", "anthropic/claude-sonnet-4.5"),
        ("fireworks_ai", "accounts/fireworks/models/deepseek-v3", "deepseek-v3"),
        ("together_ai", "together_ai/meta-llama/Llama-3.3-70B", "meta-llama/Llama-3.3-70B"),
    ],
)
def test_a_name_has_its_plain_reading(provider: str, model: str, wanted: str) -> None:
    names = [reading.name for reading in readings(provider, model)]
    assert names[0] == model
    assert wanted in names
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("provider", "model", "never"),
    [
        ("openai", "ft:gpt-4.1:acme::abc", "gpt-4.1"),
        ("openai", "gpt-5-mini", "gpt-5"),
        ("openai", "gpt-4-0613", "gpt-4"),
        ("openai", "anthropic/claude-opus-4", "claude-opus-4"),
        ("mistral_ai", "mistral-large-2411", "mistral-large"),
        ("openrouter", "deepseek/deepseek-r1:free", "deepseek/deepseek-r1"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "abc"),
        ("together_ai", "meta-llama/Llama-3.3-70B", "Llama-3.3-70B"),
    ],
)
def test_a_name_never_leads_to_another_model(provider: str, model: str, never: str) -> None:
    assert never not in [reading.name for reading in readings(provider, model)]


@pytest.mark.parametrize(
    ("provider", "model", "region"),
    [
        ("aws.bedrock", "us.anthropic.claude-opus-4-5-20251101-v1:0", "us"),
        ("aws.bedrock", "global.anthropic.claude-opus-4-5-20251101-v1:0", "global"),
        ("aws.bedrock", "anthropic.claude-opus-4-5-20251101-v1:0", ""),
        ("aws.bedrock", "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-v2", "eu-west-1"),
        (
            "gcp.vertex_ai",
            "projects/p/locations/us-east5/publishers/google/models/gemini-2.5-pro",
            "us-east5",
        ),
        ("aws.bedrock", "bedrock/eu-west-2/meta.llama3-70b-instruct-v1:0", "eu-west-2"),
        ("aws.bedrock", "bedrock/converse/us.anthropic.claude-opus-4-6-v1", "us"),
        ("aws.bedrock", "regional.anthropic.claude-opus-5-5", ""),
        ("azure.ai.openai", "azure/eu/gpt-4.1", "eu"),
        ("azure.ai.openai", "azure/global-standard/gpt-4.1", "global"),
        ("azure.ai.openai", "azure/eu-chat", ""),
        ("openai", "us.gpt-5", ""),
        ("openai", "openai/eu/gpt-5", ""),
    ],
)
def test_names_that_carry_a_region(provider: str, model: str, region: str) -> None:
    assert region_of(provider, model) == region


def test_provisioned_throughput_is_committed() -> None:
    assert is_committed("aws.bedrock", "arn:aws:bedrock:us-east-1:123:provisioned-model/abc")
    assert not is_committed("aws.bedrock", "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2")
