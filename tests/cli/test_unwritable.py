"""A ledger that cannot be written: what is there can be read, and what is missing is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import otel_llmcost as o
from otel_llmcost.cli import main
from otel_llmcost.errors import LedgerError
from otel_llmcost.ledger.store import Ledger

COMMAND = str(Path(sys.executable).with_name("otel-llmcost"))
RECORD = 'from otel_llmcost import CostTracker; CostTracker().record("openai", "gpt-5-mini", 1200, 300)'
READ_ONLY = 'mount --bind "$L" "$L" && mount -o remount,bind,ro "$L"'
FULL = (
    'cp -a "$L" "$L.kept" && mount -t tmpfs -o size=400k tmpfs "$L" && cp -a "$L.kept/." "$L" '
    '&& ! cat /dev/zero >"$L/fill" 2>&-'
)


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return tried.returncode == 0


mounting = pytest.mark.skipif(not can_mount(), reason="needs user namespaces")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    clean = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    return clean | {"OTEL_LLMCOST_LEDGER": str(tmp_path / "ledger"), "HOME": str(tmp_path)}


def on_disk(
    environ: dict[str, str], mounted: str, command: str, *, waits: bool
) -> subprocess.CompletedProcess[str]:
    """What a command says where a call is kept, another one waits, and then nothing can be written."""
    subprocess.run([sys.executable, "-c", RECORD], env=environ, check=True)
    subprocess.run([COMMAND, "report"], env=environ, check=True, capture_output=True)
    if waits:
        subprocess.run([sys.executable, "-c", f"{RECORD}; import os; os._exit(0)"], env=environ, check=True)
    script = f'L="$OTEL_LLMCOST_LEDGER"; {mounted} || exit 99; exec "{COMMAND}" {command}'
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], env=environ, capture_output=True, text=True, check=False
    )


@mounting
@pytest.mark.parametrize("command", ["report", "calls"])
def test_a_read_only_disk_is_read_and_what_waits_is_told(environ: dict[str, str], command: str) -> None:
    ended = on_disk(environ, READ_ONLY, command, waits=True)
    assert (ended.returncode, ended.stderr.count("\n")) == (0, 1), ended.stderr
    assert "$0.0009" in ended.stdout
    assert "otel-llmcost: read as it is, without 1 call in its journal: " in ended.stderr
    assert "Read-only file system" in ended.stderr


@mounting
def test_a_full_disk_is_read(environ: dict[str, str]) -> None:
    ended = on_disk(environ, FULL, "report", waits=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (0, 1), ended.stderr
    assert "$0.0009" in ended.stdout
    assert "remedy: free space on this disk" in ended.stderr


KILLED = """
import os, pathlib
from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.ledger.store import Ledger
for number in range(2):
    ledger = Ledger(pathlib.Path(os.environ["OTEL_LLMCOST_LEDGER"]))
    ledger.add([LedgerRow(f"k{number}", 1, 2, status="exact", amount=10**15)])
    if not number:
        ledger.close()
os._exit(0)
"""


@mounting
@pytest.mark.parametrize(
    ("mounted", "cost", "missing"),
    [
        (READ_ONLY, "$2.00", ""),
        (f'rm "$L"/*-shm && {READ_ONLY}', "$1.00", "without the latest ones of the database"),
        (f'rm "$L"/*-shm && {FULL}', "$2.00", ""),
    ],
    ids=["shared memory is there", "it is not", "full"],
)
def test_what_the_log_of_a_killed_writer_holds_is_read_or_told(
    environ: dict[str, str], mounted: str, cost: str, missing: str
) -> None:
    subprocess.run([sys.executable, "-c", KILLED], env=environ, check=True)
    script = f'L="$OTEL_LLMCOST_LEDGER"; {mounted} || exit 99; exec "{COMMAND}" report all'
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], env=environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, cost in ended.stdout) == (0, True), ended.stdout + ended.stderr
    assert missing in ended.stderr
    assert ended.stderr.startswith("otel-llmcost: read as it is" + ("," if missing else ":"))


@mounting
def test_nothing_is_pruned_there(environ: dict[str, str]) -> None:
    ended = on_disk(environ, READ_ONLY, "prune", waits=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("otel-llmcost: ledger ")


@pytest.mark.parametrize(
    "command", [["report"], ["calls"], ["sessions"], ["prune"], ["savings", "--against", "gpt-5"]]
)
def test_a_ledger_that_is_switched_off_is_not_empty(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OTEL_LLMCOST_LEDGER", "off")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    refused = CliRunner().invoke(main, command)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "the ledger is switched off" in refused.stderr
    with Ledger(tmp_path):
        assert CliRunner().invoke(main, [*command, "--ledger", str(tmp_path)]).exit_code == 0
    with pytest.raises(LedgerError, match="switched off"):
        o.report()


def test_a_directory_that_is_not_there_is_no_empty_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger in"):
        o.report(directory=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_price_file_that_is_not_there_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    asked = environ | {"OTEL_LLMCOST_PRICES": str(tmp_path / "none.toml")}
    ended = subprocess.run([COMMAND, "doctor"], env=asked, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "not in force: " in ended.stdout
    assert str(tmp_path / "none.toml") in ended.stdout
