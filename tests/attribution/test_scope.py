from __future__ import annotations

import asyncio
import contextvars
import gc
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from otel_llmcost.attribution import Rollup, carry, current, enter, leave, rollups, stage, tag, track_source
from otel_llmcost.call import NO_TAGS, Tags


def test_nothing_is_in_force_outside_of_blocks() -> None:
    assert current() is NO_TAGS
    assert rollups() == ()


def test_blocks_nest_and_put_back_what_was_before() -> None:
    with track_source("extraction"), tag(team="search", tenant="acme"):
        assert current() == Tags(source="extraction", team="search", own={"tenant": "acme"})
        with track_source("ranking"), tag(feature="rank", tenant="globex", shard=7), stage("reason"):
            assert current() == Tags(
                source="ranking",
                stage="reason",
                team="search",
                feature="rank",
                own={"tenant": "globex", "shard": "7"},
            )
        assert current() == Tags(source="extraction", team="search", own={"tenant": "acme"})
    assert current() is NO_TAGS


def test_an_error_leaves_the_block_and_passes() -> None:
    with pytest.raises(ZeroDivisionError), track_source("extraction"):
        1 / 0
    assert current() is NO_TAGS


async def _seen_after(delay: int, source: str) -> tuple[str, str]:
    async with track_source(source):
        first = current().source
        for _ in range(delay):
            await asyncio.sleep(0)
        return first, current().source


def test_tasks_keep_their_own_tags_apart() -> None:
    async def main() -> list[tuple[str, str]]:
        async with tag(team="search"):
            return await asyncio.gather(*(_seen_after(5 - n, f"s{n}") for n in range(5)))

    assert asyncio.run(main()) == [(f"s{n}", f"s{n}") for n in range(5)]


def test_a_task_keeps_the_tags_it_was_started_under() -> None:
    async def child(parent_left: asyncio.Event) -> list[str]:
        await parent_left.wait()
        seen = [current().source]
        with stage("late"):
            seen.append(current().source)
        return [*seen, current().source]

    async def main() -> list[str]:
        left = asyncio.Event()
        with track_source("parent"):
            task = asyncio.create_task(child(left))
            await asyncio.sleep(0)
        left.set()
        return await task

    assert asyncio.run(main()) == ["parent", "parent", "parent"]


def test_threads_start_empty_and_carry_takes_the_tags_along() -> None:
    with ThreadPoolExecutor(4) as pool:
        with track_source("batch"):
            bare = pool.submit(lambda: current().source).result()
            carried = carry(lambda: current().source)
            seen = {future.result() for future in [pool.submit(carried) for _ in range(20)]}
        after = pool.submit(carried).result()
    assert (bare, seen, after) == ("", {"batch"}, "batch")


def test_one_block_may_be_entered_by_many_at_once() -> None:
    extraction = track_source("extraction")

    async def task(rounds: int) -> str:
        async with extraction:
            for _ in range(rounds):
                await asyncio.sleep(0)
            with extraction:
                inner = current().source
            assert current().source == inner
        return current().source

    async def main() -> list[str]:
        return await asyncio.gather(*(task(n) for n in (3, 1, 2)))

    assert asyncio.run(main()) == ["", "", ""]


def test_a_block_left_in_another_context_changes_nothing_there() -> None:
    block = track_source("extraction")
    contextvars.copy_context().run(block.__enter__)
    with track_source("here"):
        block.__exit__(None, None, None)
        assert current().source == "here"
    assert current() is NO_TAGS


def test_a_generator_closed_by_the_collector_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def items() -> Generator[object, object, None]:
        with track_source("generator"):
            yield 1
            yield 2

    generator = items()
    contextvars.copy_context().run(next, generator)
    del generator
    gc.collect()
    assert current() is NO_TAGS
    assert caplog.records == []


def test_a_decorated_generator_has_its_tags_only_while_it_runs() -> None:
    @track_source("generator")
    def items() -> Generator[object, object, None]:
        received = yield current().source
        yield f"{current().source} {received}"

    generator = items()
    assert next(generator) == "generator"
    assert current() is NO_TAGS
    with track_source("consumer"):
        assert generator.send("x") == "generator x"
        assert current().source == "consumer"


def test_a_stage_tells_the_accumulators_its_own_time() -> None:
    class Stages:
        closed = False

        def __init__(self) -> None:
            self.seen: list[tuple[str, bool]] = []

        def add(self, call: object, priced: object) -> None:
            raise AssertionError("no call was made")

        def stage_passed(self, name: str, seconds: float) -> None:
            self.seen.append((name, seconds >= 0))

    stages = Stages()
    state = enter(NO_TAGS, stages, stages)
    with stage("outer"), stage("inner"):
        assert rollups() == (stages,)
    assert leave(stages) is state
    assert stages.seen == [("inner", True), ("outer", True)]


def test_ended_accumulators_are_not_carried_on() -> None:
    """A chain of tasks that start each other inside tracked work stays flat."""
    ended, open_ = Rollup(), Rollup()
    enter(NO_TAGS, ended, ended)
    ended.closed = True
    enter(NO_TAGS, open_, open_)
    assert rollups() == (open_,)
    leave(open_)
    leave(ended)
    assert current() is NO_TAGS
