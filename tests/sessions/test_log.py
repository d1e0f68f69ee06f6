from __future__ import annotations

import logging
import multiprocessing
import stat
from pathlib import Path

import pytest

from otel_llmcost.sessions import SessionLog, SessionRecord


def record(id: str, started_ns: int = 1, status: str = "running") -> SessionRecord:
    return SessionRecord(id, started_ns, status=status, metadata={"k": "ü"}, stages={"plan": 1.5})


def test_the_last_word_of_a_session_counts(tmp_path: Path) -> None:
    log = SessionLog(tmp_path)
    assert log.records() == []
    for each in (record("b", 2), record("a", 1), record("b", 2, "completed")):
        assert log.keep(each)
    assert log.records() == [record("a", 1), record("b", 2, "completed")]
    assert log.records(since_ns=2) == [record("b", 2, "completed")]
    assert log.records(until_ns=2) == [record("a", 1)]
    assert stat.S_IMODE(log.path.stat().st_mode) == 0o600


def test_damaged_and_newer_lines_harm_nobody(tmp_path: Path) -> None:
    log = SessionLog(tmp_path)
    log.keep(record("a"))
    with log.path.open("ab") as file:
        file.write(b'{"id": "tor\n[]\n{"id":1}\n\xff\n{"id":"n","started_ns":5,"of_the_future":1}\n')
    assert [each.id for each in log.records()] == ["a", "n"]


def test_pruning_forgets_the_old_ones(tmp_path: Path) -> None:
    log = SessionLog(tmp_path)
    for each in (record("old", 10), record("new", 20), record("old", 10, "completed")):
        log.keep(each)
    assert log.prune(20) == 1
    assert [each.id for each in log.records()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == [log.path.name]


def test_what_cannot_be_written_is_one_log_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    log = SessionLog(tmp_path / "file")
    with caplog.at_level(logging.WARNING):
        assert not log.keep(record("a"))
        assert not log.keep(record("b"))
    assert len(caplog.records) == 1
    assert "File exists" in caplog.text


def test_the_directory_is_made_private_where_it_is_missing(tmp_path: Path) -> None:
    log = SessionLog(tmp_path / "state" / "llmcost")
    assert log.keep(record("a"))
    assert stat.S_IMODE(log.path.parent.stat().st_mode) == 0o700


def test_a_full_log_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = SessionLog(tmp_path, cap_bytes=10)
    assert log.keep(record("a"))
    assert not log.keep(record("b"))
    assert "remedy: otel-llmcost prune" in caplog.text


def _write(directory: Path, name: str) -> None:
    log = SessionLog(directory)
    for n in range(200):
        log.keep(record(f"{name}{n}"))


def test_processes_do_not_mix_their_lines(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, name)) for name in ("a", "b", "c")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len(SessionLog(tmp_path).records()) == 600
