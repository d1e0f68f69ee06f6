from __future__ import annotations

from collections.abc import Iterator

import anthropic
import openai
import pytest

from otel_llmcost import services as parts
from otel_llmcost.attribution import client_tags
from otel_llmcost.call import Priced, Tags
from otel_llmcost.clients import (
    UseCases,
    define_use_case,
    get_llm_client,
    get_model_for_use_case,
    read_use_cases,
)
from otel_llmcost.errors import ConfigurationError
from otel_llmcost.services import Services
from otel_llmcost.toml_source import parse_toml

TOML = """
[use_cases.coding]
model = "claude-sonnet-4-5"
provider = "anthropic"
tags = { team = "tools", tenant = "acme" }

[use_cases.agent]
model = "llama-3.3-70b"
provider = "groq"
base_url = "https://api.groq.com/openai/v1"
key_env = "AGENT_KEY"
options = { max_retries = 5, timeout = 12 }

[use_cases.chat]
model = "gpt-5"
"""
ENVIRON = {"ANTHROPIC_API_KEY": "a-key", "AGENT_KEY": "g-key"}


class NoPrices:
    def price(self, call: object) -> Priced:
        raise AssertionError("no price is asked for")


@pytest.fixture(autouse=True)
def use_cases() -> Iterator[UseCases]:
    cases, problems = read_use_cases(parse_toml(TOML, "llm.toml").table.get("use_cases"), file="llm.toml")
    assert problems == []
    parts.provide(Services(NoPrices(), use_cases=cases, environ=ENVIRON))
    yield cases
    parts.provide(None)


def test_the_model_of_a_use_case() -> None:
    assert get_model_for_use_case("agent") == "llama-3.3-70b"


@pytest.mark.parametrize(
    ("asynchronous", "kind"), [(False, anthropic.Anthropic), (True, anthropic.AsyncAnthropic)]
)
def test_an_anthropic_client_of_the_sdk_s_own_type(asynchronous: bool, kind: type) -> None:
    client = get_llm_client("coding", asynchronous=asynchronous)
    assert type(client) is kind
    assert client.api_key == "a-key"
    assert client_tags(client) == Tags(source="coding", team="tools", own={"tenant": "acme"})
    assert client_tags(client.with_options(timeout=1)).source == "coding"


@pytest.mark.parametrize(("asynchronous", "kind"), [(False, openai.OpenAI), (True, openai.AsyncOpenAI)])
def test_a_compatible_host_through_the_openai_sdk(asynchronous: bool, kind: type) -> None:
    client = get_llm_client("agent", asynchronous=asynchronous, timeout=3)
    assert type(client) is kind
    assert (client.api_key, str(client.base_url)) == ("g-key", "https://api.groq.com/openai/v1/")
    assert (client.max_retries, client.timeout) == (5, 3)
    assert client_tags(client) == Tags(source="agent")


def test_use_cases_from_code() -> None:
    case = define_use_case(
        "search", "gpt-5-mini", key_env="AGENT_KEY", tags={"source": "web", "team": "search"}
    )
    assert case.client_sdk == "openai"
    assert get_model_for_use_case("search") == "gpt-5-mini"
    assert client_tags(get_llm_client("search")) == Tags(source="web", team="search")


def test_an_unknown_use_case_lists_those_there_are(use_cases: UseCases) -> None:
    with pytest.raises(
        ConfigurationError, match=r"use_cases\.codign: no such use case; allowed: agent, chat, coding"
    ):
        get_llm_client("codign")
    with pytest.raises(ConfigurationError, match="no such use case"):
        get_model_for_use_case("codign")
    assert use_cases.get("codign") is None
    parts.provide(Services(NoPrices()))
    with pytest.raises(ConfigurationError, match=r"none yet: .use_cases.NAME. with a model"):
        get_llm_client("coding")


