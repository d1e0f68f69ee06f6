"""What an answer itself says went wrong, in words that `error.type` can hold."""

from __future__ import annotations

from typing import Any

import pytest

from otel_llmcost.usage.failures import told_failure

CODE = {"code": "server_error", "message": "The server had an error", "type": "api_error"}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"status": "failed", "error": CODE}, "server_error"),
        ({"status": "failed", "error": None}, "failed"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, "overloaded_error"),
        ({"error": {"code": 502, "message": "Bad gateway"}}, "502"),
        ({"error": {"code": None, "message": "what the prompt said"}}, "error"),
        ({"error": {"code": "what the prompt said", "type": "odd"}}, "odd"),
        ({"error": {"code": "x" * 65}}, "error"),
        ({"error": {"code": True}}, "error"),
        ({"error": "what the prompt said"}, "error"),
        ({"response": {"status": "failed", "status_details": {"error": CODE}}}, "server_error"),
        ({"response": {"status": "completed", "status_details": None}}, ""),
        ({"status": "completed", "error": None}, ""),
        ({"status": "incomplete", "error": {}}, ""),
        ({"error": {"code": 0, "message": ""}}, ""),
        ({"response": 7, "status": "failed"}, "failed"),
        ({"error": {"code": None, "type": None}}, ""),
        ({"error": {"code": 200, "message": "success"}}, ""),
        ({"error": CODE, "choices": [{"finish_reason": "error"}]}, "server_error"),
        ({"error": "none", "choices": [{"finish_reason": "stop"}]}, ""),
        ({"status": "failed", "choices": [{"finish_reason": "stop"}]}, ""),
        ({"error": CODE, "choices": []}, "server_error"),
        ({"error": CODE, "content": [{"type": "text", "text": "Paris"}]}, ""),
        ({}, ""),
    ],
)
def test_word(body: dict[str, Any], word: str) -> None:
    assert told_failure(body) == word
