"""What a call costs: rows, dates, tiers, regions, notes, reported figures, lines."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from otel_llmcost.call import EXACT, PARTIAL, Call, Line, code_of, note
from otel_llmcost.money import femto
from otel_llmcost.prices import load_book, write_snapshot

from .conftest import MakeBook, ns

NOW = ns("2026-11-22T12:00:00")

ROWS = """
[[row]]
provider = "openai"
model = "m"
aliases = ["m-alias", { name = "m-latest", to = 2026-06-01 }]
match = [{ prefix = "m-2" }]
rates = { input = "2", cache_read = "0.2", cache_write = "2.5", output = "10" }
fees = { web_search = { usd = "10", per = 1000 } }
max_output = 1000
context_window = 9000

[[row]]
provider = "openai"
model = "m"
tier = "batch"
rates = { input = "1", output = "5" }

[[row]]
provider = "openai"
model = "n"
aliases = [{ name = "m-latest", from = 2026-06-01 }]
effective_to = 2026-10-01
rates = { input = "4", output = "20" }

[[row]]
provider = "openai"
model = "n"
effective_from = 2026-10-01
rates = { input = "3", output = "15" }

[[row]]
provider = "openai"
model = "ft:m"
rates = { input = "6", output = "30" }

[[row]]
provider = "openai"
model = "image-1"
fees = { image = [{ usd = "0.04", variant = "1024x1024/standard" }, { usd = "0.08", variant = "1024x1024/hd" }] }

[[row]]
provider = "openai"
model = "speech"
fees = { audio_second = { usd = "0.36", per = 3600 }, character = { usd = "15", per = 1000000 } }
"""


def call(model: str = "m", **facts: object) -> Call:
    given: dict[str, object] = {"provider": "openai", "response_model": model, "start_ns": NOW}
    return Call(**(given | {"usage": {"input": 1000, "output": 100}} | facts))  # type: ignore[arg-type]


def test_an_exact_call_is_the_sum_of_its_components(make_book: MakeBook) -> None:
    usage = {"input": 1000, "cache_read": 500, "cache_write": 200, "output": 100, "web_search": 2}
    priced = make_book(ROWS).price(call(usage=usage))
    assert priced.status == "exact"
    assert priced.reasons == ()
    assert priced.components == {
        "input": femto("0.002"),
        "cache_read": femto("0.0001"),
        "cache_write": femto("0.0005"),
        "output": femto("0.001"),
        "tools": femto("0.02"),
    }
    assert priced.amount == femto("0.0236") == sum(priced.components.values())
    assert priced.savings == femto("0.0009") - femto("0.0001")
    assert priced.version.startswith("2026-11-22+")


@pytest.mark.parametrize(
    ("name", "usd"),
    [
        ("m", "0.003"),
        ("m-alias", "0.003"),
        ("m-2026", "0.003"),
        ("ft:m:org::id", "0.009"),
        ("m-2025-01-02", "0.003"),
    ],
)
def test_names_lead_to_their_rows(make_book: MakeBook, name: str, usd: str) -> None:
    assert make_book(ROWS).price(call(name)).amount == femto(usd)


def test_an_alias_moves_on_its_day(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    assert book.price(call("m-latest", start_ns=ns("2026-05-31T23:59:59"))).amount == femto("0.003")
    assert book.price(call("m-latest", start_ns=ns("2026-06-01T00:00:00"))).amount == femto("0.006")


MOVED = """
[[row]]
provider = "openai"
model = "o"
rates = { input = "2" }

[[row]]
provider = "openai"
model = "o"
tier = "batch"
rates = { input = "1" }

