"""OpenAI: chat completions, legacy completions, embeddings."""

from __future__ import annotations

import time
from collections.abc import Iterator

from .exchange import DONE, Reply, SeenRequest, ServerEvent
from .memory import Body, Memory, new_id, template

CHAT_CACHED = 1024
CHAT_REASONING = 192
TOKENS_PER_TEXT = 12
_TIERS = {
    "flex": "flex",
    "priority": "priority",
    "fast": "priority",
    "scale": "scale",
    "ultrafast": "ultrafast",
}


def chat(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /chat/completions`, whole or streamed."""
    asked = request.body
    body = template("openai_chat")
    usage = body["usage"]
    if asked.get("prompt_cache_key"):
        _cache(usage["prompt_tokens_details"], request, memory)
    if asked.get("reasoning_effort", "none") != "none":
        usage["completion_tokens_details"]["reasoning_tokens"] = CHAT_REASONING
    choice = body["choices"][0]
    limit = asked.get("max_completion_tokens") or asked.get("max_tokens")
    if limit and limit < usage["completion_tokens"]:
        usage["completion_tokens"] = limit
        usage["total_tokens"] = usage["prompt_tokens"] + limit
        details = usage["completion_tokens_details"]
        details["reasoning_tokens"] = min(details["reasoning_tokens"], limit)
        choice["finish_reason"] = "length"
    finish(body, request, "chatcmpl-demo")
    if not request.streaming:
        return Reply(body)
    return Reply(events=list(_chat_chunks(body, request)))


def completion(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /completions`, whole or streamed."""
    body = template("openai_completion")
    finish(body, request, "cmpl-demo")
    if not request.streaming:
        return Reply(body)
    usage = body.pop("usage", None)
    events = [ServerEvent(body)]
    if usage and wants_usage(request):
        events.append(ServerEvent({**body, "choices": [], "usage": usage}))
    return Reply(events=[*events, ServerEvent(DONE)])


def embeddings(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /embeddings`: one short vector per text."""
    given = request.body.get("input", "")
    texts = given if isinstance(given, list) and given and not isinstance(given[0], int) else [given]
    body = template("openai_embeddings")
    vector = body["data"][0]
    body["data"] = [{**vector, "index": index} for index in range(len(texts))]
    if request.body.get("encoding_format") != "base64":
        for row in body["data"]:
            row["embedding"] = [0.0, 0.5, -0.5]
    tokens = TOKENS_PER_TEXT * len(texts)
    body["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    finish(body, request, "")
    return Reply(body)


def finish(body: Body, request: SeenRequest, id_prefix: str) -> None:
    """Fills in id, time, model and served tier, then what the `x-demo-*` headers ask for."""
    if id_prefix:
        body["id"] = new_id(id_prefix)
    for clock in ("created", "created_at"):
        if clock in body:
            body[clock] = int(time.time())
    if "model" in body:
        body["model"] = request.wish("model") or request.body.get("model") or body["model"]
    if "service_tier" in body:
        asked = str(request.body.get("service_tier", ""))
        body["service_tier"] = request.wish("tier") or _TIERS.get(asked, "default")
    apply_wishes(body, request)


def apply_wishes(body: Body, request: SeenRequest) -> None:
    """`x-demo-usage` replaces the usage (`null` leaves it out), `x-demo-body` adds or replaces fields."""
    if request.wish("usage"):
        body["usage"] = request.wished_json("usage")
        if body["usage"] is None:
            del body["usage"]
    body.update(request.wished_json("body") or {})


def wants_usage(request: SeenRequest) -> bool:
    """Whether a stream shall end with its usage."""
    return bool((request.body.get("stream_options") or {}).get("include_usage"))


def words(text: str, request: SeenRequest) -> list[str]:
    """The text in as many pieces as it has words, or as `x-demo-chunks` asks for."""
    pieces = text.split(" ")
    count = int(request.wish("chunks") or len(pieces))
    spaced = [pieces[0], *(f" {piece}" for piece in pieces[1:])]
    return [spaced[index % len(spaced)] for index in range(count)]


def _cache(details: Body, request: SeenRequest, memory: Memory) -> None:
    asked = request.body
    if memory.prompt_was_cached([asked["prompt_cache_key"], asked.get("model")]):
        details["cached_tokens"] = CHAT_CACHED
    elif asked.get("prompt_cache_options"):
        details["cache_write_tokens"] = CHAT_CACHED


def _chat_chunks(body: Body, request: SeenRequest) -> Iterator[ServerEvent]:
    frame = {key: body[key] for key in body if key not in ("choices", "usage", "object")}
    frame["object"] = "chat.completion.chunk"
    with_usage = wants_usage(request)
    if with_usage:
        frame["usage"] = None
    choice = body["choices"][0]

    def chunk(delta: Body, finish_reason: str | None = None) -> ServerEvent:
        part = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return ServerEvent({**frame, "choices": [part]})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    for word in words(choice["message"]["content"], request):
        yield chunk({"content": word})
    yield chunk({}, choice["finish_reason"])
    if with_usage and "usage" in body:
        yield ServerEvent({**frame, "choices": [], "usage": body["usage"]})
    yield ServerEvent(DONE)
