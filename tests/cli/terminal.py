"""Commands as they are typed in a terminal of some width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("otel-llmcost"))


def typed(width: int, ledger: Path, *arguments: str, cwd: Path | None = None) -> list[str]:
    """What a terminal so wide shows of a command."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environ = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environ |= {
        "TERM": "xterm",
        "NO_COLOR": "1",
        "OTEL_LLMCOST_LEDGER": str(ledger),
        "HOME": str(cwd or ledger),
    }
    process = subprocess.Popen(
        [COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environ, cwd=cwd or ledger
    )
    os.close(theirs)
    told = b""
    while True:
        try:
            read = os.read(ours, 65_536)
        except OSError:  # the other end is closed: Linux says EIO
            break
        if not read:
            break
        told += read
    os.close(ours)
    assert process.wait(60) == 0, told
    return re.sub(r"\x1b\[[0-9;]*m", "", told.decode()).replace("\r\n", "\n").splitlines()
