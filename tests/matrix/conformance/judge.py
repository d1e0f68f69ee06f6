"""Runs every way twice, without us and watched, and compares: the program must see the same, each call counts once."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import pickle
import time
import traceback
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from opentelemetry import trace

import otel_llmcost
from otel_llmcost import semconv
from otel_llmcost.call import Call, Priced
from otel_llmcost.money import as_decimal
from otel_llmcost.runtime import runtime
from otel_llmcost.watch.guard import contained

from .bench import Bench, Places, Switch, has_path
from .canonical import canonical
from .telling import Noise, Spans, tracer_provider
from .way import ASYNC, SYNC, Expect, Way

OK, FAILED, ABSENT = "ok", "failed", "absent"
_PATIENCE_S = 20.0
_NEVER_THE_SAME = ("idempotency-key", "content-type", "traceparent")
"""Headers with random parts."""
_MEASURED = "gen_ai.response.time_to_first_chunk"


@dataclass
class Cell:
    """The result of a way in one mode: "ok", "failed", or "absent" where this SDK version has no such surface."""

    sdk: str
    way: str
    mode: str
    result: str
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Run:
    """What one run of a way left behind."""

    seen: list[Any]
    requests: list[Any]
    native: list[Any]
    noise: list[str]
    contained: int
    problem: str = ""


class Watching(Switch):
    """The switch of the watched run."""

    def off(self) -> None:
        otel_llmcost.uninstrument()

    def on(self) -> None:
        otel_llmcost.instrument()

    def program_ends(self) -> None:
        runtime().engine.finish_all()


class Judge:
    """Holds one process: first every way without us, then every way watched."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.spans, self.noise = Spans(), Noise()
        self.settled: list[tuple[Call, Priced]] = []
        trace.set_tracer_provider(tracer_provider(self.spans))
        self.noise.listen()
        self.loop = asyncio.new_event_loop()
        self._early: dict[Any, Any] = {}

    def judge(self, ways: Iterable[Way]) -> list[Cell]:
        """Every way in every mode it has."""
        wanted = [(way, mode) for way in ways for mode in way.modes]
        present = [cell for cell in wanted if self._has(*cell)]
        gc.collect()
        shared: dict[Any, Any] = {}
        # packed: the garbage collections that the ways ask for would walk over all of them each time
        before = {cell: pickle.dumps(self._run(*cell, Switch(), shared)[0]) for cell in present}
        self._early = {("early", *key[1:]): client for key, client in shared.items() if key[0] == "client"}
        otel_llmcost.instrument()
        runtime().settler.listeners.append(self._take)
        shared = dict(self._early)
        cells = []
        for cell in wanted:
            way, mode = cell
            if cell not in before:
                cells.append(Cell(way.sdk, way.title, mode, ABSENT))
                continue
            problems = self._problems(
                way, pickle.loads(before[cell]), *self._run(way, mode, Watching(), shared)
            )
            cells.append(Cell(way.sdk, way.title, mode, FAILED if problems else OK, problems))
        return cells

    def close(self) -> None:
        """The loop ends."""
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def _take(self, call: Call, priced: Priced) -> None:
        self.settled.append((call, priced))

    def _has(self, way: Way, mode: str) -> bool:
        if any(importlib.util.find_spec(module) is None for module in way.imports):
            return False
        bench = Bench(way.sdk, mode, self.places, Switch(), self._early)
        return has_path(bench.module, way.kind) and has_path(bench.client, way.needs)

    def _run(self, way: Way, mode: str, switch: Switch, shared: dict[Any, Any]) -> tuple[Run, Bench]:
        bench = Bench(way.sdk, mode, self.places, switch, shared)
        bench.client
        self.spans.clear()
        self.noise.lines.clear()
        self.settled.clear()
        for provider in self.places:
            provider.requests.clear()
        problem, contained_before = "", contained()
        # what was there before is no business of the collections that a way asks for: else they take most of the time
        gc.freeze()
        try:
            if mode == ASYNC:
                self.loop.run_until_complete(asyncio.wait_for(self._whole(way, bench), _PATIENCE_S))
            else:
                _drive(self._whole(way, bench))
        except Exception:
            problem = traceback.format_exc()
        requests = [
            [seen.method, canonical(seen.path), dict(seen.query), canonical(seen.raw), _headers(seen.headers)]
            for provider in self.places
            for seen in provider.requests
        ]
        native = sorted(self.spans.of_others(), key=lambda span: span.start_time or 0)
        kept = [(span.name, span.status.status_code.name, dict(span.attributes or {})) for span in native]
        return Run(
            bench.seen, requests, kept, list(self.noise.lines), contained() - contained_before, problem
        ), bench

    async def _whole(self, way: Way, bench: Bench) -> None:
        await way.run(bench)
        await bench.settle_down()

    # -- what must hold

    def _problems(self, way: Way, before: Run, run: Run, bench: Bench) -> list[str]:
        if before.problem:
            return [f"fails without us: {before.problem}"]
        if run.problem:
            return [f"fails: {run.problem}"]
        found = []
        if before.seen != run.seen:
            found.append(f"saw {_difference(before.seen, run.seen)}")
        if before.requests != run.requests:
            found.append(f"sent {_difference(before.requests, run.requests)}")
        if run.noise != before.noise:
            found.append(f"noise: {run.noise} instead of {before.noise}")
        if run.contained:
            found.append(f"{run.contained} failures of ours had to be contained")
        if self.spans.open:
            found.append(f"spans left open: {self.spans.open}")
        if self.spans.ended_twice:
            found.append(f"spans ended twice: {self.spans.ended_twice}")
        found.extend(_native_problems(before.native, run.native))
        expected = way.expected(bench) if callable(way.expected) else way.expected
        found.extend(self._money_problems(expected))
        return found

    def _money_problems(self, expected: tuple[Expect, ...]) -> list[str]:
        if len(self.settled) != len(expected):
            told = [(call.request_model, priced.status, priced.reasons) for call, priced in self.settled]
            return [f"{len(self.settled)} calls settled instead of {len(expected)}: {told}"]
        found = []
        costs = sorted(
            float(span.attributes["gen_ai.usage.cost"])  # type: ignore[arg-type,index]
            for span in self.spans.priced
            if "gen_ai.usage.cost" in (span.attributes or {})
        )
        wanted = sorted(float(one.cost) for one in expected if one.cost is not None)
        if costs != wanted or len(self.spans.priced) != len(expected):
            found.append(f"spans cost {costs} ({len(self.spans.priced)} of them) instead of {wanted}")
        for (call, priced), one in zip(self.settled, expected, strict=True):
            found.extend(_call_problems(call, priced, one, self._native_error()))
        return found

    def _native_error(self) -> str:
        """What the SDK's own span calls the error, where it made one."""
        said = {str((span.attributes or {}).get(semconv.ERROR_TYPE, "")) for span in self.spans.of_others()}
        return "".join(said)


