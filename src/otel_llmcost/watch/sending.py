"""Whether a request left at all: what never did costs nothing."""

from __future__ import annotations

_UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})
"""What httpx and httpx2 raise before a request is on its way."""


def never_sent(error: BaseException | None) -> bool:
    """Whether the request never left: no connection was made, or something is not installed."""
    for _ in range(8):
        if error is None:
            return False
        kind = type(error)
        if kind.__module__.partition(".")[0] in ("httpx", "httpx2"):
            return kind.__name__ in _UNSENT  # what stands behind it may be an earlier attempt's
        if isinstance(error, ImportError):
            return True
        error = error.__cause__ or error.__context__
    return False
