"""Whose model is it, and what is it called: provider ids, upstream spellings, matching clauses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

GENAI_PROVIDERS: dict[str, tuple[str, ...]] = {
    "anthropic": ("anthropic",),
    "aws": ("aws.bedrock",),
    "azure": ("azure.ai.openai", "azure.ai.inference"),
    "cerebras": ("cerebras",),
    "cohere": ("cohere",),
    "deepseek": ("deepseek",),
    "fireworks": ("fireworks_ai",),
    "google": ("gcp.gemini", "gcp.vertex_ai"),
    "groq": ("groq",),
    "minimax": ("minimax",),
    "mistral": ("mistral_ai",),
    "modal": ("modal",),
    "moonshotai": ("moonshot_ai",),
    "openai": ("openai",),
    "openrouter": ("openrouter",),
    "perplexity": ("perplexity",),
    "together": ("together_ai",),
    "x-ai": ("x_ai",),
    "zai": ("z_ai",),
}
"""Catalogue id -> our provider ids (otel_llmcost.semconv); two where it does not tell them apart."""

_LITELLM_PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "bedrock_mantle": "aws.bedrock",
    "cerebras": "cerebras",
    "codestral": "mistral_ai",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "deepseek": "deepseek",
    "fireworks_ai": "fireworks_ai",
    "fireworks_ai-embedding-models": "fireworks_ai",
    "gemini": "gcp.gemini",
    "groq": "groq",
    "linkup": "linkup",
    "minimax": "minimax",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "text-completion-codestral": "mistral_ai",
    "text-completion-openai": "openai",
    "together_ai": "together_ai",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
    "zai": "z_ai",
}

FIRST_PARTY = frozenset(
    {
        "openai",
        "anthropic",
        "gcp.gemini",
        "mistral_ai",
        "deepseek",
        "x_ai",
        "cohere",
        "perplexity",
        "moonshot_ai",
        "groq",
        "cerebras",
        "minimax",
        "z_ai",
    }
)
"""Where the seller is the maker or the only host: two catalogues that differ here stop the build."""

BEDROCK_GEOGRAPHIES = ("us-gov", "us", "eu", "apac", "au", "jp", "ca", "in", "global", "regional")

_PREFIXES = (
    "anthropic/",
    "cerebras/",
    "codestral/",
    "cohere/",
    "deepseek/",
    "fireworks_ai/",
    "gemini/",
    "groq/",
    "linkup/",
    "minimax/",
    "mistral/",
    "moonshot/",
    "openai/",
    "openrouter/",
    "perplexity/",
    "text-completion-codestral/",
    "together_ai/",
    "vertex_ai/",
    "watsonx/",
    "xai/",
    "zai/",
)
_IMAGE_TERMS = re.compile(
    r"^((?:low|medium|high|hd|standard|auto|\d+-x-\d+|max-x-max|\d+-steps|max-steps)/)+"
)
_VERSION = r"\d*(?:[-@](?:\d|preview|latest|exp|thinking|default).*)?"
_PER_PROMPT = re.compile(r"gemini-(1\.5|2\.0|2\.5)|gemini-(flash|pro)-1\.5")
_AWS_REGION = re.compile(r"^[a-z]{2}(?:-gov)?-[a-z]+-\d$")


@dataclass(frozen=True)
class Named:
    """A catalogue's key taken apart. `committed` marks provisioned terms, which have no price per call."""

    model: str
    region: str = ""
    image: str = ""
    committed: bool = False


@dataclass
class Names:
    """How a model may be written: exact aliases, prefixes, regular expressions."""

    aliases: set[str] = field(default_factory=set)
    prefixes: set[str] = field(default_factory=set)
    regexes: set[str] = field(default_factory=set)
    moved: set[tuple[str, str, str]] = field(default_factory=set)
    """(name, from, to): what was this model's name for some time, and another model's before or after."""

    def merged(self, more: Names) -> Names:
        """The names of both."""
        return Names(
            self.aliases | more.aliases,
            self.prefixes | more.prefixes,
            self.regexes | more.regexes,
            self.moved | more.moved,
        )

    def listed(self, model: str) -> list[str | dict[str, str]]:
        """The aliases in the row form, in a stable order."""
        moved = [
            {"name": name} | {key: day for key, day in (("from", start), ("to", end)) if day}
            for name, start, end in sorted(self.moved)
        ]
        return [*sorted_names(alias for alias in self.aliases if alias != model), *moved]

    def covers(self, name: str) -> bool:
        """Whether `name` would be matched."""
        lowered = name.lower()
        return (
            lowered in {alias.lower() for alias in self.aliases}
            or any(lowered.startswith(prefix.lower()) for prefix in self.prefixes)
            or any(re.fullmatch(regex, name) for regex in self.regexes)
        )

    def match(self) -> list[dict[str, str]]:
        """The row form: a list of one-key tables, in a stable order."""
        found = [{"prefix": prefix} for prefix in sorted(self.prefixes)]
        return found + [{"regex": regex} for regex in sorted(self.regexes)]


