from __future__ import annotations

import pytest

from otel_llmcost.ledger.frames import frame, read_frames

CONTENTS = [b'{"n":1}', b'{"n":2,"text":"longer"}', b'{"n":3}']


def contents(data: bytes, *, sealed: bool = True) -> list[bytes]:
    return [content for content, _ in read_frames(data, sealed=sealed).contents]


def test_frames_come_back_in_order_with_their_offsets() -> None:
    data = b"".join(map(frame, CONTENTS))
    found = read_frames(data + bytes(100), sealed=False)
    assert [content for content, _ in found.contents] == CONTENTS
    assert [end for _, end in found.contents] == [19, 54, 73]
    assert (found.end, found.damaged) == (73, 0)


def test_reading_goes_on_from_any_offset_that_was_given() -> None:
    data = b"".join(map(frame, CONTENTS))
    assert contents(data[19:]) == CONTENTS[1:]


@pytest.mark.parametrize("cut", range(1, 19))
def test_a_torn_last_frame_is_dropped(cut: int) -> None:
    data = b"".join(map(frame, CONTENTS))
    assert contents(data[:-cut]) == CONTENTS[:2]
    assert contents(data[:-cut] + bytes(cut)) == CONTENTS[:2]


def test_each_damaged_byte_costs_one_frame_at_most() -> None:
    data = b"".join(map(frame, CONTENTS))
    for position in range(len(data)):
        for value in (0, data[position] ^ 0xFF, data[position] ^ 1):
            if value == data[position]:
                continue
            broken = data[:position] + bytes([value]) + data[position + 1 :]
            found = read_frames(broken + bytes(64), sealed=True)
            kept = [content for content, _ in found.contents]
            hit = 0 if position < 19 else 1 if position < 54 else 2
            assert kept == CONTENTS[:hit] + CONTENTS[hit + 1 :], (position, value)
            assert found.damaged == 1
            assert found.end == len(broken) + 64


def test_while_the_owner_writes_reading_stops_at_what_may_be_under_way() -> None:
    data = bytearray(b"".join(map(frame, CONTENTS)))
    data[25] ^= 1
    found = read_frames(bytes(data), sealed=False)
    assert [content for content, _ in found.contents] == CONTENTS[:1]
    assert (found.end, found.damaged) == (19, 0)


def test_a_place_that_was_taken_but_never_written_hides_nothing_behind_it() -> None:
    data = frame(CONTENTS[0]) + bytes(35) + frame(CONTENTS[2])
    found = read_frames(data, sealed=True)
    assert [content for content, _ in found.contents] == [CONTENTS[0], CONTENTS[2]]
    assert found.damaged == 0


def test_random_bytes_are_no_frames() -> None:
    assert contents(b"\xf5LJ1" * 50) == []
    assert contents(b"") == []
