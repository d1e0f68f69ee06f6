"""Whether a request left, by the error that it ended with."""

from __future__ import annotations

import httpx2
import openai
import pytest

from otel_llmcost.watch.sending import never_sent


def raised(*errors: Exception) -> Exception:
    """The last of errors of which each is raised while the one before is handled, as an SDK of old repeats a request."""
    try:
        if errors[1:]:
            try:
                raise errors[0]
            except Exception:
                raise raised(*errors[1:])
        raise errors[0]
    except Exception as error:
        return error


def wrapped(error: Exception) -> Exception:
    """As the SDK's own error holds it."""
    try:
        raise openai.APIConnectionError(request=httpx2.Request("POST", "http://x")) from error
    except openai.APIConnectionError as failure:
        return failure


@pytest.mark.parametrize(
    ("error", "unsent"),
    [
        (httpx2.ConnectError("refused"), True),
        (httpx2.PoolTimeout("busy"), True),
        (httpx2.ReadTimeout("slow"), False),
        (wrapped(httpx2.ConnectError("refused")), True),
        (wrapped(httpx2.ReadError("reset")), False),
        (wrapped(ImportError("no socks")), True),
        (raised(httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow")), False),
        (raised(httpx2.ReadTimeout("slow"), httpx2.ConnectError("refused")), True),
        (ValueError("of the program"), False),
    ],
)
def test_never_sent(error: Exception, unsent: bool) -> None:
    assert never_sent(error) is unsent
