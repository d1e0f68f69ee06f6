from __future__ import annotations

import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path

import hypothesis
from hypothesis import strategies as st
from opentelemetry import baggage
from opentelemetry.sdk.trace import TracerProvider

from otel_llmcost import attribution as at
from otel_llmcost.call import NO_TAGS, Reading, Tags

KEY = b"k" * 32


def hashed(person: str) -> str:
    return "h:" + hmac.new(KEY, person.encode(), "sha256").hexdigest()[:32]


def asked(body: dict[str, object] | None = None, client: object = None, model: str = "gpt-5") -> Tags:
    return at.for_request("openai", "api.openai.com", model, body or {}, client)


class Client:
    """Stands for an SDK client: what counts is that it is an object of its own."""


def test_nothing_set_answers_nothing() -> None:
    assert asked({"model": "gpt-5", "messages": []}) is NO_TAGS


def test_the_nearest_statement_wins() -> None:
    client = Client()
    at.mark_with(client, at.from_mapping({"source": "client", "team": "client"}))
    rules = at.parse_rules(
        [{"host": "*.openai.com", "set": {"source": "rule", "feature": "rule", "team": "rule"}}]
    )
    everything = {"source": "env", "team": "env", "feature": "env", "stage": "env", "region": "eu"}
    at.configure(at.AttributionSettings(rules=rules, defaults=at.from_mapping(everything)))
    with at.track_source("block"):
        tags = asked(client=client)
    assert tags == Tags(source="block", team="client", feature="rule", stage="env", own={"region": "eu"})


def test_people_found_in_bodies_are_dropped_unless_asked_for() -> None:
    body = {"user": "alice@example.com"}
    assert asked(body).user == ""
    at.configure(at.AttributionSettings(people="hash", people_key=KEY))
    assert asked(body).user == hashed("alice@example.com")
    at.configure(at.AttributionSettings(people="plain"))
    assert asked(body).user == "alice@example.com"


def test_people_given_by_the_program_are_hashed_unless_plain_is_wished() -> None:
    at.configure(at.AttributionSettings(people_key=KEY))
    with at.tag(user="alice"):
        assert at.current().user == hashed("alice")
    at.configure(at.AttributionSettings(people="plain"))
    with at.tag(user="alice"):
        assert at.current().user == "alice"


def test_off_keeps_nobody() -> None:
    at.configure(at.AttributionSettings(people="off"))
    with at.tag(user="alice", team="search"):
        assert at.current() == Tags(team="search")
    assert asked({"user": "alice"}).user == ""


def test_a_user_in_the_environment_is_hashed_too() -> None:
    at.configure(at.AttributionSettings(people_key=KEY, defaults=at.from_mapping({"user": "alice"})))
    assert asked().user == hashed("alice")


def test_a_user_of_rules_and_clients_is_hashed_too() -> None:
    rules = at.parse_rules([{"model": "gpt-5", "set": {"user": "alice"}}])
    at.configure(at.AttributionSettings(people_key=KEY, rules=rules))
    assert asked().user == hashed("alice")
    client = Client()
    at.mark_with(client, Tags(user="bob"))
    assert asked(client=client).user == hashed("bob")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["conversation", "user", "safety_identifier", "metadata", "previous_response_id", "id"]
)


@hypothesis.given(
    st.dictionaries(_KEYS, _JSON, max_size=4), st.sampled_from(["off", "given", "hash", "plain"])
)
def test_no_body_upsets_it(body: dict[str, object], people: str) -> None:
    at.configure(at.AttributionSettings(people=people))
    tags = asked(body)
    answered = at.for_answer(tags, Reading(response_id="r"), chained=True)
    for each in (tags.user, tags.conversation, answered.conversation):
        assert isinstance(each, str)
        assert len(each) <= 256
        each.encode()


def test_without_a_key_hashes_still_hide_and_tell_apart() -> None:
    people = at.People()
    assert people.given("alice") == people.given("alice") != people.given("bob")
    assert people.given("alice") != at.People().given("alice")


def test_the_key_never_shows_in_a_printed_setting() -> None:
    assert "kkk" not in repr(at.AttributionSettings(people_key=KEY))


def test_a_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "people.key"
    key = at.key_of_file(path)
    assert len(key) == 32
    assert at.key_of_file(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["people.key"]


def test_a_key_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from otel_llmcost.attribution import key_of_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "key_of_file(Path(sys.argv[1]) / 'people.key')\n"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr.splitlines()[-1].startswith("OSError")
    assert list(tmp_path.iterdir()) == []


def test_the_conversation_of_a_parent_span_is_taken_along() -> None:
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("agent", attributes={"gen_ai.conversation.id": "conv-1"}):
        assert asked().conversation == "conv-1"
        with at.tag(conversation="mine"):
            assert asked().conversation == "mine"
    with tracer.start_as_current_span("request", attributes={"http.route": "/"}):
        assert asked() is NO_TAGS


def test_baggage_fills_gaps_by_allow_list_and_stays_out_of_budgets() -> None:
    at.configure(
        at.AttributionSettings(baggage_in=("team", "tenant", "user.id"), defaults=Tags(source="shop"))
    )
    context = baggage.set_baggage("team", "search")
    for key, value in {"tenant": "acme", "user.id": "alice", "source": "evil", "feature": "evil"}.items():
        context = baggage.set_baggage(key, value, context)
    tags = asked()
    assert tags == Tags(source="shop")
    assert at.with_inbound(tags, context) == Tags(source="shop", team="search", own={"tenant": "acme"})
    assert at.with_inbound(Tags(team="ours"), context).team == "ours"


def test_a_chain_of_responses_is_one_conversation() -> None:
    first = at.for_answer(asked({"input": "hi"}), Reading(response_id="resp_1"), chained=True)
    second_body: dict[str, object] = {"input": "more", "previous_response_id": "resp_1"}
    second = at.for_answer(asked(second_body), Reading(response_id="resp_2"), chained=True)
    third_body: dict[str, object] = {"input": "yet more", "previous_response_id": "resp_2"}
    third = at.for_answer(asked(third_body), Reading(response_id="resp_3"), chained=True)
    assert [first.conversation, second.conversation, third.conversation] == ["resp_1"] * 3
    stranger = asked({"previous_response_id": "resp_of_another_process"})
    assert stranger.conversation == "resp_of_another_process"


def test_a_named_conversation_goes_before_the_chain() -> None:
    tags = asked({"conversation": {"id": "conv_9"}})
    assert tags.conversation == "conv_9"
    assert at.for_answer(tags, Reading(response_id="resp_8"), chained=True).conversation == "conv_9"
    assert asked({"previous_response_id": "resp_8"}).conversation == "conv_9"


def test_only_the_responses_api_makes_conversations_of_its_answers() -> None:
    assert at.for_answer(NO_TAGS, Reading(response_id="chatcmpl-1")) is NO_TAGS
    assert at.for_answer(NO_TAGS, Reading(conversation="conv_1")).conversation == "conv_1"
