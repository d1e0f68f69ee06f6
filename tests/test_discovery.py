"""Proposed prices, through the real search client against a server on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.call import Call
from otel_llmcost.cli import main
from otel_llmcost.discovery import Discovery, DiscoveryError, as_toml, chain, search_resolver
from otel_llmcost.money import femto
from otel_llmcost.prices import load_book
from otel_llmcost.toml_source import parse_toml

GOOD = {
    "data": {
        "input_usd_per_million_tokens": "0.75",
        "cached_input_usd_per_million_tokens": "0.075",
        "output_usd_per_million_tokens": "$3",
        "source_url": "https://example.com/pricing",
        "quotation": 'Nova-9: "$0.75" in,\n$3 out',
    },
    "sources": [
        {
            "type": "text",
            "name": "Pricing",
            "url": "https://example.com/pricing",
            "content": "Nova-9 $0.75",
            "favicon": "",
        },
    ],
}


class Search:
    """A server that answers every search with `answer`, and counts the questions."""

    def __init__(self) -> None:
        self.answer: object = GOOD
        self.status = 200
        self.questions: list[dict[str, object]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.questions.append(json.loads(body))
                content = json.dumps(outer.answer).encode()
                self.send_response(outer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def search() -> Iterator[Search]:
    running = Search()
    yield running
    running.server.shutdown()
    running.server.server_close()


def discovery(search: Search, cache: Path | None = None) -> Discovery:
    return Discovery(cache, api_key="key", base_url=search.url, timeout_s=10)


def test_a_proposal_is_a_row_with_its_sources(search: Search) -> None:
    proposal = discovery(search).propose("nova-9", "nova")
    assert {meter: str(rate) for meter, rate in proposal.row.rates.items()} == {
        "input": "0.75",
        "cache_read": "0.075",
        "output": "3",
    }
    assert proposal.sources == ("https://example.com/pricing",)
    assert "nova-9" in str(search.questions[0]["q"])


def test_the_proposed_text_is_a_price_file(search: Search) -> None:
    text = as_toml(discovery(search).propose('no"va', "nova"))
    book = load_book(user_documents=[parse_toml(text, "own.toml")])
    assert book.problems == []
    priced = book.price(
        Call(provider="nova", response_model='no"va', usage={"input": 10**6, "output": 10**6})
    )
    assert priced.amount == femto("3.75")


def test_an_answer_is_remembered_and_may_be_edited(search: Search, tmp_path: Path) -> None:
    cache = tmp_path / "deep" / "discovered.json"
    discovery(search, cache).propose("nova-9")
    cache.write_text(cache.read_text().replace('"0.75"', '"0.80"'))
    again = discovery(search, cache).propose("nova-9")
    assert str(again.row.rates["input"]) == "0.80"
    assert len(search.questions) == 1
    discovery(search, cache).propose("nova-9", afresh=True)
    assert len(search.questions) == 2


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {}, "sources": []},
        {"data": {"input_usd_per_million_tokens": "0", "output_usd_per_million_tokens": "0"}, "sources": []},
        {"data": {"input_usd_per_million_tokens": "about two"}, "sources": []},
        {"data": {"input_usd_per_million_tokens": "-3"}, "sources": []},
    ],
)
def test_an_answer_that_is_no_price_is_refused(search: Search, answer: object) -> None:
    search.answer = answer
    with pytest.raises(DiscoveryError):
        discovery(search).propose("nova-9")


@pytest.mark.parametrize("status", [401, 429, 500])
def test_failures_of_the_search_are_named(search: Search, status: int) -> None:
    search.status, search.answer = status, {"error": {"code": "X", "message": "no", "details": []}}
    with pytest.raises(DiscoveryError, match="search failed"):
        discovery(search).propose("nova-9")


def test_without_network_and_without_key_the_error_is_clear() -> None:
    with pytest.raises(DiscoveryError, match="search failed"):
        Discovery(None, api_key="key", base_url="http://127.0.0.1:9", timeout_s=5).propose("nova-9")
    with pytest.raises(DiscoveryError, match="LINKUP_API_KEY"):
        Discovery(None).propose("nova-9")


def test_a_damaged_memory_is_named(search: Search, tmp_path: Path) -> None:
    (tmp_path / "discovered.json").write_text("{")
    with pytest.raises(DiscoveryError, match=r"discovered\.json"):
        discovery(search, tmp_path / "discovered.json").propose("nova-9")


def test_resolvers_are_asked_in_turn(search: Search) -> None:
    book = load_book()
    resolve = chain(book.price, search_resolver(discovery(search)))
    known = resolve(Call(provider="openai", response_model="gpt-5", usage={"input": 1000}))
    assert known is not None
    assert (known.status, len(search.questions)) == ("exact", 0)
    found = resolve(Call(provider="nova", response_model="nova-9", tier="odd", usage={"input": 10**6}))
    assert found is not None
    assert (found.status, found.amount) == ("estimated", femto("0.75"))
    search.answer = {"data": {}, "sources": []}
    assert resolve(Call(provider="nova", response_model="other", usage={"input": 1})) is None


def test_from_the_command_line(search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OTEL_LLMCOST_PRICES_DIR", str(tmp_path / "prices"))
    monkeypatch.setenv("LINKUP_API_KEY", "key")
    monkeypatch.setenv("LINKUP_BASE_URL", search.url)
    own = tmp_path / "own.toml"
    result = CliRunner().invoke(
        main, ["prices", "discover", "nova-9", "--provider", "nova", "--append", str(own), "--yes"]
    )
    assert result.exit_code == 0, result.output
    assert load_book(user_documents=[parse_toml(own.read_text(), "own.toml")]).rows("nova", "nova-9")
    kept = own.read_text()
    unanswered = CliRunner().invoke(
        main, ["prices", "discover", "nova-9", "--provider", "nova", "--append", str(own)], input=""
    )
    assert unanswered.exit_code == 1
    assert unanswered.stderr == "otel-llmcost: not confirmed; remedy: --yes\n"
    assert own.read_text() == kept
    monkeypatch.delenv("LINKUP_API_KEY")
    refused = CliRunner().invoke(main, ["prices", "discover", "other"])
    assert refused.exit_code == 1
    assert "LINKUP_API_KEY" in refused.output
