"""Which of our instrumentations the environment switches off."""

from __future__ import annotations

from collections.abc import Mapping

from ..watch.supported import SDKS

DISABLED_BY = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
OUR_PREFIX = "llmcost"


def entry_of(sdk: str) -> str:
    """The name of an SDK's entry point."""
    return f"{OUR_PREFIX}-{sdk}"


def disabled(environ: Mapping[str, str]) -> set[str]:
    """The names of entry points that are switched off; "*" is all of them."""
    return {name.strip() for name in environ.get(DISABLED_BY, "").split(",") if name.strip()}


def is_off(sdk: str, environ: Mapping[str, str]) -> bool:
    """Whether calls of an SDK are not looked at."""
    return bool(disabled(environ) & {entry_of(sdk), "*"})


def unwatched(environ: Mapping[str, str]) -> list[str]:
    """The SDKs that are switched off."""
    return [sdk for sdk in SDKS if is_off(sdk, environ)]
