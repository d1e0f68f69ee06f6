"""Weak references that may be read while other threads change them."""

from __future__ import annotations

import gc
import threading

from otel_llmcost.watch.living import Living


class One:
    """Something that can be held weakly, and not hashed."""

    __hash__ = None  # type: ignore[assignment]


def test_what_lives_is_held_and_no_longer() -> None:
    living: Living[One] = Living()
    kept, left, dropped = One(), One(), One()
    for one in (kept, left, dropped):
        living.add(one)
    living.discard(left)
    living.discard(left)
    del dropped, one
    gc.collect()
    assert list(living) == [kept]
    living.clear()
    assert list(living) == []


def test_it_is_read_while_others_add_and_drop() -> None:
    living: Living[One] = Living()
    stopped = threading.Event()

    def churn() -> None:
        while not stopped.is_set():
            one = One()
            living.add(one)
            living.discard(one)

    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    kept = One()
    living.add(kept)
    try:
        assert all(any(one is kept for one in living) for _ in range(20_000))
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
