"""Usage readers: what a provider's body says was bought, as disjoint meters. Pure; they never raise.

`read_body` picks the reader by the body's shape; `register_usage_reader` adds one for unknown shapes.
The readers of one provider each are modules of this package (`usage.openai`, `usage.anthropic`, ...).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bodies import read_body as read_body
    from .bodies import register_usage_reader as register_usage_reader

__all__ = ["read_body", "register_usage_reader"]


def __getattr__(name: str) -> object:
    # Late: most programs meet the bodies of one provider, whose reader they name.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import bodies

    return getattr(bodies, name)
