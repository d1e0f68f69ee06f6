"""A picture of what a command really prints: runs it in a terminal of its own and writes an SVG.

python scripts/picture.py docs/images/demo.svg otel-llmcost demo
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT = 138, 60
# rich names fonts on a server; a picture in a README may load nothing, and any monospaced font does
FONT_FACES = re.compile(r"<!-- Generated .*? -->\s*|@font-face \{.*?\}\s*", re.DOTALL)


def printed(command: list[str]) -> str:
    """What a command prints on a terminal, control sequences included. Raises `CalledProcessError`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color", "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environ) as started:
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the last writer has closed
                break
            if not part:
                break
            text += part
    os.close(ours)
    if started.returncode:
        raise subprocess.CalledProcessError(started.returncode, command, text)
    return text.decode().replace("\r\n", "\n")


def picture(text: str, title: str) -> str:
    """An SVG of a terminal with this text, without links to other servers."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text), end="")
    return FONT_FACES.sub("", console.export_svg(title=title, unique_id="picture"))


def main() -> None:
    """Writes the picture that the arguments ask for."""
    target, *command = sys.argv[1:]
    Path(target).write_text(picture(printed(command), " ".join(command)), encoding="utf-8")


if __name__ == "__main__":
    main()
