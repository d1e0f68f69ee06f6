"""Which spans the collector prices: leaf spans of instrumentations that wrap a provider's SDK.

Frameworks, agents and tools repeat what the SDK's span below them says, and a collector sees one span at a time:
it cannot tell which of the two is the call. So only the innermost ones are on the list; a framework that stands
alone can be added (`otel-llmcost collector-config --scope NAME`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ..spans.dialects import DIALECTS, Dialect

CONVENTIONS, OPENINFERENCE, VERCEL = "conventions", "openinference", "vercel"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Spans of one scope (exactly, or up to a dot, an underscore or a slash)."""

    scope: str
    names: str = CONVENTIONS
    """Whose attribute names they carry."""
    inclusive: bool | None = None
    """Whether the input count includes cached tokens; None: not known, an estimate where there are any."""
    leaves_out: tuple[str, ...] = ()


_SDK_SCOPES = (
    "com.anthropic.sdk.python",
    "opentelemetry.instrumentation.genai.openai",
    "opentelemetry.instrumentation.genai.anthropic",
    "opentelemetry.instrumentation.openai_v2",
    "opentelemetry.instrumentation.openai",
    "opentelemetry.instrumentation.anthropic",
    "openinference.instrumentation.openai",
    "openinference.instrumentation.anthropic",
    "@arizeai/openinference-instrumentation-openai",
    "@arizeai/openinference-instrumentation-anthropic",
    "logfire.openai",
    "logfire.anthropic",
    "ai",
    "@opentelemetry/instrumentation-openai",
)
_ELSEWHERE = (
    # Other languages' instrumentations of provider SDKs; nobody has looked at how they count cached tokens.
    Leaf("@traceloop/instrumentation-openai"),
    Leaf("@traceloop/instrumentation-anthropic"),
    Leaf("@traceloop/instrumentation-bedrock"),
    Leaf("@traceloop/instrumentation-cohere"),
    Leaf("opentelemetry.instrumentation.google_genai"),
    Leaf("opentelemetry.instrumentation.botocore.bedrock-runtime"),
    Leaf("opentelemetry.instrumentation.bedrock"),
    Leaf("opentelemetry.instrumentation.mistralai"),
    Leaf("opentelemetry.instrumentation.groq"),
    Leaf("opentelemetry.instrumentation.cohere"),
    Leaf("opentelemetry.instrumentation.together"),
    Leaf("opentelemetry.instrumentation.ollama"),
    Leaf("io.opentelemetry.openai-java-1.1"),
    Leaf("OpenAI.ChatClient"),
    Leaf("OpenAI.EmbeddingClient"),
    Leaf("Experimental.Microsoft.Extensions.AI"),
    Leaf("io.opentelemetry.contrib.openai"),
)


def leaves(more: tuple[str, ...] = ()) -> tuple[Leaf, ...]:
    """The shipped list and scopes that the user adds, the most specific name first."""
    known = {dialect.scope: dialect for dialect in DIALECTS}
    shipped = [_leaf(scope, known) for scope in _SDK_SCOPES]
    added = [_leaf(scope, known) for scope in more]
    unique = {leaf.scope: leaf for leaf in (*shipped, *_ELSEWHERE, *added)}
    return tuple(sorted(unique.values(), key=lambda leaf: -len(leaf.scope)))


def _leaf(scope: str, known: dict[str, Dialect]) -> Leaf:
    dialect = known.get(scope)
    if dialect is None:
        # The longest row that holds for the scope: "@arizeai/openinference" for its "-instrumentation-openai".
        rows = [row for row in DIALECTS if scope.startswith(row.scope)]
        dialect = max(rows, key=lambda row: len(row.scope), default=None)
    if dialect is None:
        return Leaf(scope)
    # A row that holds only from some version on is not relied on: the collector does not compare versions.
    inclusive = None if dialect.since else dialect.inclusive
    return Leaf(scope, _names_of(dialect), inclusive, dialect.leaves_out)


def _names_of(dialect: Dialect) -> str:
    home = dialect.translate.__module__.rpartition(".")[2]
    return home if home in (OPENINFERENCE, VERCEL) else CONVENTIONS
