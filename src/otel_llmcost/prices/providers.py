"""How programs, frameworks and gateways spell providers, in the names of `semconv`."""

from __future__ import annotations

from .. import semconv

SPELLINGS: dict[str, str] = {
    "openai": semconv.OPENAI,
    "text-completion-openai": semconv.OPENAI,
    "azure": semconv.AZURE_OPENAI,
    "azure_openai": semconv.AZURE_OPENAI,
    "az.ai.openai": semconv.AZURE_OPENAI,
    "azure_text": semconv.AZURE_OPENAI,
    "azure_ai": semconv.AZURE_INFERENCE,
    "az.ai.inference": semconv.AZURE_INFERENCE,
    "anthropic": semconv.ANTHROPIC,
    "bedrock": semconv.BEDROCK,
    "aws_bedrock": semconv.BEDROCK,
    "bedrock_converse": semconv.BEDROCK,
    "bedrock_mantle": semconv.BEDROCK,
    "aws": semconv.BEDROCK,
    "gemini": semconv.GEMINI,
    "google": semconv.GEMINI,
    "google_genai": semconv.GEMINI,
    "google_ai_studio": semconv.GEMINI,
    "vertex_ai": semconv.VERTEX,
    "vertex_ai_beta": semconv.VERTEX,
    "vertexai": semconv.VERTEX,
    "google-vertex": semconv.VERTEX,
    "google_vertexai": semconv.VERTEX,
    "mistral": semconv.MISTRAL,
    "mistralai": semconv.MISTRAL,
    "cohere": semconv.COHERE,
    "cohere_chat": semconv.COHERE,
    "groq": semconv.GROQ,
    "together": semconv.TOGETHER,
    "togetherai": semconv.TOGETHER,
    "together_ai": semconv.TOGETHER,
    "fireworks": semconv.FIREWORKS,
    "fireworks_ai": semconv.FIREWORKS,
    "deepseek": semconv.DEEPSEEK,
    "xai": semconv.X_AI,
    "x-ai": semconv.X_AI,
    "perplexity": semconv.PERPLEXITY,
    "moonshot": semconv.MOONSHOT,
    "moonshotai": semconv.MOONSHOT,
    "cerebras": semconv.CEREBRAS,
    "openrouter": semconv.OPENROUTER,
    "ollama": semconv.OLLAMA,
    "ollama_chat": semconv.OLLAMA,
    "minimax": semconv.MINIMAX,
    "zai": semconv.Z_AI,
    "huggingface": semconv.HUGGINGFACE,
    "hugging_face": semconv.HUGGINGFACE,
    "watsonx": semconv.WATSONX,
}
"""Other spellings -> our name: LiteLLM's prefixes, old `gen_ai.system` values, frameworks' own names."""

PRICED_AS: dict[str, tuple[str, ...]] = {
    semconv.AZURE_INFERENCE: (semconv.AZURE_INFERENCE, semconv.AZURE_OPENAI),
    semconv.GCP_GEN_AI: (semconv.GEMINI, semconv.VERTEX),
    semconv.OLLAMA: (semconv.OLLAMA, semconv.LOCAL),
}
"""Providers whose name covers several price lists, in the order in which they are asked."""

MAKERS: tuple[str, ...] = (
    semconv.OPENAI,
    semconv.ANTHROPIC,
    semconv.GEMINI,
    semconv.X_AI,
    semconv.MISTRAL,
    semconv.DEEPSEEK,
    semconv.MOONSHOT,
    semconv.COHERE,
    semconv.PERPLEXITY,
    semconv.MINIMAX,
    semconv.Z_AI,
)
"""Providers that sell models of their own making."""


def provider_name(text: str) -> str:
    """Our name of a provider, from any spelling; text that no table knows comes back as it is."""
    return SPELLINGS.get(text) or SPELLINGS.get(text.lower(), text)
