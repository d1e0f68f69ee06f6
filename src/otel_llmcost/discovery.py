"""Prices of unknown models, proposed from a web search for the user to confirm.

The search is Linkup's (https://docs.linkup.so, checked 2026-11-23) through its own client, which the extra `discover`
brings. What it finds is a proposal with its sources, never a price in force: it becomes one when the user puts the
row among the own prices. Nothing here runs on a calling thread.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from .call import Call, Priced
from .errors import ConfigurationError, LlmCostError, MissingExtraError
from .ledger.location import prepare_directory
from .prices import OwnPrices, Row, parse_row
from .prices.book import Book
from .prices.shards import EMPTY_SNAPSHOT

_METERS = {
    "input_usd_per_million_tokens": "input",
    "cached_input_usd_per_million_tokens": "cache_read",
    "output_usd_per_million_tokens": "output",
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        **{
            name: {"type": "string", "description": "decimal number of US dollars, empty if unknown"}
            for name in _METERS
        },
        "source_url": {"type": "string", "description": "the provider's own page that states these prices"},
        "quotation": {
            "type": "string",
            "description": "the sentence or table row of that page with the prices",
        },
    },
    "required": ["input_usd_per_million_tokens", "output_usd_per_million_tokens", "source_url"],
}


class DiscoveryError(LlmCostError):
    """A search for a price found none, or could not be made; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A price row that a search proposes, with what it rests on. Not in force until the user says so."""

    row: Row
    quotation: str
    sources: tuple[str, ...]
    found_at: date


class Discovery:
    """Searches for prices, and remembers what was found in a file that people may edit."""

    def __init__(
        self, cache: Path | None, *, api_key: str = "", base_url: str = "", timeout_s: float = 60.0
    ) -> None:
        self.cache, self.api_key, self.base_url, self.timeout_s = cache, api_key, base_url, timeout_s

    def propose(self, model: str, provider: str = "", *, afresh: bool = False) -> Proposal:
        """The proposed row of a model. Raises `DiscoveryError`, `MissingExtraError`."""
        name = f"{provider}/{model}" if provider else model
        known = None if afresh else self._remembered().get(name)
        answer = self._search(model, provider) if known is None else known
        proposal = _proposal(answer, model, provider or "unknown")
        if known is None:
            self._remember(name, answer)
        return proposal

    def _search(self, model: str, provider: str) -> Mapping[str, Any]:
        client = self._client()
        whose = f" of {provider}" if provider else ""
        query = (
            f'What does the API model "{model}"{whose} cost now, in US dollars per million input tokens, cached input '
            "tokens and output tokens? Use the provider's own pricing page."
        )
        try:
            found = client.search(
                query=query,
                depth="standard",
                output_type="structured",
                structured_output_schema=json.dumps(SCHEMA),
                include_sources=True,
                timeout=self.timeout_s,
            )
        except _failures() as error:
            raise DiscoveryError(f"the search failed: {error} ({type(error).__name__})") from None
        return _plain(found)

    def _client(self) -> Any:
        try:
            linkup = import_module("linkup")
        except ImportError:
            raise MissingExtraError("linkup-sdk (for searching prices)", "discover") from None
        if not self.api_key:
            raise DiscoveryError("no key for the search; remedy: set LINKUP_API_KEY (https://app.linkup.so)")
        settings = {"api_key": self.api_key} | ({"base_url": self.base_url} if self.base_url else {})
        return linkup.LinkupClient(**settings)

    def _remembered(self) -> dict[str, Any]:
        if self.cache is None:
            return {}
        try:
            found = json.loads(self.cache.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise DiscoveryError(
                f"{self.cache}: cannot be read ({error}); remedy: correct or remove it"
            ) from None
        return found if isinstance(found, dict) else {}

    def _remember(self, name: str, answer: Mapping[str, Any]) -> None:
        if self.cache is None:
            return
        content = json.dumps({**self._remembered(), name: answer}, indent=2, ensure_ascii=False)
        beside = self.cache.with_name(f"{self.cache.name}.{os.getpid()}")
        try:
            prepare_directory(self.cache.parent)
            beside.write_text(f"{content}\n", "utf-8")
            beside.replace(self.cache)
        except OSError as error:
            raise DiscoveryError(f"{self.cache}: cannot be written ({error.strerror})") from None


def _failures() -> tuple[type[Exception], ...]:
    # The client's own errors, and those of whichever HTTP library carries it.
    kinds: list[type[Exception]] = [OSError, ValueError]
    for name in ("linkup", "httpx", "httpx2"):
        module = sys.modules.get(name)
        found = [getattr(module, error) for error in dir(module) if error.endswith("Error")]
        kinds += [kind for kind in found if isinstance(kind, type) and issubclass(kind, Exception)]
    return tuple(kinds)


def _plain(found: Any) -> Mapping[str, Any]:
    data = found.model_dump() if hasattr(found, "model_dump") else found
    if not isinstance(data, Mapping):
        raise DiscoveryError(f"the search answered {type(found).__name__}, not an object")
    inner = data.get("data", data)
    sources = data.get("sources") or []
    urls = [str(source.get("url", "")) for source in sources if isinstance(source, Mapping)]
    return {
        **(inner if isinstance(inner, Mapping) else {}),
        "sources": [url for url in urls if url],
        "found_at": datetime.now(UTC).date().isoformat(),
    }


def _proposal(answer: Mapping[str, Any], model: str, provider: str) -> Proposal:
    rates = {
        meter: str(answer[name]).strip().lstrip("$") for name, meter in _METERS.items() if answer.get(name)
    }
    if "input" not in rates and "output" not in rates:
        raise DiscoveryError(
            f"the search found no price of {model}; remedy: a row by hand, see docs/prices.md"
        )
    found_at = str(answer.get("found_at", ""))
    table = {
        "provider": provider,
        "model": model,
        "rates": rates,
        "source_url": str(answer.get("source_url", "")),
    }
    try:
        row = parse_row({**table, "verified_at": found_at} if found_at else table)
    except ConfigurationError as error:
        raise DiscoveryError(f"the search answered something that is no price: {error}") from None
    if all(rate == 0 for rate in row.rates.values()):
        raise DiscoveryError(
            f"the search found only zeros for {model}, which is no price; remedy: a row by hand"
        )
    sources = tuple(str(url) for url in answer.get("sources") or ())
    day = date.fromisoformat(found_at) if found_at else datetime.now(UTC).date()
    return Proposal(row, str(answer.get("quotation", "")), sources, day)


def as_toml(proposal: Proposal) -> str:
    """The proposal as a row for a prices file, with its sources as comments."""
    row = proposal.row
    lines = [f"# Proposed by a web search on {proposal.found_at}; check it before you rely on it."]
    lines += [f"# source: {url}" for url in proposal.sources]
    if proposal.quotation:
        lines.append(f"# {' '.join(proposal.quotation.split())}")
    rates = ", ".join(f"{meter} = {_quoted(f'{rate:f}')}" for meter, rate in row.rates.items())
    lines += [
        "[[row]]",
        f"provider = {_quoted(row.provider)}",
        f"model = {_quoted(row.model)}",
        f"rates = {{ {rates} }}",
    ]
    if row.source_url:
        lines.append(f"source_url = {_quoted(row.source_url)}")
    lines.append(f"verified_at = {proposal.found_at.isoformat()}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, but for the surrogates and DEL.
    return json.dumps(text.replace("\x7f", ""), ensure_ascii=False)


PriceResolver = Callable[[Call], Priced | None]
"""A price for a call, or None where this resolver knows none."""


def chain(*resolvers: PriceResolver) -> PriceResolver:
    """A resolver that asks others in turn and gives the first price that is known."""

    def resolve(call: Call) -> Priced | None:
        for resolver in resolvers:
            priced = resolver(call)
            if priced is not None and priced.amount is not None:
                return priced
        return None

    return resolve


def search_resolver(discovery: Discovery) -> PriceResolver:
    """A resolver that searches the web for unknown models; its prices are `estimated`. Slow: never on a request."""

    def resolve(call: Call) -> Priced | None:
        model = call.response_model or call.request_model
        try:
            proposal = discovery.propose(model, call.provider)
        except LlmCostError:
            return None
        row = proposal.row._replace(provider=call.provider, model=model)
        own = OwnPrices(rows=[row])
        note = f"estimated: the price was found by a web search on {proposal.found_at} ({row.source_url})"
        plain = replace(call, response_model=model, tier="", speed="", region="", notes=(*call.notes, note))
        return Book(EMPTY_SNAPSHOT, own).price(plain)

    return resolve