[[row]]
provider = "openai"
model = "o-first"
aliases = [{ name = "o", to = 2026-06-01 }]
rates = { input = "5" }
"""


@pytest.mark.parametrize("layers", [{"generated": MOVED}, {"overlay": MOVED}, {"own": MOVED}])
def test_a_name_that_moved_is_another_model_until_its_day(
    make_book: MakeBook, layers: dict[str, str]
) -> None:
    book = make_book(**layers)
    before, after = ns("2026-06-01T00:00:00") - 1, ns("2026-06-01T00:00:00")
    assert book.price(call("o", start_ns=before, usage={"input": 1000})).amount == femto("0.005")
    assert book.price(call("o", start_ns=after, usage={"input": 1000})).amount == femto("0.002")
    assert book.price(call("o-first", start_ns=after, usage={"input": 1000})).amount == femto("0.005")


def test_what_is_free_costs_nothing_though_no_usage_is_told(make_book: MakeBook) -> None:
    book = make_book('[[row]]\nprovider = "openai"\nmodel = "o"\nfree = true\n')
    silent = book.price(call("o", usage={}, notes=(note("no-usage", "the body tells no usage"),)))
    assert (silent.status, silent.amount, silent.components) == (EXACT, 0, {})
    assert book.price(call("o", usage={})).amount == 0


def test_the_rows_of_an_instant_are_those_of_the_model_that_the_name_meant(make_book: MakeBook) -> None:
    book = make_book(MOVED)
    assert {row.model for row in book.rows("openai", "o")} == {"o", "o-first"}
    assert [row.model for row in book.rows("openai", "o", ns("2026-05-31T12:00:00"))] == ["o-first"]
    assert {row.model for row in book.rows("openai", "o", ns("2026-06-01T00:00:00"))} == {"o"}


def test_a_moved_name_comes_before_a_hand_written_row_of_the_name(make_book: MakeBook) -> None:
    rows = MOVED.split("[[row]]")
    book = make_book(overlay=f"[[row]]{rows[1]}", generated=f"[[row]]{rows[3]}")
    assert book.price(call("o", start_ns=ns("2026-05-31T12:00:00"), usage={"input": 1000})).amount == femto(
        "0.005"
    )


REGIONAL = """
[[row]]
provider = "aws.bedrock"
model = "r"
rates = { input = "1" }

[[row]]
provider = "aws.bedrock"
model = "r"
region = ["eu"]
rates = { input = "1.3" }

