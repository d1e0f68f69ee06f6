"""An OTLP endpoint on loopback that does everything wrong."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

_LATER = b"retry-after: 3600\r\n"
ANSWERS = {
    "hangs": b"",
    "answers half a head and hangs": b"HTTP/1.1 200 OK\r\ncontent-le",
    "answers what is no HTTP": b"\x00\xffno http at all\r\n\r\n",
    "answers 200 with garbage": b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n\xff\xfe\x00\xff\xff\xff",
    "answers 500": b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n",
    "answers 429, come back in an hour": b"HTTP/1.1 429 no\r\n" + _LATER + b"content-length: 0\r\n\r\n",
    "answers 503, come back in an hour": b"HTTP/1.1 503 no\r\n" + _LATER + b"content-length: 0\r\n\r\n",
    "redirects to itself": b"HTTP/1.1 307 no\r\nlocation: /v1/traces\r\ncontent-length: 0\r\n\r\n",
}
REFUSES = "refuses the connection"
CLOSES = "closes at once"
FAULTS = (REFUSES, CLOSES, *ANSWERS)
_HANGING = frozenset({"hangs", "answers half a head and hangs"})


class FaultyCollector:
    """Listens on a free port of 127.0.0.1 (unless it refuses) and treats every connection by its fault."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self.connections = 0
        self._open: list[socket.socket] = []

    def __enter__(self) -> FaultyCollector:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        if self._fault == REFUSES:
            self._listener.close()
        else:
            threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._treat, args=(connection,), daemon=True).start()

    def _treat(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._fault != CLOSES:
                connection.recv(1 << 20)
                connection.sendall(ANSWERS[self._fault])
            if self._fault not in _HANGING:
                connection.close()
