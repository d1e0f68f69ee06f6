"""The journal: one append per call on the calling thread, safe against threads, forks and `kill -9`.

A `write` gives up the interpreter lock, and beside a busy thread one caller in six then waited 5 ms for it
(docs/ledger.md). A copy into a mapped file does not, and the kernel keeps it when the process is killed.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from mmap import mmap
from os import getpid
from pathlib import Path
from zlib import crc32

from .frames import HEADER, MARK
from .location import may_be_mapped, prepare_directory
from .remedies import remedy_of
from .segment import AppendedSegment, give_back, give_back_reserves, open_segment, waiting_in

SEGMENT_BYTES = 512 << 10
CAP_BYTES = 256 << 20
RETRY_SECONDS = 5.0
_LOG = logging.getLogger("otel_llmcost.ledger")
_pack = HEADER.pack
_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


class Journal:
    """Appends records to segments in `directory`; nothing is touched on disk before the first append.

    `cap_bytes` bounds what waits in the directory, of all processes: the segments that are given up, beside the one
    that each living process writes. A record that finds no place is dropped and counted. `rolled` is called, on
    the appending thread, with the waiting bytes of each new segment.
    """

    def __init__(
        self,
        directory: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        cap_bytes: int = CAP_BYTES,
        mapped: bool = True,
        rolled: Callable[[int], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directory = directory
        self.appended = 0
        self.dropped = 0
        self._segment_bytes, self._cap_bytes, self._mapped = min(segment_bytes, cap_bytes), cap_bytes, mapped
        self._rolled, self._clock = rolled, clock
        self._place_known = False
        self._complaints: set[str] = set()
        self._begin()
        _journals.add(self)
        _watch_forks()

    def _begin(self) -> None:
        # Reentrant: the collector of garbage may settle an abandoned stream inside an append.
        self._lock = threading.RLock()
        self._pid = getpid()
        self._seal()
        self._refused_until = 0.0
        self._begun_with = 0  # what waited when a segment was begun, until `rolled` is told

    def _seal(self) -> None:
        # Never `view.close()`: an interrupted append on this thread may hold it. It goes with its last user.
        self._view: mmap | None = None
        self._path: Path | None = None
        self._before = self.appended
        self._appended_segment: AppendedSegment | None = None
        self._position = self._limit = 0

    def append(self, record: bytes) -> bool:
        """Keeps a record (ASCII bytes); once it has returned True, the record survives the process."""
        if self._pid != getpid():
            self._after_unseen_fork()
        framed = _pack(MARK, len(record), crc32(record)) + record
        size = len(framed)
        with self._lock:
            # No call between looking at the place and taking it: signal handlers and finalizers, which may
            # append too, run at calls. What they append in the middle of the copy stands behind it.
            view, start = self._view, self._position
            end = start + size
            if view is not None and end <= self._limit:
                self._position = end
                view[start:end] = framed
                self.appended += 1
                return True
            view = None  # a full segment is unlocked with its last user
            kept = self._append_slowly(framed)
            waiting, self._begun_with = self._begun_with, 0
        if waiting and self._rolled is not None:
            self._rolled(waiting)
        return kept

    def close(self) -> None:
        """Gives the segment up to whoever drains it. A later append begins a new one."""
        if self._pid == getpid():
            with self._lock:
                self._tell_if_removed()
                # No call in between: what a signal handler or finalizer appends would stand behind the cut.
                view, path, position = self._view, self._path, self._position
                self._view = None
                self._seal()
                if view is not None and path is not None:  # `view` keeps the lock until here
                    give_back(path, position)

    def _tell_if_removed(self) -> None:
        """Nobody but us removes a segment while we may write to it."""
        path, lost = self._path, self.appended - self._before
        if path is None or not lost or os.path.lexists(path):
            return
        _LOG.warning(
            "otel-llmcost: the ledger's journal %s was removed while the program ran: %d calls were priced and counted, "
            "but are not kept; remedy: to forget old calls, run 'otel-llmcost prune'",
            path,
            lost,
        )

    def _append_slowly(self, framed: bytes) -> bool:
        kept = False
        if self._clock() >= self._refused_until:
            try:
                kept = self._append_to_file(framed) or self._append_to_new(framed)
            except (OSError, ValueError) as failure:
                self._refuse("cannot be written", failure, remedy_of(failure))
        if kept:
            self.appended += 1
        else:
            self.dropped += 1
        return kept

    def _append_to_file(self, framed: bytes) -> bool:
        segment = self._appended_segment
        return segment is not None and segment.append(framed)

    def _append_to_new(self, framed: bytes) -> bool:
        self._tell_if_removed()
        self._seal()
        prepare_directory(self.directory)
        waiting, size = self._room_for(len(framed))
        if waiting + size > self._cap_bytes:
            why = f"{waiting} bytes wait in it, its cap is {self._cap_bytes}"
            self._refuse("is full", why, "run 'otel-llmcost report', which drains it")
            return False
        segment = open_segment(self.directory, size, mapped=self._may_map())
        if isinstance(segment, AppendedSegment):
            self._appended_segment, self._path = segment, segment.path
            kept = segment.append(framed)
        else:
            # at one stroke: `close`, from a signal handler, has to find the path and the position of one segment
            end, view, path, limit = len(framed), segment.view, segment.path, segment.limit
            self._view, self._path, self._position, self._limit = view, path, end, limit
            view[:end] = framed
            kept = True
        self._begun_with = waiting + size
        return kept

    def _room_for(self, least: int) -> tuple[int, int]:
        """(bytes that wait, size of the next segment): the last one takes what the cap leaves, `least` at least."""
        waiting = waiting_in(self.directory)
        if waiting + max(self._segment_bytes, least) > self._cap_bytes:
            # only now: what the killed have left is read to its end
            give_back_reserves(self.directory)
            waiting = waiting_in(self.directory)
        return waiting, max(least, min(self._segment_bytes, self._cap_bytes - waiting))

    def _may_map(self) -> bool:
        if self._mapped and not self._place_known:
            self._mapped = may_be_mapped(self.directory)
            self._place_known = True
        return self._mapped

    def _refuse(self, what: str, why: object, remedy: str) -> None:
        """Drops records for some seconds, and says so once for each kind of trouble."""
        self._refused_until = self._clock() + RETRY_SECONDS
        if what not in self._complaints:
            self._complaints.add(what)
            _LOG.warning(
                "otel-llmcost: the ledger's journal %s %s (%s): calls are priced and counted, but not kept; remedy: %s",
                self.directory,
                what,
                why,
                remedy,
            )

    def after_fork(self) -> None:
        """In a child: forgets the parent's segment and counts. Runs before any other thread can."""
        self.appended = self.dropped = 0
        self._begin()

    def _after_unseen_fork(self) -> None:
        # Some servers fork in C without telling Python; they do so from a single thread.
        with self._lock:
            if self._pid != getpid():
                self.after_fork()


def _after_fork() -> None:
    for journal in list(_journals):
        journal.after_fork()


@functools.cache
def _watch_forks() -> None:
    os.register_at_fork(after_in_child=_after_fork)
