"""Other instrumentations: whose scope is whose, and who records histograms without a span around the call."""

from __future__ import annotations

import sys
import types
from collections.abc import Collection, Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]

from otel_llmcost.neighbours import BOTH, neighbour, recorded_out_of_sight

ANTHROPIC, LANGCHAIN = "opentelemetry.instrumentation.anthropic", "opentelemetry.instrumentation.langchain"


@pytest.mark.parametrize(
    ("scope", "known"),
    [
        ("openinference.instrumentation.openai", "openinference.instrumentation.openai"),
        ("openinference.instrumentation.openai._request", "openinference.instrumentation.openai"),
        ("openinference.instrumentation.openai_agents", "openinference.instrumentation"),
        ("opentelemetry.instrumentation.openai.v1", "opentelemetry.instrumentation.openai"),
        ("opentelemetry.instrumentation.openai_v2", "opentelemetry.instrumentation.openai_v2"),
        ("logfire.openai", "logfire.openai"),
        ("logfire", "logfire"),
    ],
)
def test_whose_scope_it_is(scope: str, known: str) -> None:
    found = neighbour(scope)
    assert found is not None
    assert found.scope == known


@pytest.mark.parametrize("scope", ["", "shop", "openinference", "logfireworks", "otel_llmcost"])
def test_scopes_of_nobody(scope: str) -> None:
    assert neighbour(scope) is None


@pytest.fixture
def instrumentors() -> Iterator[dict[str, Any]]:
    """Instrumentors as those packages have them: OpenTelemetry's own base class, under their names."""
    made: dict[str, Any] = {}
    for module, name in ((ANTHROPIC, "AnthropicInstrumentor"), (LANGCHAIN, "LangchainInstrumentor")):
        made[module] = type(name, (_Instrumentor,), {})
        sys.modules[module] = types.ModuleType(module)
        setattr(sys.modules[module], name, made[module])
    yield made
    for module in made:
        del sys.modules[module]


class _Instrumentor(BaseInstrumentor):  # type: ignore[misc]
    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def _instrument(self, **kwargs: Any) -> None: ...
    def _uninstrument(self, **kwargs: Any) -> None: ...


def test_nobody_is_there() -> None:
    assert recorded_out_of_sight("anthropic") == 0
    assert recorded_out_of_sight("openai", suppressed=True) == 0


def test_who_is_imported_but_off_records_nothing(instrumentors: dict[str, Any]) -> None:
    assert recorded_out_of_sight("anthropic") == 0
    instrumentors[ANTHROPIC]()
    assert recorded_out_of_sight("anthropic") == 0


def test_who_is_on_records_the_calls_of_its_sdk_as_long_as_it_is_on(instrumentors: dict[str, Any]) -> None:
    instrumentors[ANTHROPIC]().instrument()
    assert recorded_out_of_sight("anthropic") == BOTH
    assert recorded_out_of_sight("openai") == 0
    instrumentors[ANTHROPIC]().uninstrument()
    assert recorded_out_of_sight("anthropic") == 0


def test_a_framework_records_the_calls_inside_which_it_suppresses_others(
    instrumentors: dict[str, Any],
) -> None:
    instrumentors[LANGCHAIN]().instrument()
    assert recorded_out_of_sight("openai") == 0
    assert recorded_out_of_sight("openai", suppressed=True) == BOTH