def litellm_provider(name: str, provider: str) -> str:
    """Our provider id for an entry of LiteLLM's map, "" where we have none."""
    if name.startswith("bedrock/claude_platform/"):
        return ""  # Anthropic's own endpoint hosted by AWS: first-party names and prices
    if provider.startswith("vertex_ai"):
        return "gcp.vertex_ai"
    return _LITELLM_PROVIDERS.get(provider, "")


def litellm_name(name: str, provider: str) -> Named:
    """A key of LiteLLM's map taken apart into model, region, image size and quality."""
    image = ""
    rest = name.removeprefix("azure/") if provider == "azure.ai.openai" else name
    if found := _IMAGE_TERMS.match(rest):
        image, rest = _image_terms(found.group(0)), rest[found.end() :]
    if provider == "aws.bedrock":
        return _bedrock_name(rest, image)
    if provider == "azure.ai.openai":
        return _azure_name(rest, image)
    if provider == "azure.ai.inference":
        return Named(rest.removeprefix("azure_ai/"), image=image)
    for prefix in _PREFIXES:
        if rest.startswith(prefix):
            return Named(rest.removeprefix(prefix), image=image)
    return Named(rest, image=image)


def _image_terms(text: str) -> str:
    """LiteLLM's "hd/1024-x-1792/" as our variant "1024x1792/hd"."""
    parts = [part for part in text.strip("/").split("/") if part]
    sizes = [part.replace("-x-", "x") for part in parts if "-x-" in part]
    others = [part for part in parts if "-x-" not in part]
    return "/".join([*sizes, *others])


def _azure_name(rest: str, image: str) -> Named:
    for zone, region in (
        ("global-standard/", "global"),
        ("global/", "global"),
        ("us-gov/", "us-gov"),
        ("us/", "us"),
        ("eu/", "eu"),
        ("apac/", "apac"),
    ):
        if rest.startswith(zone):
            return Named(rest.removeprefix(zone), region=region, image=image)
    return Named(rest, image=image)


def _bedrock_name(rest: str, image: str) -> Named:
    region, committed = "", "commitment" in rest
    while "/" in rest:
        head, _, rest = rest.partition("/")
        if _AWS_REGION.match(head) and not committed:
            region = head
    model, geography = split_geography(rest)
    return Named(model, region=region or geography, image=image, committed=committed)


def split_geography(name: str) -> tuple[str, str]:
    """("anthropic.claude-x", "us") of "us.anthropic.claude-x"; "regional" is a catalogue's word for "not global"."""
    for geography in BEDROCK_GEOGRAPHIES:
        if name.startswith(f"{geography}."):
            return name.removeprefix(f"{geography}."), "" if geography == "regional" else geography
    return name, ""


def clause_names(clause: Mapping[str, Any], *, strict: bool = False) -> Names:
    """genai-prices' matching clause as aliases, prefixes and regular expressions.

    "contains" becomes a prefix: our book strips provider prefixes, regions and ARNs before it matches.
    `strict` lets a prefix be followed by a version only, never by the name of a smaller model ("-lite").
    """
    names = Names()
    match clause:
        case {"_": "ClauseOr", "or_": parts}:
            for part in parts:
                _merge(names, clause_names(part, strict=strict))
        case {"_": "ClauseAnd", "and_": [{"starts_with": prefix}, {"regex": regex}]}:
            names.regexes.add(f"{regex.removeprefix('^')}{re.escape(prefix)}{_VERSION if strict else '.*'}")
        case {"equals": text} | {"ends_with": text}:
            names.aliases.add(text)
        case {"starts_with": text} | {"contains": text} if strict and not text.endswith(("-", "@")):
            names.regexes.add(f"{re.escape(text)}{_VERSION}")
        case {"starts_with": text} | {"contains": text}:
            names.prefixes.add(text)
        case {"regex": text}:
            names.regexes.add(text)
        case _:
            raise ValueError(f"unknown matching clause: {clause}")
    return names


def _merge(into: Names, other: Names) -> None:
    into.aliases |= other.aliases
    into.prefixes |= other.prefixes
    into.regexes |= other.regexes


def without_geography(names: Names) -> Names:
    """Bedrock's names without their region: the book reads the region from the id and knows it by then."""
    return Names(
        aliases={name for text in names.aliases for name in _bedrock_names(text)},
        prefixes={name for text in names.prefixes for name in _bedrock_names(text)},
        regexes=set(names.regexes),
    )


def _bedrock_names(text: str) -> tuple[str, ...]:
    name = split_geography(text.rpartition("/")[2])[0]
    return (name, f"anthropic.{name}") if name.startswith("claude") else (name,)


def sorted_names(names: Iterable[str]) -> list[str]:
    """Stable order: shortest first, then by letter."""
    return sorted(set(names), key=lambda name: (len(name), name))


def bills_grounding_per_prompt(provider: str, model: str) -> bool:
    """Gemini before 3 bills grounding once a prompt, later models once a search query."""
    return provider.startswith("gcp.") and bool(_PER_PROMPT.search(model))
