from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_llmcost.attribution import current, rollups, track_call, track_source
from otel_llmcost.call import EXACT, NO_TAGS, Call, Priced

Spans = Callable[[], tuple[ReadableSpan, ...]]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Spans:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", lambda *a, **k: provider.get_tracer(*a, **k))
    return exporter.get_finished_spans


def pay(amount: int = 10**13, prompt: int = 100, output: int = 10) -> str:
    """What settling one call inside does."""
    for rollup in rollups():
        rollup.add(Call(usage={"input": prompt, "output": output}), Priced(EXACT, amount, {"input": amount}))
    return current().feature


def attributes(span: ReadableSpan) -> dict[str, object]:
    values = dict(span.attributes or {})
    latency = values.pop("llmcost.track.latency")
    assert isinstance(latency, float)
    assert span.start_time is not None
    assert span.end_time is not None
    assert 0 <= latency <= (span.end_time - span.start_time) / 1e9 + 0.001
    return values


ROLLED_UP = {
    "llmcost.feature": "answer",
    "llmcost.rollup.calls": 2,
    "llmcost.rollup.input_tokens": 200,
    "llmcost.rollup.output_tokens": 20,
    "llmcost.rollup.cost": 0.02,
    "llmcost.track.success": True,
}


def test_a_function_gets_a_span_with_the_roll_up(spans: Spans) -> None:
    @track_call("answer")
    def answer(question: str) -> str:
        """Answers."""
        return pay() + pay() + question

    assert answer("?") == "answeranswer?"
    assert (answer.__name__, answer.__doc__) == ("answer", "Answers.")
    (span,) = spans()
    assert (span.name, span.kind) == ("answer", trace.SpanKind.INTERNAL)
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "otel_llmcost"
    assert attributes(span) == ROLLED_UP
    assert current() is NO_TAGS
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_coroutine_gets_the_same(spans: Spans) -> None:
    @track_call("answer")
    async def answer() -> str:
        await asyncio.gather(asyncio.to_thread(pay), asyncio.to_thread(pay))
        return current().feature

    assert inspect.iscoroutinefunction(answer)
    assert asyncio.run(answer()) == "answer"
    assert attributes(spans()[0]) == ROLLED_UP


def test_a_generator_is_in_force_only_while_it_runs(spans: Spans) -> None:
    @track_call("answer")
    def answer() -> Iterator[str]:
        yield pay()
        yield pay()

    assert inspect.isgeneratorfunction(answer)
    for item in answer():
        assert item == "answer"
        assert current() is NO_TAGS
        assert trace.get_current_span() is trace.INVALID_SPAN
        assert spans() == ()
    assert attributes(spans()[0]) == ROLLED_UP


def test_an_async_generator_too(spans: Spans) -> None:
    @track_call("answer")
    async def answer() -> AsyncIterator[str]:
        yield pay()
        await asyncio.sleep(0)
        yield pay()

    async def main() -> list[str]:
        seen = []
        async for item in answer():
            assert current() is NO_TAGS
            seen.append(item)
        return seen

    assert inspect.isasyncgenfunction(answer)
    assert asyncio.run(main()) == ["answer", "answer"]
    assert attributes(spans()[0]) == ROLLED_UP


def test_tracked_work_nests_in_spans_and_in_sums(spans: Spans) -> None:
    @track_call("inner")
    def inner() -> None:
        pay()

    @track_call("outer")
    def outer() -> None:
        pay()
        inner()

    outer()
    first, second = spans()
    assert (first.name, second.name) == ("inner", "outer")
    assert first.parent is not None
    assert second.context is not None
    assert first.parent.span_id == second.context.span_id
    assert attributes(first)["llmcost.rollup.calls"] == 1
    assert attributes(second)["llmcost.rollup.calls"] == 2


class NoAnswer(Exception):
    pass


def failing(kind: str) -> Callable[[], object]:
    if kind == "function":

        @track_call("fail")
        def fail() -> None:
            raise NoAnswer("secret text")

        return fail
    if kind == "coroutine":

        @track_call("fail")
        async def fail_later() -> None:
            raise NoAnswer("secret text")

        return lambda: asyncio.run(fail_later())
    if kind == "generator":

        @track_call("fail")
        def fail_midway() -> Iterator[int]:
            yield 1
            raise NoAnswer("secret text")

        return lambda: list(fail_midway())

    @track_call("fail")
    async def fail_async_midway() -> AsyncIterator[int]:
        yield 1
        raise NoAnswer("secret text")

    async def collect() -> list[int]:
        return [item async for item in fail_async_midway()]

    return lambda: asyncio.run(collect())


@pytest.mark.parametrize("kind", ["function", "coroutine", "generator", "async generator"])
def test_an_error_is_recorded_by_type_and_passes_unchanged(kind: str, spans: Spans) -> None:
    with pytest.raises(NoAnswer, match="secret text"):
        failing(kind)()
    (span,) = spans()
    values = attributes(span)
    assert values["error.type"] == "NoAnswer"
    assert values["llmcost.track.success"] is False
    assert span.status.status_code is trace.StatusCode.ERROR
    assert span.status.description is None
    assert span.events == ()


