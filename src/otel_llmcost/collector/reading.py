"""The statements that read a span: who was called, on which terms, how many tokens of what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .. import semconv as s
from ..call import ESTIMATED_NOTE, note
from ..prices.hosts import HOSTS, taken_apart
from ..prices.providers import SPELLINGS, provider_name
from ..spans.aliases import ALIASES
from ..spans.dialects import CACHE, LIFETIMES, WRITES
from ..spans.openinference import NAMES as OPENINFERENCE_NAMES
from ..spans.vercel import NAMES as VERCEL_NAMES
from ..usage.terms import STANDARD
from .bodies import bodies
from .leaves import CONVENTIONS, OPENINFERENCE, VERCEL, Leaf
from .ottl import Statements, assign, attribute, cache, first_of, one_of, quoted
from .statements import IN_WORK, PRICING, pricing
from .terms import doubt, tier_spellings

SCOPE = "instrumentation_scope.name"
FOREIGN_COSTS = (s.COST, s.STATUS, "llm.cost.total", "operation.cost", "langfuse.observation.cost_details")
"""A span with one of these has its cost already: it is neither priced nor counted."""
MISSING = "-1"
_KNOWN_HOSTS = ("api.openai.com", "api.anthropic.com")
_PRIVATE = (
    r"^(\[?::1\]?|\[?f[cd][0-9a-f]{2}:.*|127\..*|10\..*|192\.168\..*|172\.(1[6-9]|2[0-9]|3[01])\..*"
    r"|169\.254\..*|0\.0\.0\.0|[^.:]+|.*\.(localhost|local|internal|lan|home\.arpa|intranet))$"
)


def spellings(kind: str) -> Mapping[str, tuple[str, ...]]:
    """Our attribute -> the names under which spans of a kind may carry it, the first one wins."""
    rows: Iterable[tuple[str, str]] = ()
    if kind == CONVENTIONS:
        rows = ALIASES.items()
    elif kind == OPENINFERENCE:
        rows = OPENINFERENCE_NAMES
    elif kind == VERCEL:
        rows = (*ALIASES.items(), *VERCEL_NAMES, ("ai.model.provider", s.PROVIDER))
    found: dict[str, list[str]] = {}
    for theirs, ours in rows:
        found.setdefault(ours, [] if kind == OPENINFERENCE else [ours]).append(theirs)
    return {ours: tuple(dict.fromkeys(names)) for ours, names in found.items()}


def reading(leaves: tuple[Leaf, ...], hosts: Mapping[str, str]) -> Iterable[Statements]:
    """From spans of the listed scopes to one map of what they say."""
    for kind in (CONVENTIONS, OPENINFERENCE, VERCEL):
        scopes = [leaf.scope for leaf in leaves if leaf.names == kind]
        if scopes:
            yield _read(kind, scopes)
    yield _tiers()
    yield from bodies()
    yield _doubts(leaves)
    yield _spelled()
    yield _hosts(hosts)
    yield _bedrock()
    yield _vertex()


def _scope_is(scopes: Iterable[str]) -> str:
    pattern = "|".join(
        re.escape(scope).replace("/", r"\/") for scope in sorted(scopes, key=len, reverse=True)
    )
    return f"IsMatch({SCOPE}, {quoted(rf'^({pattern})([._/].*)?$')})"


def _value(kind: str, ours: str, otherwise: str) -> str:
    return first_of(*(attribute(name) for name in spellings(kind).get(ours, (ours,))), otherwise)


def _read(kind: str, scopes: list[str]) -> Statements:
    conditions = [*(f"{attribute(name)} == nil" for name in FOREIGN_COSTS), _scope_is(scopes)]
    if kind == CONVENTIONS:
        # Logfire ends a streamed call's span when the stream begins; another one, written later, has the usage.
        told = " or ".join(f"{attribute(name)} != nil" for name in (s.RESPONSE_ID, s.INPUT_TOKENS))
        conditions.append(f"({attribute('logfire.span_type')} == nil or {told})")
    group = Statements(
        [*_operation_is_priced(kind), *conditions],
        comment=f"Spans that are calls and have no cost yet ({kind}).",
    )
    group.add(*_tier(kind))
    base = attribute("gen_ai.openai.api_base")
    based = f'URL({base})["url.domain"]'
    group.add(assign(cache("based"), based, f"{attribute(s.SERVER_ADDRESS)} == nil and IsString({base})"))
    listed = ", ".join(f"{quoted(name)}: {path}" for name, path in _fields(kind).items())
    group.add(assign(attribute(PRICING), f"{{{listed}}}"))
    text = note(ESTIMATED_NOTE, "the served tier is not on the span, the requested one is taken")
    asked, tier = cache("asked"), cache("tier")
    plain = one_of(asked, ("", STANDARD, "standard_only"))
    group.add(*doubt(text, f"{asked} != nil and not {plain} and {tier} == {asked}"))
    return group


def _tier(kind: str) -> Iterable[str]:
    """The served tier, else the requested one, else the usual one."""
    tier, asked = cache("tier"), cache("asked")
    requested = (s.OPENAI_REQUEST_TIER, "gen_ai.openai.request.service_tier")
    yield assign(tier, _value(kind, s.SERVICE_TIER, quoted("")))
    yield assign(asked, first_of(*map(attribute, requested), quoted("")), f'{tier} == ""')
    yield assign(tier, asked, f'{tier} == "" and {asked} != "auto" and {asked} != "default"')
    yield assign(tier, quoted(STANDARD), f'{tier} == "" or {tier} == "default"')


def _fields(kind: str) -> Mapping[str, str]:
    """What the groups hand on, in the beginning."""

    def count(ours: str, otherwise: str) -> str:
        return f"Int({_value(kind, ours, otherwise)})"

    return {
        "provider": _value(kind, s.PROVIDER, quoted("")),
        "asked": _value(kind, s.REQUEST_MODEL, quoted("")),
        "answered": _value(kind, s.RESPONSE_MODEL, quoted("")),
        "host": first_of(attribute(s.SERVER_ADDRESS), cache("based"), quoted("")),
        "tier": cache("tier"),
        "speed": first_of(attribute(s.SPEED), quoted("")),
        "region": first_of(attribute(s.REGION), quoted("")),
        "input": count(s.INPUT_TOKENS, MISSING),
        "output": count(s.OUTPUT_TOKENS, MISSING),
        "cache_read": count(s.CACHE_READ_TOKENS, "0"),
        "cache_write": count(s.CACHE_WRITE_TOKENS, "0"),
        "reasoning": count(s.REASONING_TOKENS, "0"),
        "names": quoted(""),
        "records": quoted(""),
        "notes": "[]",
    }


def _tiers() -> Statements:
    tier = pricing("tier")
    usual = one_of(tier, (STANDARD, "flex", "batch", "priority"))
    group = Statements([IN_WORK, f"not {usual}"], comment="Tiers under other names.")
    group.add(*tier_spellings(tier))
    return group


def _operation_is_priced(kind: str) -> list[str]:
    if kind == OPENINFERENCE:
        return [one_of(attribute("openinference.span.kind"), ("LLM", "EMBEDDING"))]
    if kind == VERCEL:
        return [f"IsMatch(span.name, {quoted(r'[.](doGenerate|doStream|doEmbed)$')})"]
    operations = (
        *sorted(s.PRICED_OPERATIONS - {s.SETTLE}),
        "completion",
        "embedding",
        "responses",
        "message",
    )
    named = first_of(attribute(s.OPERATION), attribute("llm.request.type"), quoted(s.CHAT))
    pattern = "|".join(operations)
    # Most spans are no model calls: they are let go after three looks.
    marks = (s.OPERATION, s.SYSTEM_OLD, "llm.request.type")
    some = "(" + " or ".join(f"{attribute(mark)} != nil" for mark in marks) + ")"
    chat = f"{attribute(s.OPERATION)} == {quoted(s.CHAT)}"
    return [some, f"({chat} or IsMatch({named}, {quoted(f'^({pattern})$')}))"]


def _doubts(leaves: tuple[Leaf, ...]) -> Statements:
    """What such spans hide, and whether their counts include each other."""
    group = Statements([IN_WORK], comment="What is doubtful about such spans.")
    cached = f"({pricing('cache_read')} > 0 or {pricing('cache_write')} > 0)"
    counted = f"{pricing('body')} == nil and "
    doubtful = [leaf.scope for leaf in leaves if leaf.inclusive is None]
    if doubtful:
        text = note(
            ESTIMATED_NOTE, "whether the input count includes cached tokens is not known; it is assumed"
        )
        group.add(*doubt(text, f"{counted}{cached} and {_scope_is(doubtful)}"))
    undated = [leaf.scope for leaf in leaves if LIFETIMES in leaf.leaves_out]
    if undated:
        text = note(ESTIMATED_NOTE, "cache lifetimes are not on the span, the default one is assumed")
        group.add(*doubt(text, f"{counted}{pricing('cache_write')} > 0 and {_scope_is(undated)}"))
    hidden = [leaf.scope for leaf in leaves if WRITES in leaf.leaves_out]
    if hidden:
        text = note(ESTIMATED_NOTE, "spans of this scope hide cache writes, priced as plain input")
        at_anthropic = f"{pricing('provider')} == {quoted(s.ANTHROPIC)} and {pricing('cache_write')} == 0"
        group.add(*doubt(text, f"{counted}{at_anthropic} and {_scope_is(hidden)}"))
    hiding = [leaf.scope for leaf in leaves if CACHE in leaf.leaves_out]
    if hiding:
        text = note(ESTIMATED_NOTE, "cached tokens are not on this span")
        untold = " and ".join(
            f"{attribute(name)} == nil"
            for name in spellings(CONVENTIONS)[s.CACHE_READ_TOKENS]
            if "cache_read" in name
        )
        at_work = f"{attribute(s.OPERATION)} != {quoted(s.EMBEDDINGS)}"
        group.add(*doubt(text, f"{counted}{untold} and {at_work} and {_scope_is(hiding)}"))
    return group


def _spelled() -> Statements:
    """Other spellings of providers, in the conventions' names."""
    provider = pricing("provider")
    ours = sorted(set(SPELLINGS.values()))
    group = Statements([IN_WORK, f"not {one_of(provider, ours)}"], comment="Providers under other names.")
    group.add(assign(provider, f"ToLowerCase({provider})"))
    group.add(assign(provider, f'Split({provider}, ".")[0]', f'HasSuffix({SCOPE}, "ai") and {SCOPE} == "ai"'))
    for spelling, name in SPELLINGS.items():
        if spelling != name:
            group.add(assign(provider, quoted(name), f"{provider} == {quoted(spelling)}"))
    return group


