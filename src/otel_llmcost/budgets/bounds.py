"""How many tokens a request can cost at most, read from its body before it leaves.

Visible text is bounded by its bytes: every token of a byte-level tokenizer covers at least one byte. (Where a
tokenizer normalises first, text can grow: the longer of the text and its NFKC form counts.) What cannot be
seen in the body (images, files, earlier turns kept by the provider, encrypted reasoning) is bounded by the
model's context window. What a provider's own tools may do is bounded only where the request says how often.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..call import Asked
from ..semconv import EMBEDDINGS, IMAGE_GENERATION, SPEECH, TEXT_COMPLETION, TRANSCRIPTION

BASE_TOKENS = 128
"""For what providers put around a prompt: separators, the date, a reasoning preamble (harmony: about 70)."""
HIDDEN_PROMPT_TOKENS = 1024
"""For the prompt that a provider adds for tools or a forced format (Anthropic publishes up to 804)."""
TYPED_TOOL_TOKENS = 4096
"""For each tool whose definition the provider keeps and the client runs (bash, text editor, computer)."""
_HIDDEN_PROMPT = frozenset(
    ("tools", "functions", "response_format", "output_format", "output_config", "text")
)
_NUMBER_BYTES = 24
_LISTS, _NUMBERS = (list, tuple), (int, float)
_MOST_NODES = 200_000

# fmt: off
_VISIBLE_TYPES = frozenset((
    "text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal", "message",
    "function", "function_call", "function_call_output", "custom", "custom_tool_call",
    "custom_tool_call_output", "tool_use", "tool_result", "json_schema", "json_object", "object",
    "string", "number", "integer", "boolean", "array", "null", "enabled", "disabled", "adaptive",
    "ephemeral", "auto", "any", "tool", "none", "allowed_tools", "grammar", "content", "approximate",
    "search_result", "tool_reference",
))
# fmt: on
"""Values of `type` whose whole input stands in the body. Any other type is taken for unseen input."""
# fmt: off
_UNSEEN_KEYS = frozenset((
    "image", "images", "image_url", "audio", "input_audio", "video", "video_url", "document", "file",
    "file_id", "file_data", "inlineData", "inline_data", "fileData", "file_data", "cachedContent",
    "cached_content", "encrypted_content", "signature", "thoughtSignature", "thought_signature",
))
# fmt: on
_UNSEEN_AT_TOP = frozenset(
    (
        "previous_response_id",
        "conversation",
        "cachedContent",
        "cached_content",
        "context_management",
    )
)
_PLAIN_KEYS = frozenset(
    ("parameters", "input_schema", "inputSchema", "schema", "args", "metadata", "tools", "tool_choice")
)
"""Below these stands a schema or data of the user's own, whose `type` says nothing about input (tools are
read apart)."""
_OPEN_ENDED = frozenset(
    (
        "web_search_options",
        "search_parameters",
        "plugins",
        "mcp_servers",
        "container",
        "fallbacks",
        "models",
        "input_file_id",
    )
)
"""Top-level keys that let a provider do, or bill by another model, what the body does not say."""
_SEARCHES = {"web_search": "web_search", "web_fetch": "", "file_search": "file_search"}
_CLIENT_RUN = ("bash", "text_editor", "computer", "memory", "local_shell", "apply_patch")
_OUTPUT_KEYS = ("max_completion_tokens", "max_output_tokens", "max_tokens", "max_tokens_to_sample")
_NESTED_OUTPUT = (
    ("generationConfig", "maxOutputTokens"),
    ("config", "max_output_tokens"),
    ("inferenceConfig", "maxTokens"),
    ("options", "num_predict"),
)
_NO_OUTPUT = frozenset((EMBEDDINGS,))
_BY_UNITS = frozenset((IMAGE_GENERATION, TRANSCRIPTION, "ocr", "rerank"))


@dataclass(slots=True)
class Bound:
    """The most that a request can use.

    `input_tokens` is one pass over the visible input; `unseen` asks for the context window instead.
    `output_tokens` is one answer (None: the model's published maximum), of which `answers` may be made in
    each of `passes`.
    """

    input_tokens: int = 0
    output_tokens: int | None = None
    answers: int = 1
    passes: int = 1
    unseen: str = ""
    extra_output: int = 0
    units: dict[str, int] = field(default_factory=dict)
    unbounded: str = ""
    """Why there is no bound at all; "" where there is one."""


def bound_of(asked: Asked) -> Bound:
    """The bound of one request; pure, never raises, linear in the size of the body's structure."""
    body = asked.body
    bound = Bound()
    for key in () if _OPEN_ENDED.isdisjoint(body) else _OPEN_ENDED.intersection(body):
        if body[key]:
            bound.unbounded = f"{key!r} lets the provider bill what the request does not bound"
            return bound
    if asked.operation in _BY_UNITS:
        bound.unbounded = f"operation {asked.operation!r} is billed by what the request does not tell"
        return bound
    _bound_input(bound, asked)
    _bound_output(bound, asked)
    tools = body.get("tools")
    if isinstance(tools, Sequence) and tools and not isinstance(tools, str):
        _bound_tools(bound, tools, body)
    return bound


def _bound_input(bound: Bound, asked: Asked) -> None:
    body = asked.body
    number_tokens = 1 if asked.operation in (EMBEDDINGS, TEXT_COMPLETION) else _NUMBER_BYTES
    size, bound.unseen = _weigh(body, number_tokens)
    if not _UNSEEN_AT_TOP.isdisjoint(body):
        bound.unseen = next(
            (key for key in sorted(_UNSEEN_AT_TOP.intersection(body)) if body[key]), bound.unseen
        )
    if isinstance(body.get("prompt"), Mapping):
        bound.unseen = "prompt"
    bound.input_tokens = size + BASE_TOKENS
    if not _HIDDEN_PROMPT.isdisjoint(body):
        bound.input_tokens += HIDDEN_PROMPT_TOKENS
    if asked.operation == SPEECH:
        text = body.get("input")
        bound.units["character"] = len(text) if isinstance(text, str) else 0


def _bound_output(bound: Bound, asked: Asked) -> None:
    body = asked.body
    if asked.operation in _NO_OUTPUT:
        bound.output_tokens = 0
        return
    bound.output_tokens = _longest_answer(body)
    if "n" in body or "best_of" in body:
        bound.answers = max(_count(body.get("n")), _count(body.get("best_of")))
    prompts = body.get("prompt")
    if (
        asked.operation == TEXT_COMPLETION
        and isinstance(prompts, list)
        and prompts
        and type(prompts[0]) is not int
    ):
        bound.answers *= len(prompts)
    if body.get("echo") is True:
        bound.extra_output += bound.input_tokens * bound.answers
    prediction = body.get("prediction")
    if prediction:
        # Rejected predicted tokens are billed as output on top of the answer.
        bound.extra_output += _weigh(prediction, _NUMBER_BYTES)[0] * bound.answers


def _longest_answer(body: Mapping[str, object]) -> int | None:
    """The greatest of the limits on the answer's length that a request names, None where it names none."""
    said = [body[key] for key in _OUTPUT_KEYS if key in body]
    for table, key in _NESTED_OUTPUT:
        inner = body.get(table)
        if isinstance(inner, Mapping):
            said.append(inner.get(key))
    return max((value for value in said if type(value) is int and value > 0), default=None)


def _bound_tools(bound: Bound, tools: Sequence[object], body: Mapping[str, object]) -> None:
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if not isinstance(tool, Mapping) or kind in (None, "function", "custom", "tool"):
            continue
        name = str(kind)
        if name.startswith(_CLIENT_RUN):
            bound.input_tokens += TYPED_TOOL_TOKENS
            continue
        search = next((meter for prefix, meter in _SEARCHES.items() if name.startswith(prefix)), None)
        uses = _uses(tool, body) if search is not None else None
        if search is None or uses is None:
            remedy = "; set max_uses or max_tool_calls" if search is not None else ""
            bound.unbounded = f"tool {name!r} has no bound in the request{remedy}"
            return
        bound.passes += uses
        bound.unseen = bound.unseen or name
        if search:
            bound.units[search] = bound.units.get(search, 0) + uses


def _uses(tool: Mapping[str, object], body: Mapping[str, object]) -> int | None:
    """How often a provider-run tool may be used; None where nothing says so."""
    said = [value for value in (tool.get("max_uses"), body.get("max_tool_calls")) if type(value) is int]
    return min(said) if said and min(said) >= 0 else None


def _count(value: object) -> int:
    return value if type(value) is int and value > 1 else 1


def _weigh(root: object, number_tokens: int) -> tuple[int, str]:
    """(upper bound on the tokens of everything visible, the first thing that is not visible or "")."""
    size, unseen, visited = 0, "", 0
    stack: list[tuple[object, bool]] = [(root, True)]
    while stack:
        node, typed = stack.pop()
        visited += 1
        if isinstance(node, str):
            size += text_bound(node)
        elif type(node) is dict or isinstance(node, Mapping):
            if typed and not unseen:
                unseen = _unseen_part(node)
            for key, value in node.items():
                size += len(key) if type(key) is str else len(str(key))
                if type(value) is str:
                    size += len(value) if value.isascii() else text_bound(value)
                else:
                    stack.append((value, typed and not _is_data(key, value)))
        elif isinstance(node, _LISTS):
            if node and type(node[0]) is int:
                size += number_tokens * len(node)
            else:
                stack.extend([(item, typed) for item in node])
        elif node is None or isinstance(node, _NUMBERS):
            size += _NUMBER_BYTES
        elif type(node).__name__ not in ("Omit", "NotGiven"):
            unseen = unseen or type(node).__name__
        if visited > _MOST_NODES:
            return size, "a body of too many parts"
    return size, unseen


def _is_data(key: object, value: object) -> bool:
    # A tool call's arguments stand under "input", where the Responses API has its list of typed items.
    return key in _PLAIN_KEYS or (key == "input" and isinstance(value, Mapping))


def _unseen_part(node: Mapping[object, object]) -> str:
    kind = node.get("type")
    if type(kind) is str and kind not in _VISIBLE_TYPES:
        return kind
    if _UNSEEN_KEYS.isdisjoint(node):
        return ""
    return next((str(key) for key in _UNSEEN_KEYS.intersection(node) if node[key]), "")


def text_bound(text: str) -> int:
    """An upper bound on a text's tokens: its UTF-8 bytes, or those of its NFKC form where that is longer."""
    if text.isascii():
        return len(text)
    size = len(text.encode("utf-8", "surrogatepass"))
    if unicodedata.is_normalized("NFKC", text):
        return size
    return max(size, len(unicodedata.normalize("NFKC", text).encode("utf-8", "surrogatepass")))
