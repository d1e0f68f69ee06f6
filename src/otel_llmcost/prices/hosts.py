"""Which provider stands behind a host. A host that no table knows is unknown, never a provider's price list.

Host names as listed in the providers' API references, checked 2026-11-22.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from .. import semconv
from .providers import provider_name

FIRST_PARTY, GATEWAY, LOCAL, UNKNOWN, DELEGATED = "first_party", "gateway", "local", "unknown", "delegated"

HOSTS: dict[str, str] = {
    "api.openai.com": semconv.OPENAI,
    "api.anthropic.com": semconv.ANTHROPIC,
    "openai.azure.com": semconv.AZURE_OPENAI,
    "services.ai.azure.com": semconv.AZURE_OPENAI,
    "cognitiveservices.azure.com": semconv.AZURE_OPENAI,
    "azure-api.net": semconv.AZURE_OPENAI,
    "models.ai.azure.com": semconv.AZURE_INFERENCE,
    "generativelanguage.googleapis.com": semconv.GEMINI,
    "aiplatform.googleapis.com": semconv.VERTEX,
    "openrouter.ai": semconv.OPENROUTER,
    "api.groq.com": semconv.GROQ,
    "api.deepseek.com": semconv.DEEPSEEK,
    "together.ai": semconv.TOGETHER,
    "together.xyz": semconv.TOGETHER,
    "api.fireworks.ai": semconv.FIREWORKS,
    "api.perplexity.ai": semconv.PERPLEXITY,
    "api.x.ai": semconv.X_AI,
    "api.moonshot.ai": semconv.MOONSHOT,
    "api.moonshot.cn": semconv.MOONSHOT,
    "api.mistral.ai": semconv.MISTRAL,
    "api.eu.mistral.ai": semconv.MISTRAL,
    "api.us.mistral.ai": semconv.MISTRAL,
    "codestral.mistral.ai": semconv.MISTRAL,
    "api.cohere.com": semconv.COHERE,
    "api.cohere.ai": semconv.COHERE,
    "api.cerebras.ai": semconv.CEREBRAS,
    "api.minimax.io": semconv.MINIMAX,
    "api.minimax.chat": semconv.MINIMAX,
    "api.minimaxi.com": semconv.MINIMAX,
    "api.minimaxi.chat": semconv.MINIMAX,
    "api.z.ai": semconv.Z_AI,
    "open.bigmodel.cn": semconv.Z_AI,
    "router.huggingface.co": semconv.HUGGINGFACE,
    "api-inference.huggingface.co": semconv.HUGGINGFACE,
    "modal.run": semconv.MODAL,
    "api.linkup.so": semconv.LINKUP,
}
"""A host, with everything below it: "us.api.openai.com", but not "api.openai.com.example"."""

_REGION_FIRST = (semconv.OPENAI, semconv.X_AI)
"""Providers whose regional hosts are the plain one with the region before it: "us.api.x.ai"."""

# Compiled on first use: most programs' hosts are in the table.
_BEDROCK = (
    r"(?:[a-z0-9-]+\.)?bedrock-(?:runtime|mantle)(?:-fips)?\.(?P<region>[a-z0-9-]+)"
    r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
)
_VERTEX = r"(?:(?P<before>[a-z0-9-]+)-)?aiplatform(?:\.(?P<after>[a-z0-9-]+)\.rep)?\.googleapis\.com"
_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet")


class HostFacts:
    """What a host says: provider, region ("" where it tells none), and kind.

    Kinds: first_party, gateway (the user named its provider), local (own hardware or network), unknown,
    delegated (an own gateway that is instrumented itself).
    """

    __slots__ = ("kind", "provider", "region")

    def __init__(self, provider: str, region: str, kind: str) -> None:
        self.provider, self.region, self.kind = provider, region, kind


_LOCAL = HostFacts(semconv.LOCAL, "", LOCAL)
_UNKNOWN = HostFacts(semconv.UNKNOWN, "", UNKNOWN)


def resolve_host(host: str, user_map: Mapping[str, str], *, port: int = 0, path: str = "") -> HostFacts:
    """Who answers at a host; a few microseconds, so callers keep the answer per client.

    `user_map` wins: keys are "host", "*.domain", "host:port" or "host:port/path-prefix", values a provider,
    "local" or "delegated". A host and a key may be an address, too ("https://gateway.example.com/v1").
    """
    name, own_port, own_path = taken_apart(host)
    chosen = _chosen(name, port or own_port, path or own_path, user_map) if user_map else ""
    if chosen:
        return _as_chosen(chosen, name)
    return _published(name)


def region_of_host(host: str) -> str:
    """The region that a provider's own host name tells, or ""."""
    return _published(taken_apart(host)[0]).region


