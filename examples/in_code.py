"""Instrumented from code, with the program's own pipeline: each span and its cost on standard output.

python examples/in_code.py
"""

import openai
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

import otel_llmcost

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
otel_llmcost.instrument()

openai.OpenAI().embeddings.create(model="text-embedding-3-small", input=["one", "two"])