def test_a_missing_key_names_the_variable_and_what_would_work() -> None:
    with pytest.raises(ConfigurationError) as caught:
        get_llm_client("chat")
    assert str(caught.value) == (
        "use_cases.chat.key_env: the key of the use case is missing: OPENAI_API_KEY is not set; allowed: "
        "a variable that is set, or api_key=...; use cases with a key: agent, coding"
    )
    assert get_llm_client("chat", api_key="given").api_key == "given"
    define_use_case("own", "m", provider="acme")
    with pytest.raises(ConfigurationError, match="names no variable"):
        get_llm_client("own")


def test_an_sdk_that_we_make_no_clients_of() -> None:
    define_use_case("odd", "m", sdk="cohere", key_env="AGENT_KEY")
    with pytest.raises(ConfigurationError, match=r"no such SDK .got 'cohere'.; allowed: openai or anthropic"):
        get_llm_client("odd")


def test_mistakes_in_the_file_name_their_line_and_the_others_work() -> None:
    text = (
        '[use_cases.good]\nmodel = "m"\n[use_cases.bad]\nmodle = "m"\nsdk = "cohere"\n'
        'base_url = 5\noptions = "x"\n[use_cases.worse]\n'
    )
    cases, problems = read_use_cases(parse_toml(text, "llm.toml").table.get("use_cases"), file="llm.toml")
    assert list(cases) == ["good"]
    told = [str(problem) for problem in problems]
    assert told[0].startswith(
        "llm.toml:4: use_cases.bad.modle: no such setting; allowed: model, provider, sdk"
    )
    assert "llm.toml:5: use_cases.bad.sdk: no such SDK (got 'cohere'); allowed: openai or anthropic" in told
    assert "llm.toml:6: use_cases.bad.base_url: must be text (got 5); allowed: text in quotes" in told
    assert "llm.toml:7: use_cases.bad.options: must be a table (got 'x'); allowed: { name = value }" in told
    assert told[-1].endswith('use_cases.worse.model: a use case needs a model; allowed: model = "NAME"')
    assert read_use_cases("nonsense")[1][0].allowed == "[use_cases.NAME]"
    assert read_use_cases(None) == (UseCases(), [])


ELSEWHERE = [
    'base_url = "https://evil.example/v1"',
    'options = { base_url = "https://evil.example/v1" }',
    'base_url = "https://api.groq.com/openai/v1"',  # a host that is known, but not this provider's
    'base_url = "//evil.example"',
    'base_url = "https://api.openai.com@evil.example/v1"',
]


@pytest.mark.parametrize("setting", ELSEWHERE)
def test_a_file_that_merely_lies_there_cannot_send_keys_elsewhere(setting: str) -> None:
    text = f'[use_cases.coding]\nmodel = "gpt-5"\nkey_env = "OPENAI_API_KEY"\n{setting}\n'
    table = parse_toml(text, "llm.toml").table.get("use_cases")
    cases, (problem,) = read_use_cases(table, file="llm.toml", trusted=False)
    assert not cases
    assert problem.line == 4
    assert "OTEL_LLMCOST_CONFIG" in problem.allowed
    assert read_use_cases(table, file="llm.toml", trusted=True)[1] == []


@pytest.mark.parametrize(
    "address", ["https://eu.api.openai.com/v1", "http://localhost:8000/v1", "http://10.1.2.3/v1"]
)
def test_the_providers_own_hosts_and_local_ones_are_taken_from_any_file(address: str) -> None:
    text = f'[use_cases.coding]\nmodel = "gpt-5"\nbase_url = "{address}"\n'
    cases, problems = read_use_cases(parse_toml(text, "llm.toml").table.get("use_cases"), trusted=False)
    assert problems == []
    assert cases["coding"].base_url == address


def test_a_setting_that_a_use_case_does_not_have_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"use_cases.coding.key: no such setting; allowed: model, provider"
    ):
        define_use_case("coding", "gpt-5", key="sk-1")
