"""A websocket server on loopback that answers as OpenAI's realtime and responses connections do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

REALTIME_USAGE = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}
"""The example of platform.openai.com/docs/api-reference/realtime-server-events/response/done, checked 2026-11-23."""
_HEARD = {
    "type": "tokens",
    "total_tokens": 26,
    "input_tokens": 17,
    "output_tokens": 9,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 17},
}
_SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}},
}


def _realtime(asked: dict[str, Any]) -> Iterable[dict[str, Any]]:
    heard = "conversation.item.input_audio_transcription.completed"
    yield {"type": "session.created", "event_id": "e1", "session": _SESSION}
    yield {
        "type": "response.created",
        "event_id": "e2",
        "response": {"id": "resp_r", "object": "realtime.response"},
    }
    yield {"type": "response.output_text.delta", "event_id": "e3", "delta": "Hello", "response_id": "resp_r"}
    yield {
        "type": heard,
        "event_id": "e4",
        "item_id": "i",
        "content_index": 0,
        "transcript": "Hi",
        "usage": _HEARD,
    }
    done = {"id": "resp_r", "object": "realtime.response", "status": "completed", "output": []}
    yield {"type": "response.done", "event_id": "e5", "response": {**done, "usage": REALTIME_USAGE}}


def _responses(asked: dict[str, Any]) -> Iterable[dict[str, Any]]:
    usage = {"input_tokens": 2000, "output_tokens": 500, "total_tokens": 2500}
    answer = {
        "id": "resp_w",
        "object": "response",
        "model": "gpt-4.1",
        "output": [],
        "service_tier": "default",
    }
    yield {"type": "response.created", "response": {**answer, "status": "in_progress"}}
    yield {"type": "response.output_text.delta", "delta": "Hello", "item_id": "i"}
    yield {"type": "response.completed", "response": {**answer, "status": "completed", "usage": usage}}


class SocketServer:
    """Each message that asks for a response is answered by all the events of one."""

    def __init__(self) -> None:
        from websockets.sync.server import serve

        self._server = serve(self._converse, "127.0.0.1", 0)
        self.port: int = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        self._server.shutdown()

    def _converse(self, connection: Any) -> None:
        path = connection.request.path.partition("?")[0]
        answer: Callable[[dict[str, Any]], Iterable[dict[str, Any]]]
        answer = _responses if path.endswith("/responses") else _realtime
        for message in connection:
            for event in answer(json.loads(message)):
                connection.send(json.dumps(event))
