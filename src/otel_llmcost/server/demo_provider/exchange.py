"""What goes in and out of the demo provider: the request as it was seen, the reply as it is to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from typing import Any, NamedTuple

WISH_PREFIX = "x-demo-"
DONE = "[DONE]"


class ServerEvent(NamedTuple):
    """One server-sent event. `data` is JSON (a mapping) or text as it is; `name` "" sends no event line."""

    data: Mapping[str, Any] | str
    name: str = ""

    def encode(self) -> bytes:
        """The event in the `text/event-stream` format."""
        text = self.data if isinstance(self.data, str) else json.dumps(self.data, separators=(",", ":"))
        head = f"event: {self.name}\n" if self.name else ""
        return f"{head}data: {text}\n\n".encode()


@dataclass(frozen=True)
class Reply:
    """One answer. `body` is JSON, text or bytes; `events` (if given) makes it an event stream instead.

    Delays are seconds. `cut_bytes` and `cut_events` break the connection after so much of the body;
    `split_bytes` sends the body in writes of that size.
    """

    body: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    events: Sequence[ServerEvent] | None = None
    content_type: str = ""
    delay_s: float = 0.0
    event_delay_s: float = 0.0
    cut_bytes: int | None = None
    cut_events: int | None = None
    split_bytes: int = 0
    gzip: bool = False

    def media_type(self) -> str:
        """The content type: as given, else what fits the body."""
        if self.content_type:
            return self.content_type
        if self.events is not None:
            return "text/event-stream; charset=utf-8"
        if isinstance(self.body, bytes):
            return "application/octet-stream"
        return "text/plain; charset=utf-8" if isinstance(self.body, str) else "application/json"

    def whole(self) -> bytes:
        """The body of a reply that is not a stream."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body).encode()


@dataclass
class SeenRequest:
    """A request as the provider received it. Header names are in lower case.

    `body` is the JSON object or the form fields, {} where there is neither. `client_left` turns true when the
    client closed its connection before the end of the answer.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    body: Mapping[str, Any]
    client_left: bool = False

    def wish(self, name: str) -> str:
        """What the header `x-demo-<name>` asks for, "" when it is absent."""
        return self.headers.get(WISH_PREFIX + name, "")

    def wished_json(self, name: str) -> Any:
        """The header `x-demo-<name>` read as JSON; raises ValueError on bad JSON, None when it is absent."""
        text = self.wish(name)
        return json.loads(text) if text else None

    @property
    def streaming(self) -> bool:
        """Whether the client asked for an event stream."""
        return self.body.get("stream") in (True, "true") or self.query.get("stream") == "true"


def read_fields(content_type: str, raw: bytes) -> Mapping[str, Any]:
    """The JSON object or the form fields (file parts as bytes) of a request body, {} for anything else."""
    if content_type.startswith("multipart/form-data"):
        message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
        return {name: content for name, content in map(_form_field, message.walk()) if name}
    try:
        parsed = json.loads(raw) if raw else {}
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _form_field(part: Any) -> tuple[str, str | bytes]:
    name = part.get_param("name", header="content-disposition") or ""
    content = part.get_payload(decode=True) or b""
    return str(name), content if part.get_filename() else content.decode(errors="replace")


def with_wishes(reply: Reply, request: SeenRequest) -> Reply:
    """The reply with the transport that the request's `x-demo-*` headers ask for."""
    changes: dict[str, Any] = {}
    for header, attribute, kind in (
        ("delay", "delay_s", float),
        ("event-delay", "event_delay_s", float),
        ("cut-bytes", "cut_bytes", int),
        ("cut-events", "cut_events", int),
        ("split", "split_bytes", int),
    ):
        if request.wish(header):
            changes[attribute] = kind(request.wish(header))
    if request.wish("gzip"):
        changes["gzip"] = True
    return replace(reply, **changes) if changes else reply
