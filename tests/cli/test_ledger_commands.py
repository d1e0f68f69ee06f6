from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_llmcost.call import Priced, Tags
from otel_llmcost.cli import main
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
from otel_llmcost.sessions.log import SessionLog, SessionRecord


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 10**9


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    monday, sunday = at("2026-11-02T09:00Z"), at("2026-11-01T23:30Z")
    rows = [
        LedgerRow(
            "otel:aa:bb", monday, monday + 1_500_000_000, provider="openai", request_model="small",
            usage={"input": 1200, "cache_read": 800, "output": 350}, status="exact", amount=2_425_200_000_000,
            components={"input": 2_425_200_000_000}, savings=10**11, version="v1",
            tags=Tags(source="extraction", own={"customer": "acme"}),
        ),
        LedgerRow(
            "otel:aa:cc", sunday, sunday + 10**9, provider="openai", request_model="large", status="partial",
            amount=12_400_000_000_000_000, reasons=("no-rate: web_search has no rate",), usage={"input": 1_000_000},
            tags=Tags(session="s1", stage="plan"),
        ),
        LedgerRow(
            "otel:aa:dd", monday + 1, monday + 2, request_model="=HYPERLINK()", status="unpriced",
            reasons=("no-price: no model '=HYPERLINK()'",), error_type="TimeoutError",
        ),
    ]  # fmt: skip
    with Ledger(tmp_path) as ledger:
        ledger.add(rows)
    return tmp_path


def run(directory: Path, *arguments: str) -> str:
    result = CliRunner().invoke(main, [*arguments, "--ledger", str(directory)])
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def cells(text: str) -> list[list[str]]:
    """The words of each line of a table."""
    return [line.split() for line in text.splitlines() if line.strip() and "─" not in line]


def test_a_report_for_a_person(directory: Path) -> None:
    lines = cells(run(directory, "report", "all"))
    assert lines[0] == ["all", "calls"]
    assert lines[2:7] == [
        ["large", "1", "1,000,000", ">=", "$12.40", "1", "partial"],
        ["small", "1", "1,200", "800", "350", "$0.0024252", "$0.0001"],
        ["=HYPERLINK()", "1", "unknown", "1", "unpriced,", "1", "failed"],
        [
            "total",
            "3",
            "1,001,200",
            "800",
            "350",
            ">=",
            "$12.4024252",
            "$0.0001",
            "1",
            "unpriced,",
            "1",
            "partial,",
            "1",
            "failed",
        ],
        ["1x", "no-price:", "no", "model", "'=HYPERLINK()'"],
    ]


def test_a_lower_bound_is_rounded_down_and_exact_in_json(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add(
            [
                LedgerRow(
                    "otel:ee:aa", at("2026-11-02T09:00Z"), at("2026-11-02T09:01Z"), request_model="large",
                    status="partial", amount=1_429_050_000_000_000, reasons=("no-rate: web_search has no rate",),
                    tags=Tags(session="s1"),
                ),
            ]
        )  # fmt: skip
    for command in (("report", "all"), ("calls",), ("sessions",)):
        shown = run(tmp_path, *command)
        assert ">= $1.42" in shown
        assert "$1.43" not in shown
    assert json.loads(run(tmp_path, "report", "all", "--json"))["total"]["cost"] == "1.42905"


def test_commands_that_count_pending_calls_say_so(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger(directory) as ledger:
        start = at("2026-11-02T10:00Z")
        ledger.add([LedgerRow("response:r1", start, start + 1, request_model="small", status="pending")])
    assert json.loads(run(directory, "report", "all", "--json"))["total"]["calls"] == 3
    assert " of 4 calls (1 pending) would change" in run(directory, "reprice")
    assert json.loads(run(directory, "reprice", "--json"))["pending"] == 1
    monkeypatch.setenv("OTEL_LLMCOST_LEDGER", str(directory))
    assert "4 calls kept (1 pending), the latest at " in CliRunner().invoke(main, ["doctor"]).stdout


def test_a_report_as_json_is_exact(directory: Path) -> None:
    found = json.loads(
        run(directory, "report", "2026-11", "--by", "day,provider", "--tz", "Europe/Berlin", "--json")
    )
    assert (found["since"], found["until"]) == ("2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00")
    assert [(row["day"], row["provider"], row["cost"]) for row in found["rows"]] == [
        ("2026-11-02", "openai", "12.4024252"),  # 23:30 in UTC is the next day in Berlin
        ("2026-11-02", "", None),
    ]
    assert found["total"]["cost"] == "12.4024252"
    assert found["total"]["cost_is_lower_bound"] is True
    assert found["total"]["statuses"] == {"exact": 1, "partial": 1, "unpriced": 1}
    assert found["reasons"]["no-price: no model '=HYPERLINK()'"] == 1


def test_a_report_as_csv_runs_nothing_in_a_spreadsheet(directory: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(directory, "report", "all", "--csv"))))
    assert [(row["model"], row["cost"]) for row in rows] == [
        ("large", "12.4"),
        ("small", "0.0024252"),
        ("'=HYPERLINK()", ""),
    ]


