"""Anthropic: messages (whole and streamed), token counts, message batches."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .exchange import Reply, SeenRequest, ServerEvent
from .memory import Body, Memory, new_id, template
from .openai_chat import apply_wishes, words

WRITTEN_5M = 2000
WRITTEN_1H = 500
SEARCHES = 2
THINKING = 120
INPUT_TOKENS = 400
_START_OUTPUT = 1
_DELTA_FIELDS = (
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "output_tokens_details",
    "server_tool_use",
)


def message(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /messages`, whole or streamed."""
    body = _complete(request, memory)
    return Reply(events=list(_events(body, request))) if request.streaming else Reply(body)


def count_tokens(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /messages/count_tokens`: free."""
    return Reply({"input_tokens": INPUT_TOKENS})


def create_batch(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /messages/batches`: ended at once."""
    body = template("anthropic_batch")
    body["id"] = new_id("msgbatch_demo")
    host = request.headers.get("host", "")
    body["results_url"] = f"http://{host}/v1/messages/batches/{body['id']}/results"
    rows = [_batch_row(row, request, memory) for row in request.body.get("requests", [])]
    body["request_counts"]["succeeded"] = len(rows)
    memory.store(body)
    memory.store({"id": f"{body['id']}/results", "rows": rows})
    return Reply(body)


def batch(request: SeenRequest, memory: Memory) -> Reply:
    """`GET /messages/batches/<id>`."""
    return _stored(memory, request.path.rpartition("/")[2])


def batch_results(request: SeenRequest, memory: Memory) -> Reply:
    """`GET /messages/batches/<id>/results`: one line of JSON per request."""
    ident = request.path.partition("/batches/")[2]
    kept, _ = memory.find(ident)
    if kept is None:
        return Reply(template("anthropic_errors")["404"], status=404)
    lines = "".join(json.dumps(row) + "\n" for row in kept["rows"])
    return Reply(lines, content_type="application/x-jsonl")


def _stored(memory: Memory, ident: str) -> Reply:
    kept, _ = memory.find(ident)
    return Reply(template("anthropic_errors")["404"], status=404) if kept is None else Reply(kept)


def _batch_row(row: Body, request: SeenRequest, memory: Memory) -> Body:
    body = template("anthropic_message")
    body["id"], body["model"] = new_id("msg_demo"), row.get("params", {}).get("model", body["model"])
    body["usage"]["service_tier"] = "batch"
    return {"custom_id": row.get("custom_id", ""), "result": {"type": "succeeded", "message": body}}


def _complete(request: SeenRequest, memory: Memory) -> Body:
    asked = request.body
    body = template("anthropic_message")
    usage = body["usage"]
    _cache(usage, request, memory)
    if any(str(tool.get("type", "")).startswith("web_search") for tool in asked.get("tools") or ()):
        body["content"][0:0] = template("anthropic_search_blocks")["blocks"]
        usage["server_tool_use"] = {"web_search_requests": SEARCHES, "web_fetch_requests": 0}
    if (asked.get("thinking") or {}).get("type", "disabled") != "disabled":
        usage["output_tokens_details"] = {"thinking_tokens": THINKING}
        body["content"].insert(0, {"type": "thinking", "thinking": "Rates first.", "signature": "demo"})
    for term in ("speed", "inference_geo"):
        if asked.get(term):
            usage[term] = asked[term]
    usage["service_tier"] = request.wish("tier") or usage["service_tier"]
    limit = int(asked.get("max_tokens") or 0)
    if limit and limit < usage["output_tokens"]:
        usage["output_tokens"], body["stop_reason"] = limit, "max_tokens"
    body["id"] = new_id("msg_demo")
    body["model"] = request.wish("model") or asked.get("model") or body["model"]
    apply_wishes(body, request)
    return body


def _cache(usage: Body, request: SeenRequest, memory: Memory) -> None:
    """Blocks marked with `cache_control` are written the first time they are seen, read from then on."""
    read, written = 0, {"5m": 0, "1h": 0}
    for block in _marked(request.body.get("system")) + _marked(request.body.get("messages")):
        lifetime = "1h" if block["cache_control"].get("ttl") == "1h" else "5m"
        tokens = WRITTEN_1H if lifetime == "1h" else WRITTEN_5M
        if memory.prompt_was_cached([block, request.body.get("model")]):
            read += tokens
        else:
            written[lifetime] += tokens
    usage["cache_read_input_tokens"] = read
    usage["cache_creation_input_tokens"] = sum(written.values())
    usage["cache_creation"] = {f"ephemeral_{life}_input_tokens": tokens for life, tokens in written.items()}


def _marked(part: object) -> list[Body]:
    """The blocks with `cache_control`, wherever they are inside."""
    if isinstance(part, list):
        return [block for item in part for block in _marked(item)]
    if isinstance(part, dict):
        return ([part] if part.get("cache_control") else []) + _marked(part.get("content"))
    return []


def _events(body: Body, request: SeenRequest) -> Iterator[ServerEvent]:
    usage = body.get("usage")
    start = {**body, "content": [], "stop_reason": None, "stop_sequence": None}
    if isinstance(usage, dict):
        start["usage"] = _at_start(usage)
    yield _event("message_start", message=start)
    for index, block in enumerate(body["content"]):
        yield from _block_events(index, block, request)
        if not index:
            yield _event("ping")
    delta = {"stop_reason": body["stop_reason"], "stop_sequence": body["stop_sequence"]}
    final = {key: usage[key] for key in _DELTA_FIELDS if key in usage} if isinstance(usage, dict) else usage
    yield _event("message_delta", delta=delta, usage=final)
    yield _event("message_stop")


def _at_start(usage: Body) -> Body:
    """What is known when the stream begins: no searches yet, one token of output."""
    later = ("server_tool_use", "output_tokens_details")
    return {**{key: usage[key] for key in usage if key not in later}, "output_tokens": _START_OUTPUT}


def _block_events(index: int, block: Body, request: SeenRequest) -> Iterator[ServerEvent]:
    kind = block["type"]
    field = {"text": "text", "thinking": "thinking"}.get(kind)
    empty = {**block, field: ""} if field else block
    yield _event("content_block_start", index=index, content_block=empty)
    if field:
        for word in words(block[field], request):
            delta = {"type": f"{field}_delta", field: word}
            yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _event(kind: str, **fields: object) -> ServerEvent:
    return ServerEvent({"type": kind, **fields}, kind)
