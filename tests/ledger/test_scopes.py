"""The note of other instrumentations' spans."""

from __future__ import annotations

import fcntl

from otel_llmcost.ledger.scopes import FILE_NAME, SeenScope, keep_seen, read_seen


def test_processes_add_up_and_the_latest_comes_last(tmp_path):
    keep_seen(tmp_path, {"a": 2, "b": 1}, 10)
    keep_seen(tmp_path, {"a": 3}, 20)
    assert read_seen(tmp_path) == [SeenScope("b", 1, 10), SeenScope("a", 5, 20)]
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_nothing_seen_makes_no_file(tmp_path):
    keep_seen(tmp_path, {})
    assert read_seen(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_note_begins_anew(tmp_path):
    for damage in ('{"a": 1}', "[]", "", '{"a": ["x", 1]}', "{"):
        (tmp_path / FILE_NAME).write_text(damage)
        assert read_seen(tmp_path) == []
    keep_seen(tmp_path, {"a": 1}, 5)
    assert read_seen(tmp_path) == [SeenScope("a", 1, 5)]


def test_a_busy_note_is_not_waited_for(tmp_path):
    keep_seen(tmp_path, {"a": 1}, 5)
    with (tmp_path / FILE_NAME).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        keep_seen(tmp_path, {"a": 1}, 6)
    assert read_seen(tmp_path) == [SeenScope("a", 1, 5)]


def test_the_note_stays_small(tmp_path):
    keep_seen(tmp_path, {f"scope-{number}": 1 for number in range(1500)}, 1)
    keep_seen(tmp_path, {"latest": 1}, 2)
    seen = read_seen(tmp_path)
    assert len(seen) == 1000
    assert seen[-1].scope == "latest"
