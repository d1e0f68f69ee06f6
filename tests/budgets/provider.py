"""A provider on loopback that answers after 200 ms, with lengths of its own choosing up to what it was allowed."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from types import TracebackType

LATENCY_S = 0.2


class Provider:
    """Speaks just enough HTTP for chat completions; `usages` is what it billed, in tokens."""

    def __init__(self, seed: int = 7) -> None:
        self.usages: list[tuple[int, int]] = []
        self.port = 0
        self._random = random.Random(seed)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Provider:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        body = json.loads(await reader.readexactly(length))
        await asyncio.sleep(LATENCY_S)
        visible = sum(len(message["content"]) for message in body["messages"])
        used = self._random.randint(1, visible), self._random.randint(0, body["max_completion_tokens"])
        self.usages.append(used)
        answer = json.dumps({"usage": {"prompt_tokens": used[0], "completion_tokens": used[1]}}).encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer
        )
        await writer.drain()
        writer.close()


def post(port: int, body: object) -> dict[str, dict[str, int]]:
    """One request, on the calling thread."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        answer: dict[str, dict[str, int]] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


async def post_async(port: int, body: object) -> dict[str, dict[str, int]]:
    """One request, on the event loop."""
    content = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(content) + content)
    raw = await reader.read()
    writer.close()
    answer: dict[str, dict[str, int]] = json.loads(raw.partition(b"\r\n\r\n")[2])
    return answer
