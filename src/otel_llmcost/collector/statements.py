"""The statements that price a span: read it, find the record of its model, choose the variant, multiply.

Values that several groups need stand in one map on the span, `PRICING`; it is removed before the span leaves.
(The collector's own cache either ends with a group or is shared by all spans of a batch.)
"""

from __future__ import annotations

from collections.abc import Iterable

from .. import semconv
from .ottl import PIECE, Statements, assign, attribute, cache, joined, quoted
from .records import ELSEWHERE, MOST_EPOCHS, MOST_LEVELS
from .tables import DATED, DIGITS, SEPARATORS, Group, Tables

PRICING = "llmcost.pricing"
"""A map on the span: what the groups hand on; at the end, the quantities of each meter."""
BEYOND = "llmcost.beyond"
"""On a span with more than input, cache reads and output: only there the counters of the rest are looked at."""
_CUTS = 6
"""How many parts of a name are cut off, one after the other, to find a pattern that holds for it."""
_DATE = r"[-@](?:20\d\d-\d\d-\d\d|20\d{6})$"
_LENGTH = 5


def pricing(name: str) -> str:
    """The path of a value that groups hand on."""
    return f"{attribute(PRICING)}[{quoted(name)}]"


IN_WORK = f"{attribute(PRICING)} != nil"
KEYS = {"answered": "llmcost.k1", "asked": "llmcost.k2", "number": "llmcost.no"}
"""What every group is asked about stands on the span itself: one step less to reach, forty times a span."""


def key_path(kind: str) -> str:
    """The path of a name to look for, or of the number of a record."""
    return attribute(KEYS[kind])


def lookup(tables: Tables) -> Iterable[Statements]:
    """From provider and model names to the record of the first name that has one."""
    yield _keys()
    for group in tables.names:
        yield _page_of(group, ("answered", "asked"), "names", "names: ")
    yield from _number(tables.dated)
    for group in tables.records:
        yield _page_of(group, ("number",), "records", "records: ")


def _keys() -> Statements:
    group = Statements([IN_WORK], comment="Names to look for: the response's model, then the request's.")
    provider, prefix = cache("provider"), cache("prefix")
    group.add(
        assign(provider, joined(pricing("provider"), quoted("|"))),
        assign(prefix, joined(pricing("provider"), quoted("/"))),
        assign(prefix, quoted("/"), f"{pricing('provider')} == {quoted(semconv.OPENROUTER)}"),
    )
    for kind in ("answered", "asked"):
        name = joined(provider, f"TrimPrefix({pricing(kind)}, {prefix})")
        differs = f"{pricing('asked')} != {pricing('answered')} and " if kind == "asked" else ""
        group.add(assign(key_path(kind), name, f'{differs}{pricing(kind)} != ""'))
    return group


def _page_of(group: Group, keys: tuple[str, ...], into: str, comment: str) -> Statements:
    """Puts the page in which a key would stand behind the pages that were found already."""
    bounds = " or ".join(_between(key_path(key), group.first, group.until) for key in keys)
    statements = Statements([f"({bounds})"], comment=f"{comment}{group.first or 'the first'} ...")
    statements.add(*(assign(cache(key), key_path(key)) for key in keys))
    for page in group.pages:
        inside = " or ".join(_between(cache(key), page.first, page.until) for key in keys)
        pieces = PIECE.join(quoted(piece)[1:-1] for piece in page.text())
        text = f'"{PIECE}{pieces}{PIECE}"'
        if len(keys) > 1:
            text = joined(pricing(into), text)
        statements.add(assign(pricing(into), text, inside))
    return statements


def _between(path: str, first: str, until: str) -> str:
    return f"{path} >= {quoted(first or '!')} and {path} < {quoted(until)}"


def _number(dated: bool) -> Iterable[Statements]:
    at, needle, names = cache("at"), cache("needle"), cache("names")
    found = assign(key_path("number"), f"Substring({names}, {at} + Len({needle}), {DIGITS})", f"{at} >= 0")
    answered = key_path("answered")
    exact = Statements(
        [IN_WORK, f"{answered} != nil", f'{pricing("names")} != ""'],
        comment="The number of the record of the response's model.",
    )
    exact.add(
        assign(names, pricing("names")),
        assign(needle, joined(quoted(";"), answered, quoted("="))),
        assign(at, f"Index({names}, {needle})"),
        found,
    )
    yield exact
    group = Statements(
        [IN_WORK, f"{key_path('number')} == nil", f'{pricing("names")} != ""'],
        comment="Else of a pattern that it begins with, of the name without its date, of the request's model.",
    )
    group.add(assign(at, "0 - 1"), assign(names, pricing("names")))
    for kind in ("answered", "asked"):
        group.add(*_readings(key_path(kind), dated))
        if kind == "answered":
            group.add(assign(cache("own"), "true", f"{at} >= 0"))
    borrowed = f"{at} >= 0 and {cache('own')} == nil and {answered} != nil"
    group.add(assign(pricing("matched"), "true", borrowed), found)
    yield group


def _readings(path: str, dated: bool) -> Iterable[str]:
    """The name itself, that name with any date, the patterns that it begins with, the name without its date."""
    cut, open_ = cache("cut"), f"{cache('at')} < 0 and {path} != nil"
    yield from _seek(joined(quoted(";"), path, quoted("=")), open_)
    if dated:
        yield assign(cut, path, open_)
        yield f'replace_pattern({cut}, {quoted(_DATE)}, "") where {open_}'
        yield from _seek(joined(quoted(";"), cut, quoted(f"{DATED}=")), f"{open_} and {cut} != {path}")
    yield assign(cut, path, open_)
    separators = SEPARATORS.replace("-", "")
    for _ in range(_CUTS):
        yield f'replace_pattern({cut}, "[{separators}-][^{separators}-]*$", "") where {open_}'
        yield from _seek(joined(quoted(";"), cut, quoted("*=")), open_)
    yield assign(cut, path, open_)
    yield f'replace_pattern({cut}, {quoted(_DATE)}, "") where {open_}'
    yield from _seek(joined(quoted(";"), cut, quoted("=")), open_)


