"""Entry points: what `opentelemetry-instrument` finds of us.

Their names are our own (`llmcost`, `llmcost-openai`, `llmcost-anthropic`): switching `openai` off switches off the
other instrumentations of openai and keeps us, and each of ours can be switched off by its own name.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from . import process
from .errors import ConfigurationError
from .watch.guard import guarded
from .watch.supported import SDKS


def pre_instrument() -> None:
    """Stand in the pipeline before anything is instrumented. Never raises: that would stop all instrumentation."""
    guarded(_pre_instrument)


def _pre_instrument() -> None:
    if process.enabled():
        from .runtime import runtime

        runtime().arm()


class _SdkInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """One SDK, as OpenTelemetry's loader sees it."""

    sdk = ""

    def instrumentation_dependencies(self) -> Collection[str]:
        return (SDKS[self.sdk].requires,)

    def _instrument(self, **kwargs: Any) -> None:
        guarded(self._watch)

    def _watch(self) -> None:
        if not process.enabled():
            return
        from .activation import instrument

        # a budget with a mistake was told when the settings were read; a program that runs is not to be stopped by it
        with suppress(ConfigurationError):
            instrument(sdks=(self.sdk,))

    def _uninstrument(self, **kwargs: Any) -> None:
        guarded(self._unwatch)

    def _unwatch(self) -> None:
        made = process.assembled()
        if made is not None:
            made.unwatch((self.sdk,))


class OpenAIInstrumentor(_SdkInstrumentor):
    """Watches the openai SDK."""

    sdk = "openai"


class AnthropicInstrumentor(_SdkInstrumentor):
    """Watches the anthropic SDK."""

    sdk = "anthropic"