@pytest.mark.parametrize(
    ("options", "models"),
    [
        ([], ["=HYPERLINK()", "small", "large"]),
        (["--dearest"], ["large", "small", "=HYPERLINK()"]),
        (["--slowest", "-n", "1"], ["small"]),
        (["-n", "2"], ["=HYPERLINK()", "small"]),
        (["--model", "s*", "--model", "large"], ["small", "large"]),
        (["--source", "extraction"], ["small"]),
        (["--status", "unpriced"], ["=HYPERLINK()"]),
        (["--failed"], ["=HYPERLINK()"]),
        (["--ok"], ["small", "large"]),
        (["--error", "TimeoutError"], ["=HYPERLINK()"]),
        (["--min-cost", "$0.01"], ["large"]),
        (["--tag", "customer=acme"], ["small"]),
        (["--session", "s1"], ["large"]),
        (["2026-11-01"], ["large"]),
        (["2026-11-02", "--tz", "Europe/Berlin"], ["=HYPERLINK()", "small", "large"]),
        (["--since", "2026-11-02", "--until", "2026-11-02T09:00:00Z"], []),
    ],
)
def test_calls_and_their_filters(directory: Path, options: list[str], models: list[str]) -> None:
    found = json.loads(run(directory, "calls", "--json", *options))
    assert [call["request_model"] for call in found] == models


def test_a_call_as_json_has_everything(directory: Path) -> None:
    with Ledger(directory) as ledger:
        ledger.reprice(
            "otel:aa:bb", Priced("exact", 5 * 10**12, {"input": 5 * 10**12}, version="v2"), "better"
        )
    [call] = json.loads(run(directory, "calls", "--json", "--model", "small", "--tz", "Asia/Kolkata"))
    assert (call["trace_id"], call["span_id"], call["key"]) == ("aa", "bb", "otel:aa:bb")
    assert (call["start"], call["end"]) == ("2026-11-02T14:30:00+05:30", "2026-11-02T14:30:01.5+05:30")
    assert (call["cost"], call["price_version"]) == ("0.005", "v2")
    assert call["first_price"] == {"cost": "0.0024252", "version": "v1"}
    assert call["usage"] == {"input": 1200, "cache_read": 800, "output": 350}
    assert call["tags"] == {"customer": "acme"}


def test_calls_for_a_person(directory: Path) -> None:
    lines = cells(run(directory, "calls", "--tz", "Europe/Berlin"))
    assert lines[1:] == [
        ["2026-11-02", "10:00:00", "=HYPERLINK()", "0.00", "-", "unpriced,", "TimeoutError"],
        ["2026-11-02", "10:00:00", "small", "extraction", "2,000", "800", "350", "1.50", "$0.0024252"],
        ["2026-11-02", "00:30:00", "large", "1,000,000", "1.00", ">=", "$12.40", "partial"],
        ["no-price:", "no", "model", "'=HYPERLINK()'"],
        ["no-rate:", "web_search", "has", "no", "rate"],
    ]


def test_sessions(directory: Path) -> None:
    assert cells(run(directory, "sessions"))[1:] == [
        ["s1", "2026-11-01", "23:30", "1", "1.0", "1,000,000", ">=", "$12.40"],
        ["plan", "1", "1.0", "100%", "1,000,000", ">=", "$12.40"],
    ]
    [session] = json.loads(run(directory, "sessions", "--json"))
    assert (session["session"], session["cost"], session["stages"][0]["time_share"]) == ("s1", "12.4", 1.0)
    [line] = csv.DictReader(io.StringIO(run(directory, "sessions", "--csv")))
    assert (line["stage"], line["cost"], line["cost_is_lower_bound"]) == ("plan", "12.4", "true")


def test_sessions_say_what_they_are_and_what_another_model_would_cost(directory: Path) -> None:
    SessionLog(directory).keep(SessionRecord("s1", at("2026-11-01T23:30Z"), status="completed", task="build"))
    [session] = json.loads(run(directory, "sessions", "--json", "--against", "openai/gpt-4o"))
    assert (session["status"], session["task"]) == ("completed", "build")
    # a million input tokens at 2.50 USD a million
    assert session["against"] == {
        "model": "openai/gpt-4o",
        "compared_calls": 1,
        "paid_usd": "12.4",
        "would_cost_usd": "2.5",
        "calls_of_unknown_cost": 0,
        "would_cost_of_those_usd": "0",
    }
    header, line, _ = cells(run(directory, "sessions", "--against", "openai/gpt-4o"))
    assert header[-3:] == ["cost", "with", "openai/gpt-4o"]
    assert line == [
        "s1",
        "completed",
        "2026-11-01",
        "23:30",
        "1",
        "1.0",
        "1,000,000",
        ">=",
        "$12.40",
        "$2.50",
    ]


