"""Failures that an answer of status 200 tells: a response that failed, an error event, a body that is an error.

The SDKs raise nothing for them, so the answer is the only one who knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .quantities import table

Body = Mapping[str, object]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_STATUS = range(100, 600)


def told_failure(body: Body) -> str:
    """What an answer says went wrong, in the provider's own word for it, fit for `error.type`; "" if nothing did.

    OpenAI's responses have `error` and `status`, realtime answers `status_details.error`; chats, messages and the
    hosts like them have `error` in the place of an answer.
    """
    error, status = body.get("error"), body.get("status")
    if not error and status != "failed" and "response" not in body:
        return ""  # as nearly all do
    answer = table(body.get("response")) or body
    error = answer.get("error") or table(answer.get("status_details")).get("error")
    if isinstance(error, Mapping):
        return _word_for(error) if any(error.values()) else ""
    if error:
        return "error"
    return "failed" if answer.get("status") == "failed" else ""


def _word_for(error: Body) -> str:
    # never the message: it may quote the prompt, and is another one each time
    for name in ("code", "type"):
        said = error.get(name)
        if isinstance(said, str) and _WORD.fullmatch(said):
            return said
        if isinstance(said, int) and said in _STATUS:
            return str(said)
    return "error"
