"""Who spent it: sources, tags and stages around calls.

otel-llmcost run -- python examples/attribution.py
otel-llmcost report today --by source
"""

import openai

from otel_llmcost import stage, tag, track_source

client = openai.OpenAI()


def ask(question: str) -> str | None:
    answer = client.chat.completions.create(
        model="gpt-5-mini", messages=[{"role": "user", "content": question}]
    )
    return answer.choices[0].message.content


with tag(team="billing"), track_source("extraction"):
    with stage("read"):
        text = ask("Which numbers are on this invoice?")
    with stage("check"):
        print(ask(f"Do these add up? {text}"))