[[row]]
provider = "aws.bedrock"
model = "r"
tier = "batch"
rates = { input = "0.5" }
"""


def test_a_tier_without_a_price_of_a_dearer_region_is_a_lower_bound_there(make_book: MakeBook) -> None:
    book = make_book(generated=REGIONAL)
    usage = {"input": 1000}
    told = {"provider": "aws.bedrock", "usage": usage}
    assert book.price(call("r", tier="batch", **told)).status == EXACT
    assert book.price(call("r", tier="batch", region="us", **told)).status == EXACT
    there = book.price(call("r", tier="batch", region="eu-west-1", **told))
    assert (there.status, there.amount) == (PARTIAL, femto("0.0005"))
    assert there.reasons == ("no-region: aws.bedrock r has no price in eu-west-1",)
    assert book.price(call("r", region="eu-west-1", **told)).amount == femto("0.0013")
    own = '[[row]]\nprovider = "aws.bedrock"\nmodel = "r"\nrates = { input = "2" }\n'
    told_by_the_user = make_book(generated=REGIONAL, own=own).price(call("r", region="eu", **told))
    assert (told_by_the_user.status, told_by_the_user.amount) == (EXACT, femto("0.002"))


def test_the_row_in_force_at_the_start_prices_the_call(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    assert book.price(call("n", start_ns=ns("2026-10-01T00:00:00") - 1)).amount == femto("0.006")
    assert book.price(call("n", start_ns=ns("2026-10-01T00:00:00"))).amount == femto("0.0045")
    assert book.price(call("n", start_ns=ns("2020-01-01T00:00:00"))).amount == femto("0.006")


def test_a_provider_that_bills_by_the_end_says_so(make_book: MakeBook) -> None:
    book = make_book(
        ROWS.replace("effective_to = 2026-10-01\n", 'effective_to = 2026-10-01\nbilled_at = "end"\n')
    )
    before, after = ns("2026-09-30T23:59:59"), ns("2026-10-01T00:00:05")
    assert book.price(call("n", start_ns=before, end_ns=before + 1)).amount == femto("0.006")
    assert book.price(call("n", start_ns=before, end_ns=after)).amount == femto("0.0045")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"response_model": "m-unknown"}, "no-price"),
        ({"tier": "flex"}, "no-tier"),
        ({"speed": "fast"}, "no-tier"),
        ({"provider": "unknown"}, "no-price"),
        ({"provider": ""}, "no-price"),
        ({"provider": "local"}, "local"),
        ({"response_model": ""}, "no-price"),
        ({"usage": {}}, "no-usage"),
        ({"usage": {}, "error_type": "timeout"}, "no-usage"),
        ({"usage": {"input_audio": 5}}, "no-rate"),
        ({"notes": (note("no-usage", "the body told none"),), "usage": {}}, "no-usage"),
    ],
)
def test_what_is_unknown_is_unpriced_with_its_reason(
    make_book: MakeBook, facts: dict[str, object], code: str
) -> None:
    priced = make_book(ROWS).price(call(**facts))
    assert (priced.status, priced.amount, priced.components) == ("unpriced", None, {})
    assert code in [code_of(reason) for reason in priced.reasons]


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        ({}, 'a price row with provider = "local"'),
        (
            {"host": "vllm"},
            'OTEL_LLMCOST_HOSTS="vllm=openai" if that is a gateway or a stand-in, else a price row',
        ),
        ({"host": "127.0.0.1", "port": 8095}, 'OTEL_LLMCOST_HOSTS="127.0.0.1:8095=openai" if that'),
        ({"host": "http://127.0.0.1:4000/v1"}, 'OTEL_LLMCOST_HOSTS="127.0.0.1:4000=openai" if that'),
        ({"host": "::1", "port": 80, "usage": {}}, 'OTEL_LLMCOST_HOSTS="[::1]:80=openai" if that'),
        (
            {"host": "vllm", "response_model": "claude-x", "usage": {}},
            'OTEL_LLMCOST_HOSTS="vllm=anthropic" if that',
        ),
    ],
)
def test_what_may_be_a_gateway_names_both_remedies(
    make_book: MakeBook, facts: dict[str, object], remedy: str
) -> None:
    priced = make_book(ROWS).price(call(**{"provider": "local", **facts}))
    [reason] = [reason for reason in priced.reasons if code_of(reason) == "local"]
    assert f"is taken for own hardware, which has no list price; remedy: {remedy}" in reason


def test_the_remedy_names_the_port_that_was_called(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    for port in (4000, 4001):
        [reason] = book.price(call(provider="local", host="127.0.0.1", port=port)).reasons
        assert f'OTEL_LLMCOST_HOSTS="127.0.0.1:{port}=openai"' in reason


@pytest.mark.parametrize("said", ["no-usage: the body told none", "incomplete: no answer was read"])
def test_why_there_is_no_usage_is_said_once(make_book: MakeBook, said: str) -> None:
    priced = make_book(ROWS).price(call(usage={}, error_type="timeout", notes=(said,)))
    assert (priced.status, priced.reasons) == ("unpriced", (said,))


@pytest.mark.parametrize(
    ("code", "status"), [("pending", "pending"), ("delegated", "delegated"), ("committed", "committed")]
)
def test_notes_that_say_who_pays_leave_no_amount(make_book: MakeBook, code: str, status: str) -> None:
    priced = make_book(ROWS).price(call(notes=(note(code, "why"),)))
    assert (priced.status, priced.amount) == (status, None)
    assert priced.reasons == (f"{code}: why",)


def test_notes_decide_between_exact_estimated_and_partial(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    estimated = book.price(call(notes=("estimated: output counted by characters",)))
    partial = book.price(call(notes=("incomplete: 5 cached of 3", "estimated: x")))
    remark = book.price(call(notes=("note: a remark",)))
    assert (estimated.status, partial.status, remark.status) == ("estimated", "partial", "exact")
    assert estimated.amount == partial.amount == remark.amount == femto("0.003")
    assert partial.reasons == ("incomplete: 5 cached of 3", "estimated: x")


def test_a_call_that_is_known_to_cost_nothing_is_exactly_nothing(make_book: MakeBook) -> None:
    priced = make_book(ROWS).price(call(usage={}, notes=("not-billed: the request was refused",)))
    assert (priced.status, priced.amount) == ("exact", 0)


def test_a_meter_without_a_rate_makes_a_lower_bound(make_book: MakeBook) -> None:
    priced = make_book(ROWS).price(call(usage={"input": 1000, "input_audio": 7, "output_audio": 9}))
    assert (priced.status, priced.amount) == ("partial", femto("0.002"))
    assert [code_of(reason) for reason in priced.reasons] == ["no-rate", "no-rate"]
    assert "input_audio" in priced.reasons[0]


def test_tiers_never_lend_each_other_meters(make_book: MakeBook) -> None:
    priced = make_book(ROWS).price(call(tier="batch", usage={"input": 1000, "cache_read": 10}))
    assert (priced.status, priced.amount) == ("partial", femto("0.001"))


def test_request_model_is_second_and_says_so(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    second = book.price(call("m-served-by-something-else", request_model="m"))
    assert (second.status, second.amount) == ("estimated", femto("0.003"))
    assert code_of(second.reasons[0]) == "matched"
    only = book.price(call("", request_model="m"))
    assert (only.status, only.reasons) == ("exact", ())


def test_a_user_map_names_opaque_deployments(make_book: MakeBook) -> None:
    book = make_book(ROWS, models={"prod-chat": "m", "other": "openai/n"})
    assert book.price(call("", request_model="prod-chat")).amount == femto("0.003")
    assert book.price(call("other", provider="azure.ai.openai")).amount == femto("0.0045")


def test_the_reported_figure_wins_beside_ours(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    priced = book.price(call(reported=Decimal("0.005")))
    assert (priced.status, priced.amount, priced.list_amount) == ("reported", femto("0.005"), femto("0.003"))
    assert sum(priced.components.values()) == femto("0.005")
    unknown = book.price(call("nobody", reported=Decimal("0.005")))
    assert (unknown.status, unknown.amount, unknown.list_amount) == ("reported", femto("0.005"), None)
    assert unknown.components == {"units": femto("0.005")}


@pytest.mark.parametrize("figure", ["-1", "NaN", "Infinity"])
def test_a_reported_figure_that_is_no_cost_is_not_believed(make_book: MakeBook, figure: str) -> None:
    priced = make_book(ROWS).price(call(reported=Decimal(figure)))
    assert priced.amount == femto("0.003")
    assert [code_of(reason) for reason in priced.reasons] == ["ambiguous"]


def test_a_reported_zero_is_not_a_gift(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    priced = book.price(call(reported=Decimal(0)))
    assert (priced.status, priced.amount) == ("estimated", femto("0.003"))
    unknown = book.price(call("nobody", reported=Decimal(0)))
    assert (unknown.status, unknown.amount) == ("unpriced", None)
    assert "ambiguous" in [code_of(reason) for reason in unknown.reasons]


def test_lines_are_priced_one_by_one(make_book: MakeBook) -> None:
    lines = (
        Line("openai", "m", {"input": 1000}),
        Line("openai", "n", {"output": 100}),
        Line("openai", "nobody", {"input": 5}),
    )
    priced = make_book(ROWS).price(call(lines=lines, usage={"input": 1005, "output": 100}))
    assert (priced.status, priced.amount) == ("partial", femto("0.0035"))
    assert [(line.model, line.meter, line.amount) for line in priced.lines] == [
        ("m", "input", femto("0.002")),
        ("n", "output", femto("0.0015")),
        ("nobody", "input", None),
    ]


def test_images_by_variant(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    hd = book.price(call("image-1", variant="1024x1024/hd", usage={"image": 3}))
    assert (hd.amount, hd.components) == (femto("0.24"), {"units": femto("0.24")})
    odd = book.price(call("image-1", variant="7x7/odd", usage={"image": 3}))
    assert (odd.status, odd.amount) == ("unpriced", None)
    assert "7x7/odd" in odd.reasons[0]


def test_a_variant_that_is_not_listed_is_not_the_common_one(make_book: MakeBook) -> None:
    book = make_book("""
