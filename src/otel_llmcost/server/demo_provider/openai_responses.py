"""OpenAI: the Responses API, with background work that is polled, resumed streams, compaction."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

from .exchange import Reply, SeenRequest, ServerEvent
from .memory import Body, Memory, new_id, template
from .openai_chat import finish, words

CACHED = 1536
REASONING = 320
SEARCHES = 2
INPUT_TOKENS = 2000


class _MakesEvent(Protocol):
    def __call__(self, kind: str, **fields: object) -> ServerEvent: ...


def create(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /responses`: whole, streamed, or in the background."""
    body = _complete(request, memory)
    if request.body.get("background"):
        memory.store(body, polls=int(request.wish("polls") or 1))
        if not request.streaming:
            return Reply(_unfinished(body, "queued"))
    elif request.body.get("store", True):
        memory.store(body)
    return Reply(events=list(_events(body, request))) if request.streaming else Reply(body)


def retrieve(request: SeenRequest, memory: Memory) -> Reply:
    """`GET /responses/<id>`: in progress for as many polls as asked, then complete; or the resumed stream."""
    body, finished = memory.find(_ident(request))
    if body is None:
        return Reply(template("openai_errors")["404"], status=404)
    if request.streaming:
        after = int(request.query.get("starting_after", "-1"))
        return Reply(events=list(_events(body, request))[after + 1 :])
    return Reply(body if finished else _unfinished(body, "in_progress"))


def cancel(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /responses/<id>/cancel`: the work done so far is billed."""
    body, _ = memory.find(_ident(request))
    if body is None:
        return Reply(template("openai_errors")["404"], status=404)
    cancelled = {**body, "status": "cancelled"}
    memory.store(cancelled)
    return Reply(cancelled)


def compact(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /responses/compact`."""
    body = template("openai_compaction")
    finish(body, request, "resp_demo")
    return Reply(body)


def count_tokens(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /responses/input_tokens`: free."""
    return Reply({"object": "response.input_tokens", "input_tokens": INPUT_TOKENS})


def _complete(request: SeenRequest, memory: Memory) -> Body:
    asked = request.body
    body = template("openai_response")
    usage = body["usage"]
    if asked.get("prompt_cache_key"):
        if memory.prompt_was_cached([asked["prompt_cache_key"], asked.get("model")]):
            usage["input_tokens_details"]["cached_tokens"] = CACHED
        elif asked.get("prompt_cache_options"):
            _write_cache(usage["input_tokens_details"], str(asked["prompt_cache_options"].get("ttl", "30m")))
    if asked.get("reasoning"):
        usage["output_tokens_details"]["reasoning_tokens"] = REASONING
        body["output"].insert(0, {"id": new_id("rs_"), "type": "reasoning", "summary": []})
    if any(str(tool.get("type", "")).startswith("web_search") for tool in asked.get("tools") or ()):
        _search(body)
    limit = asked.get("max_output_tokens")
    if limit and limit < usage["output_tokens"]:
        usage["output_tokens"], usage["total_tokens"] = limit, usage["input_tokens"] + limit
        details = usage["output_tokens_details"]
        details["reasoning_tokens"] = min(details["reasoning_tokens"], limit)
        body["status"], body["incomplete_details"] = "incomplete", {"reason": "max_output_tokens"}
    body["background"] = bool(asked.get("background"))
    body["previous_response_id"] = asked.get("previous_response_id")
    finish(body, request, "resp_demo")
    return body


def _write_cache(details: Body, lifetime: str) -> None:
    details["cache_write_tokens"] = CACHED
    lifetimes = dict.fromkeys(("ttl_30m", "ttl_12h"), 0)
    lifetimes[f"ttl_{lifetime}"] = CACHED
    details["cache_write_tokens_details"] = lifetimes


def _search(body: Body) -> None:
    call = template("openai_web_search_call")
    body["output"][0:0] = [{**call, "id": new_id("ws_")} for _ in range(SEARCHES)]
    body["tool_usage"] = template("openai_tool_usage")
    body["tool_usage"]["web_search"]["num_requests"] = SEARCHES


def _unfinished(body: Body, status: str) -> Body:
    return {**body, "status": status, "output": [], "usage": None}


def _ident(request: SeenRequest) -> str:
    return request.path.partition("/responses/")[2].partition("/")[0]


def _events(body: Body, request: SeenRequest) -> Iterator[ServerEvent]:
    number = 0

    def event(kind: str, **fields: object) -> ServerEvent:
        nonlocal number
        number += 1
        return ServerEvent({"type": kind, "sequence_number": number - 1, **fields}, kind)

    yield event("response.created", response=_unfinished(body, "in_progress"))
    yield event("response.in_progress", response=_unfinished(body, "in_progress"))
    for index, item in enumerate(body["output"]):
        yield event("response.output_item.added", output_index=index, item=_empty(item))
        if item["type"] == "message":
            yield from _message_events(event, item, index, request)
        yield event("response.output_item.done", output_index=index, item=item)
    terminal = "response.incomplete" if body["status"] == "incomplete" else "response.completed"
    yield event(terminal, response={**body, "completed_at": int(time.time())})


def _empty(item: Body) -> Body:
    return {**item, "content": [], "status": "in_progress"} if item["type"] == "message" else item


def _message_events(
    event: _MakesEvent, item: Body, index: int, request: SeenRequest
) -> Iterator[ServerEvent]:
    part = item["content"][0]
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    yield event("response.content_part.added", **place, part={**part, "text": ""})
    for word in words(part["text"], request):
        yield event("response.output_text.delta", **place, delta=word, logprobs=[])
    yield event("response.output_text.done", **place, text=part["text"], logprobs=[])
    yield event("response.content_part.done", **place, part=part)
