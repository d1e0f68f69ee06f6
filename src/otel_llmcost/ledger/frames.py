"""The journal's format: frames of mark, length, checksum and content, from the first byte on.

A reserved but unwritten tail is NUL bytes. The mark begins with a byte that no content holds (contents are
ASCII), so a reader finds the next frame behind a damaged one.
"""

from __future__ import annotations

from struct import Struct
from zlib import crc32

MARK = b"\xf5LJ1"
HEADER = Struct("<4sII")
_HEADER_BYTES = HEADER.size


def frame(content: bytes) -> bytes:
    """The bytes that hold `content` in a segment."""
    return HEADER.pack(MARK, len(content), crc32(content)) + content


class Frames:
    """What was read: each content with the offset behind it, the offset reached, and damaged stretches."""

    __slots__ = ("contents", "damaged", "end")

    def __init__(self) -> None:
        self.contents: list[tuple[bytes, int]] = []
        self.end = self.damaged = 0


def read_frames(data: bytes, *, sealed: bool) -> Frames:
    """The whole frames at the start of `data`.

    While its owner writes (`sealed` false) reading stops at the first frame that is not whole: it may be
    under way. Behind a gone owner that is damage or a torn tail: it is counted and the next frame is sought.
    """
    found = Frames()
    position = 0
    while True:
        content = _content_at(data, position)
        if content is not None:
            position += _HEADER_BYTES + len(content)
            found.contents.append((content, position))
            continue
        if not sealed:
            found.end = position
            return found
        following = _next_frame(data, position + 1)
        stretch = data[position:] if following is None else data[position:following]
        if stretch.strip(b"\0"):
            found.damaged += 1
        if following is None:
            found.end = len(data)
            return found
        position = following


def _content_at(data: bytes, position: int) -> bytes | None:
    start = position + _HEADER_BYTES
    if start > len(data):
        return None
    mark, length, checksum = HEADER.unpack_from(data, position)
    if mark != MARK or not length or start + length > len(data):
        return None  # a torn header of zeros would pass as an empty content: its checksum is zero
    content = data[start : start + length]
    return content if crc32(content) == checksum else None


def _next_frame(data: bytes, position: int) -> int | None:
    while (position := data.find(MARK, position)) >= 0:
        if _content_at(data, position) is not None:
            return position
        position += 1
    return None
