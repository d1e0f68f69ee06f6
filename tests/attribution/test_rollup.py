from __future__ import annotations

import threading
from decimal import Decimal

from otel_llmcost.attribution import Accumulates, Rollup
from otel_llmcost.call import EXACT, PARTIAL, PENDING, UNPRICED, Call, Priced, batch_key, response_key
from otel_llmcost.semconv import SETTLE

USAGE = {
    "input": 100,
    "cache_read": 50,
    "cache_write_5m": 10,
    "output": 7,
    "output_reasoning": 3,
    "web_search": 2,
}


def test_sums_tokens_as_the_conventions_count_them() -> None:
    rollup = Rollup()
    assert isinstance(rollup, Accumulates)
    rollup.add(Call(usage=USAGE), Priced(EXACT, 2_425_200_000_000, {}, savings=5))
    rollup.add(Call(error_type="timeout"), Priced(UNPRICED, None, {}))
    assert (rollup.calls, rollup.priced_calls, rollup.errors) == (2, 1, 1)
    assert (rollup.input_tokens, rollup.output_tokens, rollup.cache_read_tokens) == (160, 10, 50)
    assert (rollup.amount, rollup.savings) == (2_425_200_000_000, 5)
    assert rollup.statuses == {EXACT: 1, UNPRICED: 1}
    assert rollup.attributes() == {
        "llmcost.rollup.calls": 2,
        "llmcost.rollup.input_tokens": 160,
        "llmcost.rollup.output_tokens": 10,
        "llmcost.rollup.cost": 0.0024252,
    }


def test_an_unknown_cost_is_absent_and_a_free_one_is_zero() -> None:
    unknown, free = Rollup(), Rollup()
    unknown.add(Call(), Priced(UNPRICED, None, {}))
    free.add(Call(), Priced(EXACT, 0, {}))
    assert "llmcost.rollup.cost" not in unknown.attributes()
    assert free.attributes()["llmcost.rollup.cost"] == 0.0


def test_settling_later_adds_the_cost_and_no_second_call() -> None:
    rollup = Rollup()
    rollup.add(Call(operation="chat"), Priced(PENDING, None, {}))
    rollup.add(Call(operation="settle", usage={"input": 10}), Priced(EXACT, 30, {}))
    assert (rollup.calls, rollup.amount, rollup.input_tokens) == (1, 30, 10)


def test_work_that_is_paid_later_lacks_a_price_until_it_is_settled() -> None:
    rollup = Rollup()
    rollup.add(Call(response_id="batch_1"), Priced(PENDING, None, {}))
    for _ in range(3):
        rollup.add(Call(), Priced(UNPRICED, None, {}))
    assert (rollup.calls, rollup.unpriced_calls, rollup.is_lower_bound) == (4, 4, True)
    for line in range(4):
        rollup.add(Call(key=batch_key("batch_1", str(line)), operation=SETTLE), Priced(EXACT, 30, {}))
    assert (rollup.calls, rollup.unpriced_calls, rollup.is_lower_bound) == (4, 3, True)


def test_a_background_response_is_settled_by_its_own_id() -> None:
    rollup = Rollup()
    rollup.add(Call(response_id="resp_1"), Priced(PENDING, None, {}))
    settled = Call(key=response_key("api.openai.com", "resp_1"), operation=SETTLE, response_id="resp_1")
    rollup.add(settled, Priced(EXACT, 30, {}))
    assert (rollup.calls, rollup.unpriced_calls, rollup.is_lower_bound) == (1, 0, False)


def test_a_price_known_in_part_makes_the_sum_a_lower_bound() -> None:
    rollup = Rollup()
    rollup.add(Call(), Priced(PARTIAL, 30, {}))
    assert (rollup.amount, rollup.unpriced_calls, rollup.is_lower_bound) == (30, 0, True)


def test_sums_are_exact_from_many_threads() -> None:
    rollup = Rollup()
    call, priced = Call(usage={"input": 3, "audio_second": Decimal("1.5")}), Priced(EXACT, 10**15 + 1, {})

    def work() -> None:
        for _ in range(2_000):
            rollup.add(call, priced)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (rollup.calls, rollup.amount, rollup.input_tokens) == (16_000, 16_000 * (10**15 + 1), 48_000)
