"""`capture()`: users assert in their own tests what their code would cost."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from otel_llmcost.ledger.drain import open_up_to_date


def run(program: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "OTEL_LLMCOST_LEDGER": str(folder / "ledger")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def kept(folder: Path) -> int:
    """How many calls the ledger has."""
    with open_up_to_date(folder / "ledger") as ledger:
        return len(list(ledger.rows()))


CLIENT = """
    import json
    from decimal import Decimal
    import httpx2, openai
    from otel_llmcost.testing import capture

    def answer(request):
        model = json.loads(request.content)["model"]
        usage = {"prompt_tokens": 1200, "completion_tokens": 300, "total_tokens": 1500}
        choice = {"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}
        return httpx2.Response(200, json={"id": "c", "model": model, "choices": [choice], "usage": usage})

    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=httpx2.MockTransport(answer)))
    def ask(model):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}])
"""


def test_what_code_would_cost_is_known_exactly_and_kept_out_of_the_ledger(tmp_path: Path) -> None:
    run(
        CLIENT
        + """
    with capture() as calls:
        ask("gpt-4o-mini")
        ask("gpt-4o-mini")
        ask("nobody-knows-this")
    # 1,200 at $0.15 and 300 at $0.60 per million
    assert calls.known_total == Decimal("0.00072"), calls.known_total
    assert calls.count == 3
    assert [call.model for call in calls.unpriced] == ["nobody-knows-this"]
    assert calls.unpriced[0].cost is None
    assert calls.by_model["gpt-4o-mini"] == Decimal("0.00072")
    assert calls.tokens == {"input": 3600, "uncached_input": 3600, "output": 900}
    ask("gpt-4o-mini")
    assert calls.count == 3
    """,
        tmp_path,
    )
    assert kept(tmp_path) == 0


def test_the_total_of_what_is_not_known_is_no_number(tmp_path: Path) -> None:
    told = run(
        CLIENT
        + """
    from otel_llmcost.errors import PriceError
    with capture() as calls:
        ask("gpt-4o-mini")
    assert calls.total == Decimal("0.00036")
    with capture() as calls:
        ask("gpt-4o-mini")
        ask("nobody-knows-this")
    assert calls.by_model == {"gpt-4o-mini": Decimal("0.00036"), "nobody-knows-this": None}
    try:
        calls.total < Decimal("0.01")
    except PriceError as error:
        print(error)
    """,
        tmp_path,
    )
    assert told.startswith("what 1 of 2 calls cost is not known: nobody-knows-this (")
    assert "known_total, which is a lower bound" in told


def test_a_stand_in_on_this_machine_is_told_its_own_remedy(tmp_path: Path) -> None:
    told = run(
        CLIENT
        + """
    from otel_llmcost.errors import PriceError
    client = client.with_options(base_url="http://127.0.0.1:8095/v1")
    with capture() as calls:
        ask("gpt-4o-mini")
    try:
        calls.total
    except PriceError as error:
        print(error)
    """,
        tmp_path,
    )
    assert (
        'remedy: OTEL_LLMCOST_HOSTS="127.0.0.1:8095=openai" if that is a gateway or a stand-in, else' in told
    )
    assert "[[prices.row]]" not in told


def test_a_part_of_the_cost_is_no_total(tmp_path: Path) -> None:
    run(
        """
    from otel_llmcost import CostTracker
    from otel_llmcost.errors import PriceError
    from otel_llmcost.testing import capture
    with capture() as calls:
        CostTracker().record("openai", "gpt-5", 1000, 100, usage={"image": 1})
    assert [call.cost for call in calls.unpriced] == [None]
    try:
        calls.total
    except PriceError as error:
        assert "image has no price" in str(error), error
    else:
        raise SystemExit("a total")
    """,
        tmp_path,
    )


WATCHED = """
    import otel_llmcost
    from otel_llmcost.process import assembled
    def watched():
        return sorted(assembled().engine.active), "_llmcost_original" in vars(openai.OpenAI.__mro__[1].request)
"""


def test_what_capture_switched_on_it_switches_off_with_the_last_one(tmp_path: Path) -> None:
    run(
        CLIENT
        + WATCHED
        + """
    import threading
    first, second = capture(), capture(ledger=True)
    one = first.__enter__()
    two = second.__enter__()
    thread = threading.Thread(target=ask, args=("gpt-4o-mini",))
    thread.start()
    thread.join()
    first.__exit__(None, None, None)
    assert watched() == (["anthropic", "openai"], True)
    ask("gpt-4o-mini")
    second.__exit__(None, None, None)
    assert watched() == ([], False)
    assert not assembled().settler.keep_out_of_ledger
    ask("gpt-4o-mini")
    with capture(ledger=True) as again:
        ask("gpt-4o-mini")
    assert (one.count, two.count, again.count) == (1, 2, 1)
    """,
        tmp_path,
    )
    assert kept(tmp_path) == 2


@pytest.mark.parametrize("when", ["before", "inside"])
@pytest.mark.parametrize("what", ["", "client", "sdks=('openai',)"])
def test_what_the_program_watches_itself_stays_watched(tmp_path: Path, when: str, what: str) -> None:
    instrument = f"otel_llmcost.instrument({what})"
    run(
        CLIENT
        + f"""
    import otel_llmcost
    {instrument if when == "before" else ""}
    with capture():
        {instrument if when == "inside" else "pass"}
        ask("gpt-4o-mini")
    ask("gpt-4o-mini")
    """,
        tmp_path,
    )
    assert kept(tmp_path) == 1


def test_with_ledger_the_calls_are_kept(tmp_path: Path) -> None:
    run(CLIENT + "\n    with capture(ledger=True) as calls:\n        ask('gpt-4o-mini')\n", tmp_path)
    assert kept(tmp_path) == 1


@pytest.mark.parametrize("again", [False, True])
def test_a_call_under_way_when_watching_ends_is_unpriced_not_free(tmp_path: Path, again: bool) -> None:
    run(
        CLIENT
        + f"    again = {again}\n"
        + """
    import threading
    import otel_llmcost
    inside, go = threading.Event(), threading.Event()
    def slow(request):
        inside.set()
        go.wait(10)
        return answer(request)
    client = openai.OpenAI(api_key="x", http_client=httpx2.Client(transport=httpx2.MockTransport(slow)))
    with capture() as calls:
        call = threading.Thread(target=ask, args=("gpt-4o-mini",))
        call.start()
        inside.wait(10)
        otel_llmcost.uninstrument()
        if again:
            otel_llmcost.instrument()
        go.set()
        call.join()
    (found,) = calls
    expected = ("exact", Decimal("0.00036")) if again else ("unpriced", None)
    assert (found.status, found.cost) == expected, found
    assert again or "uninstrument()" in found.priced.reasons[0], found
    """,
        tmp_path,
    )


def test_where_everything_is_switched_off_it_says_so_instead_of_passing(tmp_path: Path) -> None:
    (tmp_path / "otel-llmcost.toml").write_text("disabled = true\n")
    told = run(
        f"""
        import os
        os.chdir({str(tmp_path)!r})
        from otel_llmcost import ConfigurationError
        from otel_llmcost.testing import capture
        try:
            with capture():
                print("captured")
        except ConfigurationError as error:
            print(error)
        """,
        tmp_path,
    )
    assert told.startswith("capture() can see no call: everything is switched off")
