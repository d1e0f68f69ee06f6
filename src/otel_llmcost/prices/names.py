"""Model names as callers write them, turned into the names that price rows may have.

A name is looked up as it stands first; only where no row knows it, its plainer readings are tried in order:
without a provider prefix, a path, an ARN, a regional profile, a version, a date. Nothing here ever leads from
one model to another: a fine-tune does not become its base model, a size or a month does not disappear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .. import semconv
from .providers import SPELLINGS

_DATE = re.compile(r"[-@](?:20\d\d-\d\d-\d\d|20\d{6})$")
_PROFILE = re.compile(r"(global|us-gov|us|eu|apac|jp|au|ca|sa|me|in|regional)\.(?=[a-z0-9-]+\.)")
_UNNAMED_PLACE = "regional"
"""Stands in catalogues for any geographic profile: the price of the model's own region."""
_BEDROCK_VERSION = re.compile(r"(?:-v\d+)?(?::\d+)?(?::\d+k|:mm)?$")
_REVISION = re.compile(r"@\d{3}$")
_ROUTES = re.compile(r":(?:nitro|floor|exacto|online|beta)$")
_LITELLM_ROUTE = re.compile(r"(?:converse|converse_like|invoke)/")
_LITELLM_REGION = re.compile(r"([a-z]{2}(?:-gov)?-[a-z]+-\d)/")
_LITELLM_ZONE = re.compile(r"(?:(us|eu|global)(?:-standard)?)/")
_FT_AZURE = re.compile(r"^(?P<base>.+?)\.ft-.+$")
_PLACES = {
    semconv.BEDROCK: _LITELLM_REGION,
    semconv.AZURE_OPENAI: _LITELLM_ZONE,
    semconv.AZURE_INFERENCE: _LITELLM_ZONE,
}
_REGIONAL = (semconv.BEDROCK, semconv.VERTEX, *_PLACES)
_OPAQUE = ("application-inference-profile/", "custom-model-deployment/", "imported-model/", "custom-model/")


class Reading(NamedTuple):
    """One way to read a model name; `region` is the place that the name tells, `doubt` why it is not sure."""

    name: str
    region: str = ""
    committed: bool = False
    doubt: str = ""


def readings(provider: str, model: str) -> Iterator[Reading]:
    """The readings of a model name at a provider, the most literal one first, each name once."""
    seen: set[str] = set()
    for reading in _all_readings(provider, model.strip()):
        if reading.name and reading.name not in seen:
            seen.add(reading.name)
            yield reading


def _all_readings(provider: str, model: str) -> Iterator[Reading]:
    yield Reading(model)
    located = _unwrap(provider, model)
    yield located
    for name, doubt in _plainer(provider, located.name):
        yield Reading(name, located.region, located.committed, doubt)
    for name, doubt in _plainer(provider, located.name.lower()):
        yield Reading(name, located.region, located.committed, doubt)


def region_of(provider: str, model: str) -> str:
    """The region that a model name carries (a Bedrock profile, an ARN, a Vertex path), or ""."""
    if provider not in _REGIONAL:
        return ""
    return _unwrap(provider, model).region


def is_committed(provider: str, model: str) -> bool:
    """Whether a name is that of provisioned capacity (a Bedrock ARN)."""
    return provider == semconv.BEDROCK and _unwrap(provider, model).committed


def _unwrap(provider: str, model: str) -> Reading:
    name, region = _without_prefix(provider, model)
    if name.startswith("arn:"):
        return _arn(name)
    if provider == semconv.BEDROCK:
        profile = _PROFILE.match(name)
        if profile is None:
            return Reading(name, region)
        return Reading(name[profile.end() :], "" if profile[1] == _UNNAMED_PLACE else profile[1])
    if name.startswith("projects/"):
        _, _, rest = name.partition("/locations/")
        region, _, name = rest.partition("/")
    for path in ("publishers/", "models/", "accounts/"):
        if name.startswith(path):
            name = name.rpartition("models/")[2] or name
    return Reading(name, region)


def _without_prefix(provider: str, model: str) -> tuple[str, str]:
    """The name without its provider, as LiteLLM and OpenRouter write it, and the region that stood between."""
    prefix, slash, rest = model.partition("/")
    if not (slash and prefix and SPELLINGS.get(prefix, prefix) == provider):
        return model, ""
    if route := _LITELLM_ROUTE.match(rest):
        rest = rest[route.end() :]
    placed = _PLACES[provider].match(rest) if provider in _PLACES else None
    return (rest[placed.end() :], placed[1]) if placed else (rest, "")


def _arn(name: str) -> Reading:
    parts = name.split(":", 5)
    if len(parts) < 6:
        return Reading(name)
    region, resource = parts[3], parts[5]
    if resource.startswith(_OPAQUE):
        return Reading(name, region)
    kind, _, model = resource.partition("/")
    if kind == "provisioned-model":
        return Reading(model, region, committed=True)
    profile = _PROFILE.match(model)
    return Reading(model[profile.end() :], profile[1]) if profile else Reading(model, region)


def _plainer(provider: str, name: str) -> Iterator[tuple[str, str]]:
    yield name, ""
    if name.startswith("ft:"):
        yield from _fine_tuned(name)
        return
    azure_tune = _FT_AZURE.match(name)
    if azure_tune:
        yield from _fine_tuned(f"ft:{azure_tune['base']}")
        return
    if provider == semconv.OPENROUTER and _ROUTES.search(name):
        yield from _plainer(provider, _ROUTES.sub("", name))
        return
    dated = name.replace("@", "-")
    yield dated, ""
    if provider == semconv.BEDROCK:
        yield from _bedrock(name)
    if provider in (semconv.AZURE_OPENAI, semconv.AZURE_INFERENCE) and name.startswith("gpt-35"):
        yield from _plainer(provider, "gpt-3.5" + name.removeprefix("gpt-35"))
    plain = _DATE.sub("", dated)
    yield plain, ""
    if name.endswith(("@default", "@latest")) or _REVISION.search(name):
        yield name.rpartition("@")[0], ""


def _fine_tuned(name: str) -> Iterator[tuple[str, str]]:
    base = ":".join(name.split(":")[:2])
    yield base, ""
    yield _DATE.sub("", base), ""


def _bedrock(name: str) -> Iterator[tuple[str, str]]:
    # AnthropicBedrock answers with the plain model name where the request had Bedrock's own.
    for full in (name, f"anthropic.{name}") if name.startswith("claude") else (name,):
        plain = _BEDROCK_VERSION.sub("", full)
        yield full, ""
        yield plain, ""
        yield f"{plain}-v1:0", ""
        yield f"{plain}-v1", ""
        yield _DATE.sub("", plain), ""
