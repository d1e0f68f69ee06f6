"""Claims: one process counts what all of them can see, and nobody else may look."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from otel_llmcost.ledger.claims import FOLDER, Claims


def test_a_key_is_claimed_once_whoever_asks(tmp_path: Path) -> None:
    mine, theirs = Claims(tmp_path), Claims(tmp_path)
    assert mine("resp:api.openai.com:resp_1")
    assert not theirs("resp:api.openai.com:resp_1")
    assert theirs("resp:api.openai.com:resp_2")


def test_a_ledger_that_begins_with_a_claim_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        assert Claims(tmp_path / "state" / "ledger")("batch:1:a")
    finally:
        os.umask(before)
    made = [tmp_path / "state", tmp_path / "state" / "ledger", tmp_path / "state" / "ledger" / FOLDER]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in made] == [0o700] * 3


def test_what_cannot_be_claimed_is_not_made_free(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file in the place of the folder")
    assert Claims(tmp_path)("batch:1:a")
