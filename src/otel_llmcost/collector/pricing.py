"""The statements that multiply: quantities of each meter by whole femto-dollars."""

from __future__ import annotations

from collections.abc import Iterable

from .. import semconv as s
from ..call import EXACT, INCOMPLETE_NOTE, NO_USAGE_NOTE, note
from ..meters import COMPONENT, COMPONENTS, TOOL_METERS, UNIT_METERS
from .ottl import Statements, assign, attribute, cache, first_of, quoted
from .outcome import UNDONE, outcome, written_down
from .reading import spellings
from .records import LARGEST_COUNT, LARGEST_UNITS, NO_RATE, STAND_INS
from .statements import BEYOND, IN_WORK, KEYS, PRICING, pricing

_LIFETIMES = ("cache_write_5m", "cache_write_30m", "cache_write_1h", "cache_write_12h")
_MODALITIES = {
    "input_audio": s.AUDIO_INPUT_TOKENS,
    "cache_read_audio": s.AUDIO_CACHE_READ_TOKENS,
    "input_image": s.IMAGE_INPUT_TOKENS,
    "cache_read_image": s.IMAGE_CACHE_READ_TOKENS,
    "input_video": s.USAGE_PREFIX + "input_video",
    "output_audio": s.AUDIO_OUTPUT_TOKENS,
    "output_image": s.IMAGE_OUTPUT_TOKENS,
}
_COUNTED = (*UNIT_METERS, *TOOL_METERS)
COMMON = ("input", "cache_read", "cache_write", *_LIFETIMES, "output", "output_reasoning")
"""Meters that most calls have; all others are looked at only where a span has one of them."""
RARE = (*_MODALITIES, *_COUNTED)
PLAIN_COMPONENTS = ("input", "cache_read", "output")
PLAIN_METERS = ("input", "cache_read", "output", "output_reasoning")
"""What spans have that go the short way."""
_NAMES = spellings("conventions")


def _rare_names() -> dict[str, tuple[str, ...]]:
    names = {meter: _NAMES.get(name, (name,)) for meter, name in _MODALITIES.items()}
    for meter in _COUNTED:
        name = s.USAGE_PREFIX + meter
        names[meter] = _NAMES.get(name, (name,))
    return names


def multiplication(version: str) -> Iterable[Statements]:
    """From rates and quantities to the cost of the span."""
    yield _plainly(version)
    yield _start()
    yield _lifetimes()
    yield _rare()
    yield _common()
    yield outcome(version)
    finish = Statements([IN_WORK], comment="What was needed for the search leaves the span.")
    finish.add(*(f"delete_key(span.attributes, {quoted(name)})" for name in KEYS.values()))
    yield finish


def _plain() -> list[str]:
    """Whether a span is a common one."""
    rates = pricing("rates")
    total, read, output, reasoning = (pricing(n) for n in ("input", "cache_read", "output", "reasoning"))
    every = [attribute(name) for spelled in _rare_names().values() for name in spelled]
    return [
        IN_WORK,
        f'{rates} != nil and {rates}["plain"] != nil',
        f"{pricing('cache_write')} == 0 and {total} >= {read} and {output} >= {reasoning}",
        f"{read} >= 0 and {reasoning} >= 0 and ({total} > 0 or {output} > 0)",
        f"{total} <= {LARGEST_COUNT} and {output} <= {LARGEST_COUNT}",
        f'({read} == 0 or {rates}["cache_read"] != nil)',
        f"{pricing('doubtful')} == nil and {pricing('matched')} == nil",
        f'not ({pricing("tier")} == "priority" and {pricing("provider")} == {quoted(s.ANTHROPIC)})',
        *(f"{path} == nil" for path in every),
    ]


def _plainly(version: str) -> Statements:
    """The common span in few steps: input, cache reads and output only, all of them with a rate, nothing doubtful."""
    group = Statements(_plain(), comment="The common span: input, cache reads and output, all with a rate.")
    rates = pricing("rates")
    total, read, output, reasoning = (pricing(n) for n in ("input", "cache_read", "output", "reasoning"))
    r = cache("r")
    reasoned = first_of(f'{r}["output_reasoning"]', f'{r}["output"]')
    group.add(
        assign(r, rates),
        assign(cache("read"), read),
        assign(cache("input"), f"{total} - {read}"),
        assign(cache("reasoning"), reasoning),
        assign(cache("output"), f"{output} - {reasoning}"),
        assign(cache("a"), f'{cache("input")} * Int({r}["input"])'),
        assign(cache("b"), f'{cache("read")} * Int({first_of(f"""{r}["cache_read"]""", "0")})'),
        assign(
            cache("c"),
            f'{cache("output")} * Int({r}["output"]) + {cache("reasoning")} * Int({reasoned})',
        ),
        assign(attribute(s.STATUS), quoted(EXACT)),
        assign(attribute(s.COST), f"Double({cache('a')} + {cache('b')} + {cache('c')}) / 1000000000000000.0"),
    )
    for component, amount in zip(PLAIN_COMPONENTS, "abc", strict=True):
        path = attribute(s.COST_COMPONENT_PREFIX + component)
        group.add(assign(path, f"Double({cache(amount)}) / 1000000000000000.0", f"{cache(amount)} > 0"))
    quantities = zip(PLAIN_METERS, ("input", "read", "output", "reasoning"), strict=True)
    listed = ", ".join(f"{quoted(name)}: {cache(path)}" for name, path in quantities)
    group.add(*written_down(version), assign(attribute(PRICING), f"{{{listed}}}"))
    return group


