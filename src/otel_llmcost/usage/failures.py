"""Failures that an answer of status 200 tells: a response that failed, an error event, a body that is an error.

The SDKs raise nothing for them, so the answer is the only one who knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .quantities import rows, table

Body = Mapping[str, object]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_STATUS = range(100, 600)
_NO_ERROR = ("", 0, "0", 200, "200")
"""Codes by which some hosts say that all is well."""


def told_failure(body: Body) -> str:
    """What an answer says went wrong, in the provider's own word for it, fit for `error.type`; "" if nothing did.

    OpenAI's responses have `error` and `status`, realtime answers `status_details.error`; chats, messages and the
    hosts like them have `error` in the place of an answer. Beside one it counts where a choice ended by it.
    """
    error, status = body.get("error"), body.get("status")
    if not error and status != "failed" and "response" not in body:
        return ""  # as nearly all do
    if _is_answered(body):
        return ""
    answer = table(body.get("response")) or body
    error = answer.get("error") or table(answer.get("status_details")).get("error")
    if isinstance(error, Mapping):
        told = any(error.values()) and (error.get("type") or error.get("code") not in _NO_ERROR)
        return _word_for(error) if told else ""
    if error:
        return "error"
    return "failed" if answer.get("status") == "failed" else ""


def _is_answered(body: Body) -> bool:
    choices = rows(body.get("choices"))
    return bool(body.get("content")) or any(choice.get("finish_reason") != "error" for choice in choices)


def _word_for(error: Body) -> str:
    # never the message: it may quote the prompt, and is another one each time
    for name in ("code", "type"):
        said = error.get(name)
        if isinstance(said, str) and _WORD.fullmatch(said):
            return said
        if isinstance(said, int) and said in _STATUS:
            return str(said)
    return "error"
