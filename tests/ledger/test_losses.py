"""How many calls found no place, as other programs learn it."""

from __future__ import annotations

import os

from otel_llmcost.call import EXACT, Call, Priced
from otel_llmcost.ledger.losses import FILE_NAME, Loss, LossLog, forget_losses, read_losses
from otel_llmcost.ledger.recorder import LedgerSettings, Recorder


def test_a_process_tells_at_once_seldom_and_at_its_end(tmp_path):
    log = LossLog(tmp_path, "run")
    for dropped in range(1, 101):
        log.tell(dropped)
    assert len((tmp_path / FILE_NAME).read_text().splitlines()) == 7  # 1, 2, 4 ... 64
    assert [(loss.calls, loss.ended) for loss in read_losses(tmp_path)] == [(64, False)]
    log.tell(100, ended=True)
    assert [(loss.calls, loss.ended) for loss in read_losses(tmp_path)] == [(100, True)]
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_nothing_lost_makes_no_file(tmp_path):
    LossLog(tmp_path, "run").tell(0, ended=True)
    assert list(tmp_path.iterdir()) == []
    assert read_losses(tmp_path) == []


def test_a_place_that_cannot_be_written_raises_nothing(tmp_path):
    LossLog(tmp_path / "missing", "run").tell(1)


def test_a_child_counts_its_own(tmp_path):
    log = LossLog(tmp_path, "run")
    log.tell(40, ended=True)
    child = os.fork()
    if not child:
        log.tell(3, ended=True)
        os._exit(0)
    os.waitpid(child, 0)
    assert sorted(loss.calls for loss in read_losses(tmp_path, run_id="run")) == [3, 40]
    assert read_losses(tmp_path, run_id="another") == []


def test_damaged_lines_are_none_and_old_ones_are_forgotten(tmp_path):
    lines = ['["a", 1, 10, 20, 5, true]', "[", '["b", 2, 30, 40, 7, true]', "{}"]
    (tmp_path / FILE_NAME).write_text("\n".join(lines))
    assert [loss.calls for loss in read_losses(tmp_path)] == [5, 7]
    assert [loss.calls for loss in read_losses(tmp_path, since_ns=21)] == [7]
    assert [loss.calls for loss in read_losses(tmp_path, until_ns=30)] == [5]
    forget_losses(tmp_path, 21)
    assert read_losses(tmp_path) == [Loss("b", 2, 30, 40, 7, True)]
    forget_losses(tmp_path, 41)
    assert not (tmp_path / FILE_NAME).exists()


def test_a_full_journal_is_told_also_where_the_process_is_killed(tmp_path):
    recorder = Recorder(LedgerSettings(tmp_path, cap_bytes=0, run_id="run"), tmp_path)
    for number in range(5):
        recorder.record(Call(key=f"k{number}", usage={"input": 1}), Priced(EXACT, 1, {}))
    assert [(loss.calls, loss.ended) for loss in read_losses(tmp_path)] == [(4, False)]
    recorder.close()
    assert [(loss.calls, loss.ended) for loss in read_losses(tmp_path)] == [(5, True)]
