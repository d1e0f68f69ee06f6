"""A test in your own suite that fails if an answer becomes more expensive.

pytest examples/test_what_it_costs.py
"""

from decimal import Decimal

import openai

from otel_llmcost.testing import capture


def test_an_answer_stays_cheap() -> None:
    with capture() as calls:
        openai.OpenAI().chat.completions.create(
            model="gpt-5-mini",
            messages=[{"role": "user", "content": "Hello"}],
            max_completion_tokens=200,
        )
    assert calls.count == 1
    assert calls.total < Decimal("0.001")