def _hosts(own: Mapping[str, str]) -> Statements:
    """The provider that the host tells, where the instrumentation writes the client library's name."""
    provider, host, region = pricing("provider"), pricing("host"), pricing("region")
    library = one_of(provider, ("", s.OPENAI, s.ANTHROPIC))
    group = Statements(
        [IN_WORK, f'{host} != ""', f"not {one_of(host, _KNOWN_HOSTS)}", library],
        comment="The host decides the provider; an unknown one never gets a provider's prices.",
    )
    name, found = cache("host"), cache("found")
    group.add(assign(name, f"ToLowerCase({host})"))
    for suffix, owner in HOSTS.items():
        group.add(
            assign(
                found,
                quoted(owner),
                f"{name} == {quoted(suffix)} or HasSuffix({name}, {quoted('.' + suffix)})",
            )
        )
    group.add(
        assign(found, quoted(s.BEDROCK), rf'IsMatch({name}, "^(.*\\.)?bedrock-(runtime|mantle)(-fips)?\\.")'),
        assign(
            found,
            quoted(s.VERTEX),
            rf'IsMatch({name}, "^([a-z0-9-]+-)?aiplatform(\\.[a-z0-9-]+\\.rep)?\\.googleapis\\.com$")',
        ),
        assign(found, quoted(s.LOCAL), f"{found} == nil and IsMatch({name}, {quoted(_PRIVATE)})"),
        *(assign(found, quoted(owner), _is_host(name, *place)) for place, owner in _owners(own).items()),
        assign(found, quoted(s.UNKNOWN), f"{found} == nil"),
        assign(provider, found),
        assign(region, f'Split({name}, ".")[0]', f'{region} == "" and HasSuffix({name}, ".api.openai.com")'),
    )
    return group