def test_a_cancelled_coroutine_says_so(spans: Spans) -> None:
    @track_call("slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(slow())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert attributes(spans()[0])["error.type"] == "CancelledError"


def test_sending_throwing_and_returning_work_as_without_us(spans: Spans) -> None:
    @track_call("talk")
    def talk() -> object:
        received = yield "ready"
        try:
            yield f"got {received}"
        except KeyError as error:
            yield f"caught {error.args[0]}"
        return "done"

    def delegate() -> object:
        return (yield from talk())

    generator = delegate()
    assert next(generator) == "ready"
    assert generator.send(5) == "got 5"
    assert generator.throw(KeyError("k")) == "caught k"
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "done"
    assert attributes(spans()[0])["llmcost.track.success"] is True


def test_an_async_generator_takes_sent_and_thrown(spans: Spans) -> None:
    @track_call("talk")
    async def talk() -> object:
        received = yield "ready"
        try:
            yield f"got {received}"
        except KeyError as error:
            yield f"caught {error.args[0]}"

    async def main() -> list[str]:
        generator = talk()
        return [await generator.asend(None), await generator.asend(5), await generator.athrow(KeyError("k"))]

    assert asyncio.run(main()) == ["ready", "got 5", "caught k"]


def test_leaving_a_generator_early_ends_its_span_without_an_error(spans: Spans) -> None:
    closed = []

    @track_call("many")
    def many() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.append(current().feature)

    for _ in many():
        break
    gc.collect()
    assert closed == ["many"]
    assert attributes(spans()[0])["llmcost.track.success"] is True


def test_generators_dropped_in_other_contexts_log_nothing(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    @track_call("many")
    def many() -> Iterator[int]:
        yield 1
        yield 2

    @track_call("many async")
    async def many_async() -> AsyncIterator[int]:
        yield 1
        yield 2

    generator = many()
    contextvars.copy_context().run(next, generator)
    contextvars.copy_context().run(generator.close)  # type: ignore[attr-defined]

    async def abandon() -> None:
        async def one_item() -> None:
            async for _ in many_async():
                break

        await asyncio.create_task(one_item())
        gc.collect()
        await asyncio.sleep(0)

    asyncio.run(abandon())
    assert sorted(span.name for span in spans()) == ["many", "many async"]
    assert caplog.records == []


def test_a_coroutine_closed_from_another_context_logs_nothing(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    @track_call("slow")
    async def slow() -> None:
        await asyncio.sleep(0)

    coroutine = slow()
    contextvars.copy_context().run(coroutine.send, None)
    contextvars.copy_context().run(coroutine.close)
    assert len(spans()) == 1
    assert caplog.records == []


def test_a_generator_never_iterated_has_no_span(spans: Spans) -> None:
    @track_call("many")
    def many() -> Iterator[int]:
        yield 1

    many()
    assert spans() == ()


IDS = {"gen_ai.conversation.id": "c1", "session.id": "s1"}


def test_ids_are_taken_from_arguments_by_name(spans: Spans) -> None:
    @track_call("answer", team="search")
    def answer(question: str, conversation_id: str | None = None, *, session_id: str = "s1") -> None:
        assert current().conversation == (conversation_id or "")

    answer("?", "c1")
    answer("?", conversation_id="c1", session_id="s2")
    answer("?")
    first, second, third = (attributes(span) for span in spans())
    assert first | IDS | {"llmcost.team": "search"} == first
    assert second["session.id"] == "s2"
    assert "gen_ai.conversation.id" not in third


def test_ids_are_taken_from_methods_open_keywords_and_spread_arguments(spans: Spans) -> None:
    class Bot:
        @track_call("method")
        def answer(self, conversation_id: str) -> None:
            pass

    @track_call("open")
    def open_ended(**options: object) -> None:
        pass

    @track_call("spread")
    def spread(*parts: str, conversation_id: str = "") -> None:
        pass

    Bot().answer("c1")
    open_ended(conversation_id="c1")
    spread("a", "b", conversation_id="c1")
    assert [attributes(span)["gen_ai.conversation.id"] for span in spans()] == ["c1"] * 3


def test_static_and_class_methods_stay_what_they_are(spans: Spans) -> None:
    class Bot:
        @track_call("static")
        @staticmethod
        def static(conversation_id: str) -> str:
            return conversation_id

        @track_call
        @classmethod
        def of_class(cls, conversation_id: str) -> str:
            return cls.__name__ + conversation_id

    assert (Bot.static("c1"), Bot().static("c1"), Bot.of_class("c1")) == ("c1", "c1", "Botc1")
    assert [attributes(span)["gen_ai.conversation.id"] for span in spans()] == ["c1"] * 3
    assert [span.name for span in spans()] == ["static", "static", "of_class"]


def test_a_person_is_kept_as_a_hash(spans: Spans) -> None:
    @track_call("answer")
    def answer(user_id: str) -> None:
        pass

    answer("alice@example.com")
    user = attributes(spans()[0])["user.id"]
    assert isinstance(user, str)
    assert user.startswith("h:")
    assert "alice" not in user


def test_bare_and_unnamed_use_the_function_s_name(spans: Spans) -> None:
    @track_call
    def first() -> None:
        pass

    @track_call()
    def second() -> None:
        pass

    with track_source("cron"):
        first()
        second()
    assert [(span.name, attributes(span)["llmcost.source"]) for span in spans()] == [
        ("first", "cron"),
        ("second", "cron"),
    ]


def test_without_a_tracer_provider_the_function_still_runs() -> None:
    @track_call("answer")
    def answer() -> str:
        return pay()

    assert answer() == "answer"
