"""Who holds a reservation: a process that can be told from a later one of the same number."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """`started` is in clock ticks since boot, `namespace` the inode of the pid namespace; 0 where unknown."""

    pid: int
    started: int
    namespace: int

    def alive(self, here: Holder) -> bool:
        """Whether the process still runs, as far as the process `here` can tell.

        A process of another container cannot be asked about: it counts as alive until its lease ends.
        """
        if self.namespace != here.namespace:
            return True
        state, started = _status(self.pid)
        if state:
            return state not in "ZX" and started == self.started
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return not here.started


def this_process() -> Holder:
    """The holder that this process is."""
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        namespace = 0
    return Holder(os.getpid(), _status(os.getpid())[1], namespace)


def _status(pid: int) -> tuple[str, int]:
    """(state letter, start time), ("", 0) where the system does not tell (proc(5), /proc/pid/stat)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "", 0
    # The second field is the program's name in brackets and may hold anything, brackets and spaces too.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])