def _owners(own: Mapping[str, str]) -> Mapping[tuple[str, int], str]:
    """(host, port or 0) -> provider. Spans tell no path: a host with several providers by path is unknown."""
    found: dict[tuple[str, int], str] = {}
    for key, named in own.items():
        name, port, _ = taken_apart(key)
        owner = provider_name(named)
        found[name, port] = owner if found.get((name, port), owner) == owner else s.UNKNOWN
    return found


def _is_host(name: str, host: str, port: int) -> str:
    """Whether a host is the one that the user names: "host", "*.domain" or "host:port"."""
    if host.startswith("*."):
        return f"HasSuffix({name}, {quoted(host[1:])})"
    place = f"{name} == {quoted(host)}"
    return f"{place} and {attribute(s.SERVER_PORT)} == {port}" if port else place


def _bedrock() -> Statements:
    """Bedrock's regional profiles and ARNs: the region stands in the model's name."""
    region = pricing("region")
    group = Statements(
        [IN_WORK, f"{pricing('provider')} == {quoted(s.BEDROCK)}"], comment="Names of Bedrock."
    )
    host = pricing("host")
    group.add(assign(region, f'Split({host}, ".")[1]', f'{region} == "" and HasPrefix({host}, "bedrock-")'))
    profile = r"^(global|us-gov|us|eu|apac|jp|au|ca|sa|me|in)\."
    for kind in ("answered", "asked"):
        path = pricing(kind)
        group.add(
            assign(region, f'Split({path}, ":")[3]', f'HasPrefix({path}, "arn:")'),
            f'replace_pattern({path}, "^arn:.*/", "") where HasPrefix({path}, "arn:")',
            assign(region, f'Split({path}, ".")[0]', f"IsMatch({path}, {quoted(profile)})"),
            f'replace_pattern({path}, {quoted(profile)}, "")',
        )
    return group


def _vertex() -> Statements:
    """Vertex's hosts tell the region."""
    region, host = pricing("region"), pricing("host")
    group = Statements(
        [IN_WORK, f"{pricing('provider')} == {quoted(s.VERTEX)}", f'{region} == ""'],
        comment="Hosts of Vertex.",
    )
    group.add(
        assign(region, f'Split({host}, "-aiplatform")[0]', f'Index({host}, "-aiplatform") > 0'),
        assign(region, quoted("global"), f'{host} == "aiplatform.googleapis.com"'),
    )
    return group
