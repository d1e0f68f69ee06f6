"""A program without any code about costs.

otel-llmcost run -- python examples/zero_code.py
opentelemetry-instrument python examples/zero_code.py      (with OTEL_EXPORTER_OTLP_ENDPOINT set)
"""

import openai

client = openai.OpenAI()
answer = client.chat.completions.create(
    model="gpt-5-mini", messages=[{"role": "user", "content": "What is a femto-dollar?"}]
)
print(answer.choices[0].message.content)
