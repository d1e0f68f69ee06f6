"""The HTTP side of the demo provider: threads, sockets, and what was seen."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from .answers import Memory, answer
from .exchange import Reply, SeenRequest, read_fields, with_wishes

Scripted = Reply | Callable[[SeenRequest], Reply]
_LOOPBACK = "127.0.0.1"


class DemoProvider:
    """A provider on a free port of 127.0.0.1 (or on `port`), from `start()` or `with` until `close()`.

    `requests` lists what was received. Answers come from the script as long as it lasts, then by the rules of
    `README.md`. Safe for parallel clients.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[SeenRequest] = []
        self._wanted_port = port
        self._script: deque[Scripted] = deque()
        self._memory = Memory()
        self._server: _Server | None = None

    def start(self) -> Self:
        """Listens and answers in threads of its own; raises OSError where the port is taken."""
        self._server = _Server((_LOOPBACK, self._wanted_port), self._reply)
        # The default poll of half a second would make every `close` wait that long.
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="demo-provider", daemon=True
        ).start()
        return self

    def close(self) -> None:
        """Stops listening and breaks the connections that are still open."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.drop_connections()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def port(self) -> int:
        """The port; raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the demo provider is not running; call start() or use it in a with statement")
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`: the base URL for Anthropic's SDK."""
        return f"http://{_LOOPBACK}:{self.port}"

    @property
    def openai_url(self) -> str:
        """`http://127.0.0.1:<port>/v1`: the base URL for OpenAI's SDK."""
        return f"{self.url}/v1"

    def script(self, replies: Iterable[Scripted]) -> None:
        """Queues answers for the next requests, whatever they ask; a callable gets the request."""
        self._script.extend(replies)

    def _reply(self, request: SeenRequest) -> Reply:
        self.requests.append(request)
        try:
            scripted = self._script.popleft()
        except IndexError:
            return with_wishes(answer(request, self._memory), request)
        return scripted if isinstance(scripted, Reply) else scripted(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], reply: Callable[[SeenRequest], Reply]) -> None:
        self.reply = reply
        self.open_connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def drop_connections(self) -> None:
        """Ends the threads that wait for another request on a kept connection."""
        for connection in list(self.open_connections):
            _shut(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo-provider"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open_connections.add(self.connection)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client broke a kept connection between two requests
            super().handle()

    def finish(self) -> None:
        self.server.open_connections.discard(self.connection)
        try:
            super().finish()
        except OSError:  # the client is gone, there is nobody to flush to
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: the demo's output is the report."""

    def do_GET(self) -> None:
        self._exchange()

    do_POST = do_GET  # noqa: N815 - the names are http.server's
    do_DELETE = do_GET  # noqa: N815

    def _exchange(self) -> None:
        request = self._read()
        reply = self.server.reply(request)
        if reply.delay_s:
            time.sleep(reply.delay_s)
        try:
            self._send(reply)
        except OSError:
            request.client_left = True
            self.close_connection = True

    def _read(self) -> SeenRequest:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        headers = {name.lower(): text for name, text in self.headers.items()}
        fields = read_fields(headers.get("content-type", ""), raw)
        return SeenRequest(self.command, parts.path, dict(parse_qsl(parts.query)), headers, raw, fields)

    def _send(self, reply: Reply) -> None:
        pieces = _compressed(_pieces(reply)) if reply.gzip else _pieces(reply)
        chunked = reply.events is not None or reply.cut_bytes is not None or reply.split_bytes > 0
        if not chunked:
            pieces = iter([b"".join(pieces)])
        whole = b"" if chunked else next(pieces)
        self.send_response(reply.status)
        self.send_header("content-type", reply.media_type())
        for name, text in reply.headers.items():
            self.send_header(name, text)
        if reply.gzip:
            self.send_header("content-encoding", "gzip")
        if chunked:
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self._send_chunks(reply, pieces)
        else:
            self.send_header("content-length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole)
            self.wfile.flush()

    def _send_chunks(self, reply: Reply, pieces: Iterator[bytes]) -> None:
        left = reply.cut_bytes
        for index, piece in enumerate(pieces):
            if index and reply.event_delay_s:
                time.sleep(reply.event_delay_s)
            part = piece if left is None else piece[:left]
            if part:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.wfile.flush()
            if left is not None:
                left -= len(part)
                if left <= 0:
                    break
        if left is not None or reply.cut_events is not None:
            self.close_connection = True
            _shut(self.connection)
            return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


def _pieces(reply: Reply) -> Iterator[bytes]:
    """The body in the pieces in which it is written."""
    if reply.events is None:
        parts: Iterable[bytes] = [reply.whole()]
    else:
        parts = (event.encode() for event in reply.events[: reply.cut_events])
    for part in parts:
        step = reply.split_bytes or max(len(part), 1)
        yield from (part[at : at + step] for at in range(0, len(part), step))


def _compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    gzip = zlib.compressobj(wbits=31)
    for piece in pieces:
        yield gzip.compress(piece) + gzip.flush(zlib.Z_SYNC_FLUSH)
    yield gzip.flush()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # already closed by the other side
        return
