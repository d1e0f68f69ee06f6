"""Tables in narrow terminals: what is asked for stays, what is left out is named, nothing is cut."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from rich.console import Console

from otel_llmcost.call import Tags
from otel_llmcost.cli.tables import Column, print_table
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger

from .terminal import COMMAND, typed

NOV_29 = int(datetime.fromisoformat("2026-11-29T09:00Z").timestamp()) * 10**9
MODELS = ("gpt-5.4-2026-03-05", "claude-opus-4-5-20251101", "anthropic/claude-sonnet-4-5-20250929")


def shown(columns: list[Column], width: int, *, total: bool = False, elsewhere: str = "--json") -> list[str]:
    to = Console(width=width, no_color=True, highlight=False)
    with to.capture() as capture:
        print_table(columns, to=to, total=total, elsewhere=elsewhere)
    return capture.get().splitlines()


def columns() -> list[Column]:
    return [
        Column("model", ["openai/gpt-5-mini", "gpt-5", "total"]),
        Column.numbers("cache read", [1024, 0, 1024], spare=2),
        Column.numbers("output", [300, 20, 320], spare=1, short_header="out"),
        Column.money("cost", ["$1.25", "$0.005", "$1.255"]),
        Column("", ["1 unpriced, 2 failed", "", "1 unpriced, 2 failed"]),
    ]


def test_with_room_a_table_is_wide() -> None:
    assert shown(columns(), 80, total=True) == [
        "",
        " model               cache read   output     cost",
        " ───────────────────────────────────────────────────────────────────────",
        " openai/gpt-5-mini        1,024      300   $1.25    1 unpriced, 2 failed",
        " gpt-5                                20   $0.005",
        " ───────────────────────────────────────────────────────────────────────",
        " total                    1,024      320   $1.255   1 unpriced, 2 failed",
        "",
    ]


def test_closer_columns_broken_headers_and_broken_cells_come_before_leaving_out() -> None:
    assert shown(columns(), 70, total=True)[1] == "model              cache read  output    cost"
    assert shown(columns(), 64, total=True)[1:3] == [
        "                   cache",
        "model               read  out    cost",
    ]
    assert shown(columns(), 44, total=True) == [
        "",
        "            cache",
        "model        read  out    cost",
        "───────────────────────────────────────────",
        "openai/     1,024  300  $1.25   1 unpriced,",
        "gpt-5-mini                      2 failed",
        "gpt-5               20  $0.005",
        "───────────────────────────────────────────",
        "total       1,024  320  $1.255  1 unpriced,",
        "                                2 failed",
        "",
    ]


@pytest.mark.parametrize(
    ("width", "elsewhere", "said"),
    [
        (36, "--json", "left out, the terminal is narrow: cache read; wider, or --json, shows them"),
        (32, "--json", "left out, the terminal is narrow: cache read, output; wider, or --json, shows them"),
        (32, "", "left out, the terminal is narrow: cache read, output; a wider one shows them"),
    ],
)
def test_what_is_left_out_is_named_below(width: int, elsewhere: str, said: str) -> None:
    lines = shown(columns(), width, elsewhere=elsewhere)
    assert " ".join(line.strip() for line in lines[lines.index("", 1) + 1 : -1]) == said
    assert lines[-1] == ""
    assert not any("1,024" in line for line in lines)


def test_names_that_still_have_no_room_are_broken_after_their_signs() -> None:
    names = ["anthropic/claude-sonnet-4-5-20250929", "gpt-5"]
    narrow = [
        Column("model", names),
        Column("source", ["app.chat", "app.extraction"]),
        Column.money("cost", ["$1.25", "$9.50"]),
    ]
    assert shown(narrow, 40) == [
        "",
        "model             source           cost",
        "───────────────────────────────────────",
        "anthropic/        app.chat        $1.25",
        "claude-sonnet-4-",
        "5-20250929",
        "gpt-5             app.extraction  $9.50",
        "",
    ]


def test_one_long_name_leaves_no_other_column_out() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6-house"
    wide = [
        Column("model", [arn, "gpt-5"]),
        Column.numbers("input", [2400, 1200], spare=1),
        Column.numbers("output", [300, 20], spare=2),
        Column.money("cost", ["$1.25", "$0.005"]),
    ]
    assert shown(wide, 80) == [
        "",
        "model                                    input  output    cost",
        "──────────────────────────────────────────────────────────────",
        "arn:aws:bedrock:us-east-1:123456789012:  2,400     300  $1.25",
        "application-inference-profile/",
        "a1b2c3d4e5f6-house",
        "gpt-5                                    1,200      20  $0.005",
        "",
    ]


def test_an_amount_is_never_cut() -> None:
    narrow = [Column("model", ["a-model-of-some-length"]), Column.money("cost", ["$1,234.56789"])]
    text = "\n".join(shown(narrow, 12))
    assert "$1,234.56789" in text
    assert text.replace("\n", "").count("-") == 4


def test_where_no_table_has_room_each_row_is_shown_by_itself() -> None:
    narrow = [
        Column("source", ["app.extraction", "total"]),
        Column("stage", ["  a stage of many words", ""]),
        Column.numbers("cache read", [1024, 1024], spare=1),
        Column.money("cost", [">= $26.6666666", ">= $26.6666666"]),
        Column("", ["1 unpriced", ""], style="yellow"),
    ]
    assert shown(narrow, 28, total=True) == [
        "",
        "source      app.extraction",
        "stage         a stage of",
        "              many words",
        "cache read  1,024",
        "cost        >= $26.6666666",
        "            1 unpriced",
        "",
        "source      total",
        "cache read  1,024",
        "cost        >= $26.6666666",
        "",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "all", "--by", "source,stage,session"],
        ["sessions", "--against", "openai/gpt-4o"],
        ["savings", "all", "--against", "gpt-5", "--by", "source"],
        ["prices", "list", "--match", "gpt-5-m"],
        ["doctor"],
    ],
)
def test_nothing_is_wider_than_40_columns(ledger: Path, arguments: list[str]) -> None:
    assert [line for line in typed(40, ledger, *arguments) if len(line) > 40] == []


def test_lines_have_no_blanks_at_their_end() -> None:
    for width in (30, 44, 64, 80):
        assert all(line == line.rstrip() for line in shown(columns(), width, total=True))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("ledger")
    rows = [
        LedgerRow(
            f"otel:aa:{number}", NOV_29 + number * 60 * 10**9, NOV_29 + (number * 63 + 2) * 10**9,
            provider="openai", request_model=MODELS[number % 3], tier="standard", status="exact",
            usage={"input": 123_456 * (number + 1), "cache_read": 80_000, "output": 350},
            amount=123_456_789_000_000 * (number + 1) ** 3,
            tags=Tags(source=f"app.extraction.{number}", session="s1", stage=("plan", "act")[number % 2]),
        )
        for number in range(6)
    ]  # fmt: skip
    with Ledger(directory) as opened:
        opened.add(rows)
    return directory


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        (["calls"], {"start", "cost"}),
        (["calls", "--slowest"], {"seconds", "cost"}),
        (["calls", "--dearest"], {"cost"}),
        (["calls", "--source", "app*"], {"start", "source", "cost"}),
        (["calls", "--slowest", "--source", "app*"], {"seconds", "source", "cost"}),
        (["report", "all", "--by", "source,stage,session"], {"source", "stage", "session", "cost"}),
        (["sessions", "--against", "openai/gpt-4o"], {"session", "began", "cost", "openai/gpt-4o"}),
    ],
)
@pytest.mark.parametrize("width", [60, 80])
def test_what_was_asked_for_stays(ledger: Path, arguments: list[str], headers: set[str], width: int) -> None:
    lines = typed(width, ledger, *arguments)
    assert headers <= {word for line in lines[:4] for word in line.split()}
    amounts = re.findall(r"\$\d+\.\d+", "\n".join(lines))
    assert amounts == re.findall(r"\$\d+\.\d+", "\n".join(typed(300, ledger, *arguments)))
    assert all(len(line) <= width for line in lines)


def test_a_narrow_list_of_calls(ledger: Path) -> None:
    assert typed(80, ledger, "calls", "--slowest", "-n", "2") == [
        "",
        "start           model                            in  out  seconds    cost",
        "─────────────────────────────────────────────────────────────────────────",
        "11-29 09:05:00  anthropic/                  820,736  350    17.00  $26.67",
        "                claude-sonnet-4-5-20250929",
        "11-29 09:04:00  claude-opus-4-5-20251101    697,280  350    14.00  $15.43",
        "",
        "left out, the terminal is narrow: source, tier, cached; wider, or --json, shows",
        "them",
        "",
    ]


def test_what_is_piped_has_every_column_and_no_blanks_at_the_end(ledger: Path) -> None:
    with Ledger(ledger) as opened:
        named = LedgerRow(
            "long", NOV_29, NOV_29 + 1, request_model="m" * 500, status="exact", amount=1, tags=Tags("x")
        )
        opened.add([named])
    environ = {**os.environ, "OTEL_LLMCOST_LEDGER": str(ledger)}
    asked = subprocess.run([COMMAND, "calls"], env=environ, capture_output=True, text=True, check=True)
    assert asked.stdout.splitlines()[1].split() == [
        "start", "model", "source", "tier", "input", "cached", "output", "seconds", "cost",
    ]  # fmt: skip
    assert "m" * 500 in asked.stdout
    assert all(line == line.rstrip() for line in asked.stdout.splitlines())


def test_doctor_sets_its_lines_for_the_terminal_and_for_a_pipe(tmp_path: Path) -> None:
    """Lines have an end, no blanks before it, and a path in a pipe is whole."""
    place = tmp_path / ("a" * 90)
    shown = typed(60, place, "doctor", cwd=tmp_path)
    assert all(len(line) <= 60 for line in shown)
    environ = {**os.environ, "OTEL_LLMCOST_LEDGER": str(place), "HOME": str(tmp_path)}
    asked = subprocess.run([COMMAND, "doctor"], env=environ, cwd=tmp_path, capture_output=True, text=True)
    lines = asked.stdout.splitlines()
    assert str(place) in asked.stdout
    assert [line for line in lines if len(line) > 100 and str(place) not in line] == []
    assert [line for line in [*lines, *shown] if line != line.rstrip()] == []
    assert lines[0] == "package"
    assert re.fullmatch(r"  ok      openai +[\d.]+, watched", lines[3])