def without_scheme(address: str) -> str:
    """An address without "https://" before it; whoever names a host may have copied a client's base_url."""
    before, sign, rest = address.partition("://")
    return rest if sign else before


def taken_apart(host: str) -> tuple[str, int, str]:
    """(name, port or 0, path without its first slash) of a host, of "host:port", or of an address, in small letters."""
    place, _, path = without_scheme(host.strip().lower()).partition("/")
    name, digits = place, ""
    if place.count(":") == 1 or "]:" in place:
        name, _, digits = place.rpartition(":")
    return name.strip("[]").rstrip("."), int(digits) if digits.isdecimal() else 0, path


def _chosen(name: str, port: int, path: str, user_map: Mapping[str, str]) -> str:
    best, chosen = 0, ""
    for key, provider in user_map.items():
        key = without_scheme(key.lower())
        place, slash, prefix = key.partition("/")
        place = place.rstrip(".")
        if slash and not f"{path.lower().strip('/')}/".startswith(f"{prefix.strip('/')}/".lstrip("/")):
            continue
        if place in (name, f"{name}:{port}", f"[{name}]", f"[{name}]:{port}"):
            fit = 1000 + len(key)
        elif place.startswith("*.") and name.endswith(place[1:]):
            fit = len(key)
        else:
            continue
        if fit >= best:  # the later one: the environment over the file
            best, chosen = fit, provider
    return chosen


def _as_chosen(chosen: str, name: str) -> HostFacts:
    region = _published(name).region
    if chosen == DELEGATED:
        return HostFacts(semconv.UNKNOWN, region, DELEGATED)
    provider = provider_name(chosen)
    return _LOCAL if provider == semconv.LOCAL else HostFacts(provider, region, GATEWAY)


def _published(name: str) -> HostFacts:
    labels = name.split(".")
    for start in range(len(labels) - 1):
        provider = HOSTS.get(".".join(labels[start:]))
        if provider is not None:
            return HostFacts(provider, _region_told(provider, labels, start), FIRST_PARTY)
    if bedrock := re.fullmatch(_BEDROCK, name):
        return HostFacts(semconv.BEDROCK, bedrock["region"], FIRST_PARTY)
    if vertex := re.fullmatch(_VERTEX, name):
        return HostFacts(semconv.VERTEX, vertex["before"] or vertex["after"] or "", FIRST_PARTY)
    return _LOCAL if _is_private(name) else _UNKNOWN


def _region_told(provider: str, labels: list[str], start: int) -> str:
    """The region among a host's labels; those from `start` on are the ones that told the provider."""
    if provider == semconv.VERTEX:
        return labels[0] if start else "global"
    if provider == semconv.MISTRAL:
        return labels[1] if len(labels) == 4 and not start else ""
    return labels[0] if provider in _REGION_FIRST and start == 1 else ""


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_private(name: str) -> bool:
    if not name:
        return False
    if "." not in name and ":" not in name:
        return True  # a bare name is one of this machine or this network: localhost, a container's
    if name.endswith(_PRIVATE_ENDINGS):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_global
