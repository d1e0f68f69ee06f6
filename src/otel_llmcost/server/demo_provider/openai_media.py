"""OpenAI: images, speech, transcription, batches, and the free list of models."""

from __future__ import annotations

import json

from .exchange import DONE, Reply, SeenRequest, ServerEvent
from .memory import Body, Memory, new_id, template
from .openai_chat import finish, words

IMAGE_INPUT = 50
IMAGE_OUTPUT = 4160
BATCH_ROWS = 2
_FREE_TEXT = ("text", "srt", "vtt")


def images(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /images/...`: token usage for gpt-image models, none for DALL-E (billed by size and number)."""
    asked = request.body
    number = int(asked.get("n") or 1)
    body = template("openai_images")
    body["data"] = body["data"] * number
    body["size"] = asked.get("size") or body["size"]
    body["quality"] = asked.get("quality") or body["quality"]
    if str(asked.get("model") or "dall-e-2").startswith("dall-e"):
        for field in ("usage", "size", "quality", "background", "output_format"):
            del body[field]
    else:
        body["usage"] = _image_usage(number)
    finish(body, request, "")
    if not request.streaming:
        return Reply(body)
    kind = "image_edit.completed" if request.path.endswith("edits") else "image_generation.completed"
    final = {key: body[key] for key in body if key not in ("data", "created")}
    return Reply(
        events=[ServerEvent({"type": kind, "created_at": body["created"], **body["data"][0], **final}, kind)]
    )


def _image_usage(number: int) -> Body:
    output = IMAGE_OUTPUT * number
    return {
        "input_tokens": IMAGE_INPUT,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": IMAGE_INPUT},
        "output_tokens": output,
        "output_tokens_details": {"image_tokens": output, "text_tokens": 0},
        "total_tokens": IMAGE_INPUT + output,
    }


def speech(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /audio/speech`: bytes without any usage."""
    return Reply(b"ID3\x04" + bytes(2044), content_type="audio/mpeg")


def transcription(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /audio/transcriptions`: by tokens, for whisper-1 by duration; text formats tell no usage."""
    if request.body.get("response_format") in _FREE_TEXT:
        return Reply(template("openai_transcription")["text"] + "\n")
    whisper = str(request.body.get("model", "")).startswith("whisper")
    body = template("openai_transcription_by_duration" if whisper else "openai_transcription")
    finish(body, request, "")
    if not request.streaming:
        return Reply(body)
    deltas = [{"type": "transcript.text.delta", "delta": word} for word in words(body["text"], request)]
    events = [ServerEvent(event) for event in (*deltas, {"type": "transcript.text.done", **body})]
    return Reply(events=[*events, ServerEvent(DONE)])


def translation(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /audio/translations`: no usage, billed by duration."""
    return Reply({"text": template("openai_transcription")["text"]})


def models(request: SeenRequest, memory: Memory) -> Reply:
    """`GET /models`: free."""
    return Reply(template("openai_models"))


def create_batch(request: SeenRequest, memory: Memory) -> Reply:
    """`POST /batches`: validated at once, completed from the second look on."""
    body = template("openai_batch")
    finish(body, request, "batch_demo")
    body["input_file_id"] = request.body.get("input_file_id", "file-demo-input")
    body["output_file_id"] = new_id("file-demo")
    memory.store(body, polls=1)
    memory.store({"id": body["output_file_id"], "model": body["model"], "object": "file"})
    return Reply(_running(body, "validating"))


def batch(request: SeenRequest, memory: Memory) -> Reply:
    """`GET /batches/<id>`."""
    body, finished = memory.find(request.path.rpartition("/")[2])
    if body is None:
        return Reply(template("openai_errors")["404"], status=404)
    return Reply(body if finished else _running(body, "in_progress"))


def batch_output(request: SeenRequest, memory: Memory) -> Reply:
    """`GET /files/<id>/content`: one line of JSON per row of the batch."""
    ident = request.path.removesuffix("/content").rpartition("/")[2]
    file, _ = memory.find(ident)
    if file is None:
        return Reply(template("openai_errors")["404"], status=404)
    lines = []
    for row in range(BATCH_ROWS):
        body = {**template("openai_chat"), "id": f"{ident}-{row}", "model": file["model"]}
        response = {"status_code": 200, "request_id": f"{ident}-{row}", "body": body}
        line = {"id": f"{ident}-{row}", "custom_id": f"row-{row}", "response": response, "error": None}
        lines.append(json.dumps(line))
    return Reply("\n".join(lines) + "\n", content_type="application/jsonl")


def _running(body: Body, status: str) -> Body:
    return {**body, "status": status, "usage": None, "output_file_id": None, "completed_at": None}
