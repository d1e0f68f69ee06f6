from __future__ import annotations

from pathlib import Path

import pytest

from otel_llmcost.ledger import location
from otel_llmcost.ledger.journal import Journal
from otel_llmcost.ledger.location import default_directory, file_system, is_remote, may_be_mapped, obstacle
from otel_llmcost.ledger.segment import segments


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/a"}, "/state/otel-llmcost"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/a"}, "/home/a/.local/state/otel-llmcost"),
        ({"HOME": "/home/a"}, "/home/a/.local/state/otel-llmcost"),
        ({"HOME": "relative"}, None),
    ],
)
def test_the_directory_is_the_user_s_own(environ: dict[str, str], expected: str | None) -> None:
    assert default_directory(environ) == (None if expected is None else Path(expected))


MOUNTS = """\
22 1 {device} / / rw,relatime shared:1 - {kind} /dev/vda rw
23 22 0:21 / /dev/shm rw,nosuid - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("kind", "remote", "mapped"),
    [
        ("ext4", False, True),
        ("overlay", False, True),
        ("btrfs", False, False),
        ("nfs4", True, False),
        ("fuse.sshfs", True, False),
        ("9p", True, False),
    ],
)
def test_network_file_systems_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, remote: bool, mapped: bool
) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.format(device=f"{device >> 8 & 0xFFF}:{device & 0xFF}", kind=kind))
    monkeypatch.setattr(location, "_MOUNTS", mounts)
    assert file_system(tmp_path) == kind
    assert is_remote(tmp_path) is remote
    assert may_be_mapped(tmp_path) is mapped
    journal = Journal(tmp_path / "journal")
    assert journal.append(b"x")
    [segment] = segments(tmp_path / "journal")
    assert (segment.stat().st_size > 13) is mapped


def test_where_the_system_does_not_say_it_is_taken_for_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(location, "_MOUNTS", tmp_path / "missing")
    assert not is_remote(tmp_path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc")
def test_a_place_that_only_says_it_is_writable_is_found_out() -> None:
    assert obstacle(Path("/proc/x")).startswith(
        ("nothing can be made in /proc: ", "/proc is no writable directory")
    )


def test_a_place_that_can_be_used_is_left_as_it_was(tmp_path: Path) -> None:
    assert obstacle(tmp_path / "a" / "b") == ""
    assert list(tmp_path.iterdir()) == []