def _call_problems(call: Call, priced: Priced, expected: Expect, native_error: str) -> list[str]:
    cost = None if priced.amount is None else as_decimal(priced.amount)
    reasons = "; ".join(priced.reasons)
    pairs = [
        ("cost", cost, expected.cost),
        ("status", priced.status, expected.status),
        ("error", call.error_type, (expected.error and native_error) or expected.error),
        ("attempts", call.attempts, expected.attempts),
    ]
    if expected.provider:
        pairs.append(("provider", call.provider, expected.provider))
    found = [f"{name} {got} instead of {wanted} ({reasons})" for name, got, wanted in pairs if got != wanted]
    if expected.reason not in reasons:
        found.append(f"reasons {reasons!r} do not say {expected.reason!r}")
    if not 0 < call.start_ns <= call.end_ns <= time.time_ns():
        found.append(f"runs from {call.start_ns} to {call.end_ns}")
    return found


def _native_problems(before: list[Any], after: list[Any]) -> list[str]:
    """The SDK's own spans say at least what they said without us."""
    if [entry[:2] for entry in before] != [entry[:2] for entry in after]:
        return [f"the SDK's own spans were {before} and are {after}"]
    found = []
    for (name, _, said), (_, _, says) in zip(before, after, strict=True):
        for key, value in said.items():
            if key != _MEASURED and canonical(says.get(key)) != canonical(value):
                found.append(f"{name}: {key} was {value!r} and is {says.get(key)!r}")
    return found


def _headers(headers: Any) -> dict[str, str]:
    return {
        name: "" if name in _NEVER_THE_SAME else canonical(text)
        for name, text in headers.items()
        if not name.startswith("x-amz")
    }


def _difference(before: Any, after: Any) -> str:
    """The innermost place where two runs differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        return ", ".join(f"{key}: {_difference(before.get(key), after.get(key))}" for key in keys)
    if not (isinstance(before, list) and isinstance(after, list)):
        return f"{after!r} instead of {before!r}"
    for old, new in zip(before, after, strict=False):
        if old != new:
            return _difference(old, new)
    return f"{len(after)} instead of {len(before)}: {after[len(before) :] or before[len(after) :]}"


def _drive(coroutine: Any) -> None:
    """Run a way with sync clients: nothing in it waits, so no event loop is there."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("a way with sync clients waited for something")


__all__ = ["ABSENT", "FAILED", "OK", "SYNC", "Cell", "Judge"]