def _start() -> Statements:
    group = Statements([UNDONE], comment="Sums in femto-dollars, nothing known yet.")
    group.add(assign(attribute(BEYOND), quoted("1")))
    for name in (*COMPONENTS, "written", "special_input", "special_output", "special_read"):
        group.add(assign(pricing(f"sum_{name}"), "0"))
    group.add(
        assign(
            pricing("why"),
            quoted("no-price"),
            f"{pricing('rates')} == nil and {pricing('why')} == nil",
        ),
        assign(pricing("why"), f'{pricing("rates")}["why"]', f'{pricing("rates")}["why"] != nil'),
        assign(pricing("rates"), "{}", f"{pricing('rates')} == nil"),
    )
    return group


def _lifetimes() -> Statements:
    """How long cache writes live, where the span tells it."""
    group = Statements([UNDONE, f"{pricing('cache_write')} > 0"], comment="Cache writes by lifetime.")
    written = cache("written")
    group.add(assign(written, "0"))
    for meter in _LIFETIMES:
        names = _NAMES.get(s.USAGE_PREFIX + meter, (s.USAGE_PREFIX + meter,))
        group.add(
            assign(pricing(meter), f"Int({first_of(pricing(meter), *(attribute(n) for n in names), '0')})"),
            assign(written, f"{written} + {pricing(meter)}"),
        )
    beyond = f"{written} > {pricing('cache_write')}"
    for meter in _LIFETIMES:
        group.add(assign(pricing(meter), "0", beyond))
    text = note(INCOMPLETE_NOTE, "the lifetimes of cache writes add up to more than the writes")
    group.add(
        f"append({pricing('notes')}, {quoted(text)}) where {beyond}",
        assign(written, "0", beyond),
        assign(pricing("sum_written"), pricing("cache_write")),
        assign(pricing("cache_write"), f"{pricing('cache_write')} - {written}"),
    )
    return group


def _rare() -> Statements:
    names = _rare_names()
    every = [attribute(name) for spelled in names.values() for name in spelled]
    group = Statements(
        [UNDONE, "(" + " or ".join(f"{path} != nil" for path in every) + ")"],
        comment="Audio, images, searches, units: only where a span has any of them.",
    )
    quantity = cache("quantity")
    for meter, spelled in names.items():
        path = first_of(*(attribute(name) for name in spelled))
        group.add(assign(quantity, f"Int({path})", f"{path} != nil"))
        group.add(assign(quantity, "0", f"{path} == nil"))
        if meter in ("cache_read_audio", "cache_read_image"):
            # The modality's own count includes what of it was cached.
            plain = pricing(f"input_{meter.removeprefix('cache_read_')}")
            group.add(
                assign(plain, f"{plain} - {quantity}", f"{quantity} > 0 and {plain} != nil"),
                assign(pricing("sum_special_read"), f"{pricing('sum_special_read')} + {quantity}"),
            )
        group.add(assign(pricing(meter), quantity, f"{quantity} > 0"))
        if meter in _COUNTED:
            text = note("no-rate", f"{meter} is no whole number; the collector prices only those")
            group.add(
                f"append({pricing('notes')}, {quoted(text)}) where {path} != nil and IsDouble({path})"
                f" and Double(Int({path})) != {path}",
            )
    for meter in _MODALITIES:
        side = "special_output" if meter.startswith("output") else "special_input"
        if not meter.startswith("cache_read"):
            total = pricing(f"sum_{side}")
            group.add(assign(total, f"{total} + {pricing(meter)}", f"{pricing(meter)} != nil"))
    for meter in names:
        group.add(*_add(meter, pricing(meter), COMPONENT[meter]))
    return group


