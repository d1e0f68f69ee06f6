"""Every attribute, metric and provider name, in one place.

OpenTelemetry's GenAI conventions have no Python package, so their strings stand here
(https://github.com/open-telemetry/semantic-conventions-genai, checked 2026-11-22). Names under `llmcost.` are ours.
"""

from __future__ import annotations

SCHEMA_URL = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
SCOPE = "otel_llmcost"

# -- the conventions: operation, provider, request, response
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
SYSTEM_OLD = "gen_ai.system"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
FINISH_REASONS = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
REQUEST_STREAM = "gen_ai.request.stream"
CONVERSATION_ID = "gen_ai.conversation.id"
SESSION_ID = "session.id"
USER_ID = "user.id"
ERROR_TYPE = "error.type"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
OPENAI_REQUEST_TIER = "openai.request.service_tier"
OPENAI_RESPONSE_TIER = "openai.response.service_tier"
OPENAI_FINGERPRINT = "openai.response.system_fingerprint"
OPENAI_API_TYPE = "openai.api.type"

# -- the conventions: usage. input_tokens includes cached tokens, output_tokens includes reasoning.
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_write.input_tokens"
CACHE_WRITE_TOKENS_OLD = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
AUDIO_INPUT_TOKENS = "gen_ai.usage.audio.input_tokens"
AUDIO_OUTPUT_TOKENS = "gen_ai.usage.audio.output_tokens"
AUDIO_CACHE_READ_TOKENS = "gen_ai.usage.audio.cache_read.input_tokens"
IMAGE_INPUT_TOKENS = "gen_ai.usage.image.input_tokens"
IMAGE_OUTPUT_TOKENS = "gen_ai.usage.image.output_tokens"
IMAGE_CACHE_READ_TOKENS = "gen_ai.usage.image.cache_read.input_tokens"

# -- ours
COST = "gen_ai.usage.cost"
COST_COMPONENT_PREFIX = "llmcost.cost."
STATUS = "llmcost.status"
REASONS = "llmcost.reasons"
PRICE_VERSION = "llmcost.price.version"
ITEMS = "llmcost.items"
USAGE_PREFIX = "llmcost.usage."
SERVICE_TIER = "llmcost.service_tier"
SPEED = "llmcost.speed"
REGION = "llmcost.region"
VARIANT = "llmcost.variant"
"""What a unit price depends on beside the model: "1024x1024/hd" for an image, "720p" for a video."""
REPORTED_COST = "llmcost.cost.reported"
LIST_COST = "llmcost.cost.list"
"""Our own figure where the provider's reported one wins (`llmcost.status` = reported)."""
ATTEMPTS = "llmcost.attempts"
SOURCE = "llmcost.source"
STAGE = "llmcost.stage"
TEAM = "llmcost.team"
FEATURE = "llmcost.feature"
TAG_PREFIX = "llmcost.tag."
CALL_KEY = "llmcost.call_key"
"""Only on spans whose call key is not `otel:<trace>:<span>` (settle spans, batch results)."""
ROLLUP_COST = "llmcost.rollup.cost"
ROLLUP_CALLS = "llmcost.rollup.calls"
ROLLUP_INPUT_TOKENS = "llmcost.rollup.input_tokens"
ROLLUP_OUTPUT_TOKENS = "llmcost.rollup.output_tokens"
TRACK_SUCCESS = "llmcost.track.success"
"""On spans of `@track_call`: whether the function ended without an error."""
TRACK_LATENCY = "llmcost.track.latency"
"""Seconds (double), the span's duration, for backends that cannot compute with it."""

BUDGET = "llmcost.budget.name"
"""On the span of a refused call: the budget that refused it; on threshold events: the budget that was crossed."""

# -- metrics
M_COST = "llm.cost"
M_CALLS = "llm.calls"
M_TOKENS = "llm.tokens"
M_SAVINGS = "llm.cache.savings"
M_DURATION = "gen_ai.client.operation.duration"
M_TOKEN_USAGE = "gen_ai.client.token.usage"
M_NEW_DURATION = "gen_ai.client.inference.duration"
M_NEW_INPUT = "gen_ai.client.inference.operation.input_tokens"
M_NEW_OUTPUT = "gen_ai.client.inference.operation.output_tokens"
M_BUDGET_LIMIT = "llmcost.budget.limit"
M_BUDGET_SPENT = "llmcost.budget.spent"
M_BUDGET_REFUSED = "llmcost.budget.refused"
M_PRICE_AGE = "llmcost.price.age"
M_RETRIES = "llmcost.retries"
"""Attempts beyond a call's first."""
M_LEDGER_ENABLED = "llmcost.ledger.enabled"
M_LEDGER_CALLS = "llmcost.ledger.calls"
M_LEDGER_JOURNAL = "llmcost.ledger.journal.size"
L_COMPONENT = "llmcost.component"
L_METER = "llmcost.meter"
L_TOKEN_TYPE = "gen_ai.token.type"
L_BUDGET = "budget"
L_OUTCOME = "llmcost.outcome"
"""Of `llmcost.ledger.calls`: kept or dropped."""

# -- operations
CHAT = "chat"
TEXT_COMPLETION = "text_completion"
GENERATE_CONTENT = "generate_content"
EMBEDDINGS = "embeddings"
FETCH_RESPONSE = "fetch_response"
# The conventions name no operation for these; ours follow their spelling.
IMAGE_GENERATION = "image_generation"
SPEECH = "speech"
TRANSCRIPTION = "transcription"
RERANK = "rerank"
OCR = "ocr"
SETTLE = "settle"
PRICED_OPERATIONS = frozenset(
    {
        CHAT,
        TEXT_COMPLETION,
        GENERATE_CONTENT,
        EMBEDDINGS,
        IMAGE_GENERATION,
        SPEECH,
        TRANSCRIPTION,
        RERANK,
        OCR,
        SETTLE,
    }
)

# -- providers: the conventions' names, then ours
OPENAI = "openai"
AZURE_OPENAI = "azure.ai.openai"
AZURE_INFERENCE = "azure.ai.inference"
ANTHROPIC = "anthropic"
BEDROCK = "aws.bedrock"
GEMINI = "gcp.gemini"
VERTEX = "gcp.vertex_ai"
GCP_GEN_AI = "gcp.gen_ai"
COHERE = "cohere"
DEEPSEEK = "deepseek"
GROQ = "groq"
WATSONX = "ibm.watsonx.ai"
MISTRAL = "mistral_ai"
MOONSHOT = "moonshot_ai"
PERPLEXITY = "perplexity"
X_AI = "x_ai"
# Extensions: hosts that the conventions do not name yet.
TOGETHER = "together_ai"
FIREWORKS = "fireworks_ai"
OPENROUTER = "openrouter"
CEREBRAS = "cerebras"
MINIMAX = "minimax"
Z_AI = "z_ai"
HUGGINGFACE = "huggingface"
MODAL = "modal"
OLLAMA = "ollama"
LINKUP = "linkup"
LOCAL = "local"
"""Loopback and private hosts: own models, priced only by the user's own rows."""
UNKNOWN = "unknown"
