"""The generated configuration, as far as it can be judged without the collector (tests/e2e runs it)."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.cli.collector_config import command
from otel_llmcost.collector import Options, pricing_document
from otel_llmcost.collector.leaves import leaves
from otel_llmcost.prices.load import load_book

SMALL = Options(providers=("groq",))


def test_the_same_prices_give_the_same_text() -> None:
    assert pricing_document(load_book(), SMALL) == pricing_document(load_book(), SMALL)


def test_it_names_the_prices() -> None:
    book = load_book()
    assert f"from prices {book.version};" in pricing_document(book, SMALL)


def test_frameworks_and_agents_are_no_leaves() -> None:
    scopes = {leaf.scope for leaf in leaves()}
    assert "@opentelemetry/instrumentation-openai" in scopes
    assert not any(
        word in scope for scope in scopes for word in ("langchain", "agents", "pydantic", "litellm")
    )


def test_a_scope_can_be_added() -> None:
    assert "my\\\\.scope" not in pricing_document(load_book(), SMALL)
    assert "my\\\\.scope" in pricing_document(load_book(), Options(("groq",), ("my.scope",)))


def test_own_labels_and_hosts() -> None:
    text = pricing_document(
        load_book(),
        Options(providers=("groq",), labels=("llmcost.team",), hosts={"llm.example:8443": "groq"}),
    )
    assert "- key: llmcost.team\n" in text
    assert '"llm.example" and span.attributes["server.port"] == 8443' in text


def test_hosts_that_are_addresses_and_paths_that_no_span_tells() -> None:
    hosts = {
        "http://127.0.0.1:8095/v1": "openai",
        "gateway.example/openai": "openai",
        "gateway.example/anthropic": "anthropic",
    }
    text = pricing_document(load_book(), Options(providers=("groq",), hosts=hosts))
    [one] = [line for line in text.splitlines() if '== "127.0.0.1"' in line]
    assert 'span.attributes["server.port"] == 8095' in one
    assert '"openai"' in one
    [two] = [line for line in text.splitlines() if '== "gateway.example"' in line]
    assert '"unknown"' in two


def test_the_command_writes_a_file(tmp_path: Path) -> None:
    target = tmp_path / "pricing.yaml"
    done = CliRunner().invoke(command, ["--shipped", "--provider", "groq", "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert target.read_text() == pricing_document(load_book(), SMALL)


def test_an_unknown_provider_is_named() -> None:
    done = CliRunner().invoke(command, ["--shipped", "--provider", "opneai"])
    assert done.exit_code == 2
    assert "no prices for opneai; there are: " in done.output
    assert ", openai," in done.output


@pytest.mark.parametrize("mark", ["gen_ai.usage.cost", "llmcost.status", "operation.cost", "llm.cost.total"])
def test_what_has_a_cost_is_passed_over(mark: str) -> None:
    assert f'span.attributes["{mark}"] == nil' in pricing_document(load_book(), SMALL)