def test_stages_add_up_to_their_session(tmp_path: Path) -> None:
    start = at("2026-11-02T09:00Z")
    amounts = {"plan": 16_534_000_000_000_000, "act": 7_463_000_000_000_000}
    with Ledger(tmp_path) as ledger:
        ledger.add(
            [
                LedgerRow(stage, start, start + 1, request_model="m", status="exact", amount=amount,
                          tags=Tags(session="s1", stage=stage))
                for stage, amount in amounts.items()
            ]
        )  # fmt: skip
    assert [line[-1] for line in cells(run(tmp_path, "sessions"))[1:]] == ["$23.997", "$16.534", "$7.463"]


def test_prune_forgets_what_sessions_said_too(directory: Path) -> None:
    log = SessionLog(directory)
    for name, start in (("s1", "2026-11-01T23:30Z"), ("s2", "2026-11-03T00:00Z")):
        log.keep(SessionRecord(name, at(start)))
    run(directory, "prune", "--before", "2026-11-02")
    assert [record.id for record in log.records()] == ["s2"]


def test_prune(directory: Path) -> None:
    assert run(directory, "prune", "--before", "2026-11-02", "--dry-run") == (
        "1 calls before 2026-11-02T00:00:00Z would be forgotten\n"
    )
    assert len(json.loads(run(directory, "calls", "--json"))) == 3
    assert run(directory, "prune", "--before", "2026-11-02").startswith("1 calls before ")
    assert len(json.loads(run(directory, "calls", "--json"))) == 2
    assert json.loads(run(directory, "report", "all", "--json"))["total"]["calls"] == 2


def test_nothing_to_show_is_said(tmp_path: Path) -> None:
    assert run(tmp_path, "report", "all") == "all calls\nno calls\n"
    assert run(tmp_path, "calls") == "no calls\n"
    assert run(tmp_path, "sessions") == "no sessions\n"
    assert json.loads(run(tmp_path, "report", "--json"))["total"]["cost"] is None


def test_a_ledger_that_is_not_there_or_damaged_is_a_failure_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "ledger.sqlite3").write_bytes(b"rubbish" * 1000)
    for place, said in (("missing", "there is no ledger in"), ("damaged", "is damaged")):
        result = CliRunner().invoke(main, ["report", "--ledger", str(tmp_path / place)])
        assert (result.exit_code, result.stdout) == (1, "")
        assert said in result.stderr
        assert result.stderr.count("\n") == 1
    assert not (tmp_path / "missing").exists()