def _common() -> Statements:
    group = Statements([UNDONE], comment="Input, cache reads and writes, output.")
    quantities = {
        "cache_read": f"{pricing('cache_read')} - {pricing('sum_special_read')}",
        "written": pricing("sum_written"),
        "output_reasoning": pricing("reasoning"),
        "input": (
            f"{pricing('input')} - {pricing('cache_read')} - {pricing('sum_written')} - {pricing('sum_special_input')}"
        ),
        "output": f"{pricing('output')} - {pricing('reasoning')} - {pricing('sum_special_output')}",
    }
    group.add(*_missing_totals())
    group.add(assign(cache("r"), pricing("rates")))
    for meter, expression in quantities.items():
        group.add(assign(cache(meter), expression))
    group.add(*_contradiction(tuple(quantities)))
    large = f"{pricing('input')} > {LARGEST_COUNT} or {pricing('output')} > {LARGEST_COUNT}"
    text = note(INCOMPLETE_NOTE, f"more than {LARGEST_COUNT} tokens in one call")
    group.add(
        f"append({pricing('notes')}, {quoted(text)}) where {large}",
        assign(pricing("why"), quoted(INCOMPLETE_NOTE), large),
    )
    for meter in COMMON:
        path = pricing(meter) if meter.startswith("cache_write") else cache(meter)
        group.add(*_add(meter, path, COMPONENT[meter], cache("r")))
        if meter not in ("cache_write", *_LIFETIMES):
            group.add(assign(pricing(meter), cache(meter)))
    return group


def _contradiction(meters: tuple[str, ...]) -> Iterable[str]:
    """Parts beyond their total are cut to it, in the library's order; with audio or images beside, nothing is priced."""
    over = cache("over")
    yield assign(over, "true", " or ".join(f"{cache(meter)} < 0" for meter in meters))
    text = note(INCOMPLETE_NOTE, "the counts contradict each other, parts are larger than their total")
    yield f"append({pricing('notes')}, {quoted(text)}) where {over} == true"
    special = f"{pricing('sum_special_input')} + {pricing('sum_special_read')} + {pricing('sum_special_output')} > 0"
    yield assign(pricing("why"), quoted(INCOMPLETE_NOTE), f"{over} == true and {special}")
    for total, parts, rest in (
        ("input", (cache("cache_read"), *(pricing(m) for m in (*_LIFETIMES, "cache_write"))), "input"),
        ("output", (cache("output_reasoning"),), "output"),
    ):
        left = cache("left")
        yield assign(left, pricing(total), f"{over} == true")
        for part in parts:
            yield assign(part, left, f"{over} == true and {part} > {left}")
            yield assign(left, f"{left} - {part}", f"{over} == true and {part} > 0")
        yield assign(cache(rest), left, f"{over} == true")


def _missing_totals() -> Iterable[str]:
    """A total that is missing is the sum of its parts; without any count there is no usage."""
    total, output = pricing("input"), pricing("output")
    parts = f"{pricing('cache_read')} + {pricing('sum_written')} + {pricing('sum_special_input')}"
    text = note(INCOMPLETE_NOTE, f"{s.INPUT_TOKENS} is missing, its parts are not")
    some = f"{total} < 0 and {parts} > 0"
    yield f"append({pricing('notes')}, {quoted(text)}) where {some}"
    yield assign(cache("parts"), parts)
    nothing = f"{total} <= 0 and {output} <= 0 and {cache('parts')} <= 0 and {pricing('reasoning')} <= 0"
    counted = " and ".join(
        f"{pricing(meter)} == nil" for meter in (*_COUNTED, "output_audio", "output_image")
    )
    yield assign(cache("nothing"), "true", f"{nothing} and {counted}")
    usage = note(NO_USAGE_NOTE, "the span tells no usage")
    yield f"append({pricing('notes')}, {quoted(usage)}) where {cache('nothing')} == true"
    yield assign(pricing("why"), quoted(NO_USAGE_NOTE), f"{cache('nothing')} == true")
    yield assign(total, cache("parts"), f"{total} < 0")
    yield assign(output, f"{pricing('reasoning')} + {pricing('sum_special_output')}", f"{output} < 0")


def _add(meter: str, quantity: str, component: str, rates: str = "") -> Iterable[str]:
    """Adds a meter's amount to its component, or says that it has no rate."""
    rates = rates or pricing("rates")
    rate = f"{rates}[{quoted(meter)}]"
    unknown = f"{rate} == nil"
    stand_in = STAND_INS.get(meter)
    if stand_in is not None:
        rate = first_of(rate, f"{rates}[{quoted(stand_in)}]")
        unknown = f"({rate} == nil or {rate} == {quoted(NO_RATE)})"
    total = pricing(f"sum_{component}")
    some = f"{quantity} > 0"
    largest = LARGEST_COUNT if meter not in _COUNTED or meter == "character" else LARGEST_UNITS
    too_many = f"{quantity} > {largest}"
    yield assign(pricing("lack"), quoted(meter), f"{some} and ({unknown} or {too_many})")
    fits = f"{some} and not {unknown} and not ({too_many})"
    yield assign(total, f"{total} + {quantity} * Int({rate})", fits)
    yield assign(pricing("known"), "true", fits)
    for mark in ("about", "doubt"):
        flag = f"{rates}[{quoted(f'{mark}_{meter}')}]"
        yield assign(pricing(mark), quoted(meter), f"{flag} != nil and {some}")


__all__ = ["COMMON", "PLAIN_COMPONENTS", "PLAIN_METERS", "PRICING", "RARE", "multiplication"]
