"""What a client object says about where its calls go: host, provider, region. Worked out once per client."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .. import semconv
from ..call import AttributeValue
from ..prices.hosts import DELEGATED, FIRST_PARTY, GATEWAY, HostFacts, resolve_host

if TYPE_CHECKING:
    from .declaration import Sdk

_BASES_PER_CLIENT = 500


class ClientFacts:
    """Where a client's calls go, and the start attributes that are the same for all of them."""

    __slots__ = (
        "base_url",
        "bases",
        "delegated",
        "first_party",
        "host",
        "is_openai",
        "port",
        "provider",
        "region",
    )

    def __init__(
        self, host: str, port: int, provider: str, region: str, delegated: bool, first_party: bool = True
    ) -> None:
        self.base_url: Any = None
        self.host, self.port, self.provider, self.region = host, port, provider, region
        self.delegated = delegated
        self.first_party = first_party
        """A published host of a provider, not a gateway or a machine of the user's own."""
        self.is_openai = first_party and provider in (semconv.OPENAI, semconv.AZURE_OPENAI)
        self.bases: dict[tuple[str, str], dict[str, AttributeValue]] = {}

    @classmethod
    def unknown(cls) -> ClientFacts:
        """Of a client that could not be understood."""
        return cls("", 0, semconv.UNKNOWN, "", False)

    @property
    def is_own_service(self) -> bool:
        """Whether calls go to a gateway or a model of the user's own, not to a provider."""
        return self.delegated or self.provider in (semconv.LOCAL, semconv.OLLAMA)

    def start_attributes(self, api: str, operation: str, model: str) -> dict[str, AttributeValue]:
        """The attributes that every call of this surface and model starts with; the caller copies."""
        known = self.bases.get((api, model))
        if known is not None:
            return known
        made: dict[str, AttributeValue] = {
            semconv.OPERATION: operation,
            semconv.PROVIDER: self.provider,
            semconv.SERVER_ADDRESS: self.host,
        }
        if model:
            made[semconv.REQUEST_MODEL] = model
        if self.port:
            made[semconv.SERVER_PORT] = self.port
        if len(self.bases) < _BASES_PER_CLIENT:
            self.bases[(api, model)] = made
        return made


class Clients:
    """The facts of every client seen, held weakly."""

    def __init__(self, host_map: dict[str, str]) -> None:
        self.host_map = host_map
        """The user's map from host (and port) to provider."""
        self._known: weakref.WeakKeyDictionary[Any, ClientFacts] = weakref.WeakKeyDictionary()

    def facts(self, sdk: Sdk, client: Any, url: str) -> ClientFacts:
        """Facts of the client, or of the absolute `url` where the request does not go to the client's base."""
        if url.startswith(("http://", "https://")):
            return self._work_out(sdk, client, url)
        known = self._known.get(client)
        base = client._base_url
        if known is not None and known.base_url is base:
            return known
        made = self._work_out(sdk, client, str(base))
        made.base_url = base
        self._known[client] = made
        return made

    def _work_out(self, sdk: Sdk, client: Any, url: str) -> ClientFacts:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _default_port(parts.scheme)
        found = resolve_host(host, self.host_map, port=port, path=parts.path)
        delegated = found.kind == DELEGATED
        region = found.region or _cloud_region(client)
        provider, first_party = self._provider(sdk, client, found), found.kind == FIRST_PARTY
        return ClientFacts(host, port, provider, region, delegated, first_party=first_party)

    def _provider(self, sdk: Sdk, client: Any, found: HostFacts) -> str:
        if found.kind in (GATEWAY, DELEGATED):
            return found.provider
        for kind in type(client).__mro__:
            named = sdk.providers_by_class.get(kind.__name__)
            if named:
                return named
        named = getattr(client, "_gen_ai_provider_name", "")
        if isinstance(named, str) and named and named != sdk.provider:
            return named
        runtime = getattr(getattr(client, "_provider_runtime", None), "name", "")
        runtimes = {"bedrock": semconv.BEDROCK, "vertex": semconv.VERTEX, "azure": semconv.AZURE_OPENAI}
        return runtimes.get(str(runtime), "") or found.provider


def _default_port(scheme: str) -> int:
    return {"https": 443, "http": 80}.get(scheme, 0)


def _cloud_region(client: Any) -> str:
    for name in ("aws_region", "region", "_region"):
        value = getattr(client, name, None)
        if isinstance(value, str) and value:
            return value
    return ""