[[row]]
provider = "openai"
model = "film"
fees = { video_second = [{ usd = "0.30" }, { usd = "0.50", variant = "1024x1792" }], image = { usd = "0.02" } }
""")
    for variant, amount in (("", "0.60"), ("1024x1792", "1")):
        assert book.price(call("film", variant=variant, usage={"video_second": 2})).amount == femto(amount)
    odd = book.price(call("film", variant="1080x1920", usage={"video_second": 2}))
    assert (odd.status, odd.amount) == ("unpriced", None)
    assert "video_second of 1080x1920" in odd.reasons[0]
    # where there is one price alone, variants make no difference
    assert book.price(call("film", variant="1080x1920", usage={"image": 2})).amount == femto("0.04")


THRESHOLD = """
[[row]]
provider = "openai"
model = "long"
rates = { input = "1", output = "5" }
threshold = { input_over = 1000, rates = { input = "2", output = "7.50" } }
"""


@pytest.mark.parametrize(
    ("prompt", "notes", "status", "usd"),
    [
        (1001, (), "exact", "0.002752"),
        # 1001 x 1 + 100 x 5: no request is known to be beyond 1,000
        (1001, (note("summed", "two requests"),), "partial", "0.001501"),
        (1000, (note("summed", "two requests"),), "exact", "0.0015"),
    ],
)
def test_a_sum_of_requests_is_not_compared_with_a_threshold(
    make_book: MakeBook, prompt: int, notes: tuple[str, ...], status: str, usd: str
) -> None:
    priced = make_book(THRESHOLD).price(call("long", usage={"input": prompt, "output": 100}, notes=notes))
    assert (priced.status, priced.amount) == (status, femto(usd))
    assert any("more than 1000 tokens" in reason for reason in priced.reasons) == (status == "partial")


def test_lines_of_one_model_are_sizes_of_their_own(make_book: MakeBook) -> None:
    """1001 x 2 + 1000 x 1."""
    lines = (Line("openai", "long", {"input": 1001}), Line("openai", "long", {"input": 1000}))
    priced = make_book(THRESHOLD).price(call("long", lines=lines, usage={"input": 2001}))
    assert (priced.status, priced.amount) == ("exact", femto("0.003002"))


def test_a_line_of_the_calls_own_model_is_priced_as_the_call_is(make_book: MakeBook) -> None:
    lines = (
        Line("openai", "nobody", {"input": 1000}),
        Line("openai", "nobody", {"web_search": 1}, variant="preview"),
    )
    usage = {"input": 1000, "web_search": 1}
    priced = make_book(ROWS).price(call("nobody", request_model="m", lines=lines, usage=usage))
    assert (priced.status, priced.amount) == ("estimated", femto("0.012"))


def test_seconds_and_characters_are_rounded_once(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    assert book.price(call("speech", usage={"audio_second": Decimal("12.5")})).amount == femto("0.00125")
    assert book.price(call("speech", usage={"character": 1001})).amount == femto("0.015015")


@pytest.mark.parametrize("odd", [-5, True, Decimal("NaN"), Decimal("-1"), 1.5, None, "7", float("nan")])
def test_quantities_that_are_none_are_named_and_never_raise(make_book: MakeBook, odd: object) -> None:
    priced = make_book(ROWS).price(call(usage={"input": 1000, "output": odd}))
    assert (priced.status, priced.amount) == ("partial", femto("0.002"))
    assert code_of(priced.reasons[0]) == "incomplete"


def test_limits_of_a_model(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    assert (book.max_output("openai", "m-alias"), book.context_window("openai", "m")) == (1000, 9000)
    assert book.max_output("openai", "nobody") is None


def test_the_version_changes_with_every_price(make_book: MakeBook) -> None:
    own = '[[row]]\nprovider = "openai"\nmodel = "x"\nrates = { input = "1" }\n'
    discount = "[[discount]]\npercent = 10\n"
    versions = {
        make_book(ROWS).version,
        make_book(ROWS.replace('"10"', '"11"')).version,
        make_book(ROWS, own=own).version,
        make_book(ROWS, own=discount).version,
        make_book(ROWS, models={"a": "m"}).version,
    }
    assert len(versions) == 5
    assert make_book(ROWS).version == make_book(ROWS).version


def test_unknown_names_are_remembered_within_bounds(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    book.price(call("m"))
    for number in range(5000):
        assert book.price(call(f"nobody-{number}")).status == "unpriced"
    kept = len(book._unknown), len(book._known)
    assert kept[0] <= 1024
    assert kept[1] == 1


def test_endless_names_are_neither_kept_nor_repeated(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    priced = book.price(call("x" * 1_000_000))
    assert priced.status == "unpriced"
    assert len(priced.reasons[0]) < 1000
    assert len(book._unknown) == 0


def test_standard_speed_is_no_speed_and_regions_have_no_case(make_book: MakeBook) -> None:
    book = make_book(
        ROWS.replace(
            "max_output = 1000",
            'max_output = 1000\nmultipliers = [{ when = { region = "us" }, factor = "2" }]',
        )
    )
    assert book.price(call(speed="standard", region="US")).amount == femto("0.006")


def test_a_newer_release_beats_an_older_update(make_book: MakeBook, tmp_path: Path) -> None:
    older = tmp_path / "older"
    write_snapshot([], [], older, date=dt.date(2020, 1, 1), sources={})
    assert load_book(installed=older).version == load_book().version
    newer = tmp_path / "newer"
    write_snapshot([], [], newer, date=dt.date(2099, 1, 1), sources={})
    assert load_book(installed=newer).snapshot_date == "2099-01-01"


def test_the_dearest_variant_and_meter_bound_what_is_billed_by_the_unit(make_book: MakeBook) -> None:
    book = make_book(ROWS)
    images = book.dearest("openai", "image-1", input_tokens=50, output_tokens=0, units={"image": 2})
    assert images == femto("0.16")
    searches = book.dearest("openai", "m", input_tokens=1000, output_tokens=100, units={"web_search": 3})
    assert searches == femto("0.0025") + femto("0.001") + femto("0.03")
    assert book.dearest("openai", "m", input_tokens=1, output_tokens=1, units={"page": 1}) is None
    assert book.dearest("openai", "nobody", input_tokens=1, output_tokens=1) is None
