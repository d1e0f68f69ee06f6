from __future__ import annotations

import types

import pytest

from otel_llmcost.attribution import RequestFacts, caller_module, parse_rules, read_rules, resolve
from otel_llmcost.call import NO_TAGS, Tags
from otel_llmcost.errors import ConfigurationError
from otel_llmcost.toml_source import parse_toml

RULES = parse_rules(
    [
        {"host": "eu.api.openai.com", "set": {"team": "europe"}},
        {"model": "gpt-5*", "set": {"feature": "big", "team": "models"}},
        {"module": "shop.search", "set": {"source": "search"}},
        {"host": "gw*", "model": "mini", "set": {"tier": "cheap"}},
    ]
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (RequestFacts("api.openai.com", "gpt-4o", "shop.cart"), NO_TAGS),
        (RequestFacts("EU.api.openai.com", "gpt-5-mini"), Tags(team="europe", feature="big")),
        (RequestFacts(module="shop.search"), Tags(source="search")),
        (RequestFacts(module="shop.search.rank"), Tags(source="search")),
        (RequestFacts(module="shop.searching"), NO_TAGS),
        (RequestFacts("gw1", "mini"), Tags(own={"tier": "cheap"})),
        (RequestFacts("gw1", "maxi"), NO_TAGS),
    ],
)
def test_rules_match_and_the_earlier_one_wins(facts: RequestFacts, expected: Tags) -> None:
    assert resolve(NO_TAGS, facts, RULES) == expected


def test_rules_fill_only_gaps() -> None:
    assert resolve(Tags(team="mine"), RequestFacts("eu.api.openai.com"), RULES) == Tags(team="mine")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"hosts": "x", "set": {"team": "a"}},
            r"rules\[0\].hosts: no such setting; allowed: host",
        ),
        ({"host": 3, "set": {"team": "a"}}, r"rules\[0\].host: must be text \(got 3\)"),
        ({"host": "x"}, r"rules\[0\].set: a rule sets at least one tag"),
        ({"set": {"team": "a"}}, r"rules\[0\]: a rule needs a pattern"),
    ],
)
def test_mistakes_name_key_value_and_what_is_allowed(entry: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_rules([entry])


def test_a_mistake_in_a_file_names_its_line_and_the_other_rules_work() -> None:
    document = parse_toml(
        '[[rules]]\nmodel = "gpt-5"\nset = { team = "a" }\n\n[[rules]]\nhots = "x"\nset = { team = "b" }\n',
        "llm.toml",
    )
    rules, problems = read_rules(document.table.get("rules"), file="llm.toml")
    assert [rule.model for rule in rules] == ["gpt-5"]
    assert str(problems[0]).startswith("llm.toml:6: rules[1].hots: no such setting; allowed: host, model")
    assert read_rules(None) == ((), [])
    with pytest.raises(ConfigurationError, match="must be a list of tables"):
        parse_rules({"host": "x"})


def test_the_caller_is_the_nearest_module_of_the_program() -> None:
    assert caller_module() == __name__
    sdk = types.ModuleType("openai.resources")
    sdk.__dict__["ask"] = caller_module
    exec("def create():\n    return ask()", sdk.__dict__)
    assert sdk.create() == __name__