KILLED = """
import os, signal, sys, time
from pathlib import Path
from otel_llmcost.call import Call, Priced
from otel_llmcost.ledger import LedgerSettings, open_recorder
recorder = open_recorder(LedgerSettings(Path(sys.argv[1])))
now = time.time_ns()
for number in range(3):
    call = Call(key=f"k{number}", request_model="m", start_ns=now, end_ns=now + 5)
    recorder.record(call, Priced("exact", 7, {"input": 7}))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_program_kept_is_in_the_next_answer(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    found = json.loads(run(tmp_path, "report", "24h", "--json"))
    assert (found["total"]["calls"], found["total"]["cost"]) == (3, "0.000000000000021")


def test_the_settings_name_the_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_LLMCOST_LEDGER", str(tmp_path / "named"))
    with Ledger(tmp_path / "named") as ledger:
        ledger.add([LedgerRow("a", time.time_ns(), status="exact", amount=1)])
    result = CliRunner().invoke(main, ["report", "--json"])
    assert json.loads(result.stdout)["total"]["calls"] == 1
    monkeypatch.delenv("OTEL_LLMCOST_LEDGER")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert json.loads(CliRunner().invoke(main, ["report", "--json"]).stdout)["total"]["calls"] == 0
    assert (tmp_path / "state" / "otel-llmcost" / "ledger.sqlite3").exists()


def test_a_time_that_the_clock_showed_twice_has_its_offset(tmp_path: Path) -> None:
    starts = ("2026-04-04T14:35Z", "2026-04-04T15:05Z", "2026-04-04T15:45Z")
    with Ledger(tmp_path) as ledger:
        ledger.add(
            LedgerRow(
                f"k{number}", at(start), at(start), status="exact", amount=1, tags=Tags(session=str(number))
            )
            for number, start in enumerate(starts)
        )
    shown = run(tmp_path, "calls", "--tz", "Australia/Lord_Howe")
    assert "2026-04-05 01:35:00 +11:00" in shown
    assert "2026-04-05 01:35:00 +10:30" in shown
    assert "2026-04-05 02:15:00 +" not in shown
    assert "2026-04-05 02:15:00" in shown
    assert "2026-04-05 01:35 +10:30" in run(tmp_path, "sessions", "--tz", "Australia/Lord_Howe")


def test_a_report_names_its_days_in_their_time_zone(directory: Path) -> None:
    said = run(directory, "report", "2026-11", "--tz", "Europe/Berlin").splitlines()[0]
    assert said == "calls from 2026-11-01T00:00:00+01:00 to 2026-12-01T00:00:00+01:00, days of Europe/Berlin"
    said = run(directory, "report", "--until", "9999-12-31T23:59:59Z", "--tz", "Asia/Tokyo").splitlines()[0]
    assert said == "calls from the beginning to 9999-12-31T23:59:59Z, days of Asia/Tokyo"
    said = run(directory, "report", "2026-11").splitlines()[0]
    assert said == "calls from 2026-11-01T00:00:00Z to 2026-12-01T00:00:00Z, days of UTC"


def test_prune_answers_in_the_time_zone_that_was_asked_for(directory: Path) -> None:
    said = run(directory, "prune", "--before", "2026-11-02", "--tz", "Europe/Berlin")
    assert said == "0 calls before 2026-11-02T00:00:00+01:00 are forgotten\n"


NO_USAGE = 'estimated: the stream carried no usage; remedy: stream_options={"include_usage": True}'
DELEGATED = "delegated: this gateway is instrumented itself and counts the money"


@pytest.fixture
def unsure(tmp_path: Path) -> Path:
    rows = [
        LedgerRow("a", 1, 2, provider="openai", request_model="m", status="estimated", amount=10**12,
                  reasons=("note: estimated from 8 characters seen: 2 output tokens", NO_USAGE)),
        LedgerRow("b", 3, 4, provider="openai", request_model="m", status="estimated", amount=10**12,
                  reasons=("note: estimated from 4 characters seen: 1 output tokens", NO_USAGE)),
        LedgerRow("c", 5, 6, provider="openai", request_model="m", status="estimated", amount=10**12,
                  reasons=("matched: m-2 is unknown, priced as the request's m",)),
        LedgerRow("d", 7, 8, request_model="n", status="delegated", reasons=(DELEGATED,)),
    ]  # fmt: skip
    with Ledger(tmp_path) as ledger:
        ledger.add(rows)
    return tmp_path


def test_a_report_says_why_calls_are_estimates_or_counted_elsewhere(unsure: Path) -> None:
    shown = run(unsure, "report", "all")
    assert ["n", "1", "-", "1", "delegated"] in cells(shown)
    assert shown.splitlines()[-3:] == [
        f"2x {NO_USAGE}",
        f"1x {DELEGATED}",
        "1x matched: m-2 is unknown, priced as the request's m",
    ]
    [header, *rows] = csv.reader(io.StringIO(run(unsure, "report", "all", "--csv")))
    assert [dict(zip(header, row, strict=True))["delegated"] for row in rows] == ["0", "1"]


@pytest.mark.parametrize(("status", "why"), [("estimated", NO_USAGE), ("delegated", DELEGATED)])
def test_single_calls_say_why_they_are_estimates_or_counted_elsewhere(
    unsure: Path, status: str, why: str
) -> None:
    shown = run(unsure, "calls", "--status", status).splitlines()
    assert shown.count(why) == 1
    assert not any("characters seen" in line for line in shown)


def test_a_star_alone_means_any_value_and_no_call_without_one(tmp_path: Path) -> None:
    rows = [
        LedgerRow(
            "a", 1, 2, request_model="m", status="exact", amount=1, tags=Tags(team="x", own={"k": "v"})
        ),
        LedgerRow("b", 3, 4, request_model="n", status="exact", amount=1),
    ]
    with Ledger(tmp_path) as ledger:
        ledger.add(rows)
    for option in (["--team", "*"], ["--tag", "k=*"]):
        assert [call["key"] for call in json.loads(run(tmp_path, "calls", "--json", *option))] == ["a"]
        assert json.loads(run(tmp_path, "report", "all", "--json", *option))["total"]["calls"] == 1
    assert [call["key"] for call in json.loads(run(tmp_path, "calls", "--json", "--team", ""))] == ["b"]


def test_a_group_that_is_said_twice_is_one_column(directory: Path) -> None:
    assert run(directory, "report", "all", "--by", "model,model") == run(
        directory, "report", "all", "--by", "model"
    )