def _seek(needle: str, where: str) -> tuple[str, str]:
    """Looks for a needle while nothing was found."""
    return (
        assign(cache("needle"), needle, where),
        assign(cache("at"), f"Index({cache('names')}, {cache('needle')})", where),
    )


def variant() -> Iterable[Statements]:
    """From the record to the rates of the served terms at the span's start."""
    yield _simple_variant()
    yield _exact_variant()


def _simple_variant() -> Statements:
    at, record = cache("at"), cache("record")
    group = Statements(
        [IN_WORK, f'{pricing("records")} != ""', f'{pricing("region")} == ""'],
        comment="The variant of the record: served tier, where neither place nor time matter.",
    )
    key = joined(quoted("@"), pricing("tier"), quoted("~"), pricing("speed"), quoted("~:"))
    group.add(
        *_record(cache("text"), at, record),
        assign(cache("key"), key),
        assign(at, f"Index({record}, {cache('key')})"),
        *_facts(record, f"{at} >= 0"),
        f'delete_key({attribute(PRICING)}, "rates") where {pricing("rates")}["over1"] != nil',
    )
    return group


def _exact_variant() -> Statements:
    at, record = cache("at"), cache("record")
    group = Statements(
        [IN_WORK, f'{pricing("records")} != ""', f"{pricing('rates')} == nil"],
        comment="The variant of the record: served tier, speed and region, at the span's start.",
    )
    group.add(*_record(cache("text"), at, record), *_epoch(record), *_region())
    served = joined(quoted("@"), pricing("tier"), quoted("~"), pricing("speed"), quoted("~"))
    group.add(assign(cache("served"), served), assign(at, "0 - 1"))
    for region in ("exact", "wide", "else", "none"):
        key = joined(cache("served"), cache(region), cache("epoch"), quoted(":"))
        allowed = "" if region == "none" else f" and {cache(region)} != nil"
        group.add(
            assign(cache("key"), key, f"{at} < 0{allowed}"),
            assign(cache("place"), cache(region), f"{at} < 0{allowed}"),
            assign(at, f"Index({record}, {cache('key')})", f"{at} < 0{allowed}"),
        )
    group.add(*_facts(record, f"{at} >= 0"), *_level(record))
    group.add(assign(pricing("why"), quoted("no-tier"), f"{at} < 0 and {pricing('rates')} == nil"))
    return group


def _record(text: str, at: str, record: str) -> tuple[str, ...]:
    return (
        assign(text, pricing("records")),
        assign(at, f"Index({text}, {joined(quoted(';'), key_path('number'), quoted('='))}) + {DIGITS + 2}"),
        assign(record, f"Substring({text}, {at} + {_LENGTH}, Int(Substring({text}, {at}, {_LENGTH})))"),
    )


def _facts(record: str, where: str) -> tuple[str, ...]:
    at, key = cache("at"), cache("key")
    return (
        assign(at, f"{at} + Len({key})", where),
        assign(
            pricing("rates"),
            f'ParseKeyValue(Substring({record}, {at} + 4, Int(Substring({record}, {at}, 4))), "=", " ")',
            where,
        ),
    )


def _epoch(record: str) -> Iterable[str]:
    epoch, starts, second = cache("epoch"), cache("starts"), cache("second")
    several = f'HasPrefix({record}, "E")'
    yield assign(epoch, quoted(""))
    yield assign(starts, f'Split(Substring({record}, 1, Index({record}, ";") - 1), ",")', several)
    yield assign(second, "span.start_time_unix_nano / 1000000000", f"{starts} != nil")
    yield assign(epoch, quoted("#0"), f"{starts} != nil")
    for number in range(1, MOST_EPOCHS):
        passed = f"{starts} != nil and Len({starts}) >= {number} and {second} >= Int({starts}[{number - 1}])"
        yield assign(epoch, quoted(f"#{number}"), passed)


def _region() -> Iterable[str]:
    """Region names to try: as served, the part before the first dash, anywhere else, none."""
    region = pricing("region")
    somewhere = f'{region} != "" and {region} != "global"'
    yield assign(cache("none"), quoted(""))
    yield assign(cache("exact"), region, somewhere)
    yield assign(cache("wide"), f'Split({region}, "-")[0]', somewhere)
    yield assign(cache("wide"), quoted("eu"), f'{cache("wide")} == "europe"')
    yield assign(cache("else"), quoted(ELSEWHERE), somewhere)


def _level(record: str) -> Iterable[str]:
    """A larger request's own rates, where the prompt is beyond a threshold."""
    level, rates = cache("level"), pricing("rates")
    yield assign(level, "0")
    for number in range(1, MOST_LEVELS):
        over = f"{rates}[{quoted(f'over{number}')}]"
        yield assign(level, str(number), f"{over} != nil and {pricing('input')} > Int({over})")
    key = joined(
        cache("served"), cache("place"), quoted(">"), f"String({level})", cache("epoch"), quoted(":")
    )
    yield assign(cache("key"), key, f"{level} > 0")
    yield assign(cache("at"), f"Index({record}, {cache('key')})", f"{level} > 0")
    yield from _facts(record, f"{level} > 0")
