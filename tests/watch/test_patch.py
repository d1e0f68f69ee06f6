"""Swapping functions, also where somebody put the original away before us; undoing it; hooks on imports."""

from __future__ import annotations

import functools
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import wrapt

from otel_llmcost.watch.patch import ImportHooks, Patch

Classes = tuple[type, type]


@pytest.fixture
def classes() -> Classes:
    """As an SDK's: a base that sends, and the client that users make."""

    class Base:
        def request(self, said: list[str]) -> list[str]:
            """The SDK's own."""
            return [*said, "original"]

    class Client(Base):
        pass

    return Base, Client


def ours(original: Callable[..., Any]) -> Callable[..., Any]:
    def request(self: Any, said: list[str]) -> Any:
        return original(self, [*said, "ours"])

    return request


def theirs_by_wrapt(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped([*args[0], "theirs"], **kwargs)


def theirs_by_functools(original: Callable[..., Any], name: str = "theirs") -> Callable[..., Any]:
    @functools.wraps(original)
    def request(self: Any, said: list[str]) -> Any:
        return original(self, [*said, name])

    return request


def watched(classes: Classes) -> Patch:
    base, client = classes
    patch = Patch()
    assert patch.swap(base, "request", ours)
    patch.swap_captured(client, "request", vars(base)["request"], ours)
    return patch


def way(classes: Classes) -> list[str]:
    said: list[str] = classes[1]().request([])
    return said


def test_what_wrapt_put_away_is_reached_inside_theirs(classes: Classes) -> None:
    wrapt.wrap_function_wrapper(classes[1], "request", theirs_by_wrapt)
    assert way(classes) == ["theirs", "original"]
    patch = watched(classes)
    assert way(classes) == ["theirs", "ours", "original"]
    patch.undo()
    assert way(classes) == ["theirs", "original"]


def test_what_a_closure_put_away_is_reached_from_outside(classes: Classes) -> None:
    classes[1].request = theirs_by_functools(classes[0].request)
    patch = watched(classes)
    assert way(classes) == ["ours", "theirs", "original"]
    patch.undo()
    assert way(classes) == ["theirs", "original"]


def test_a_closure_inside_a_proxy_gets_ours_around_it(classes: Classes) -> None:
    classes[1].request = theirs_by_functools(classes[0].request, "inner")
    wrapt.wrap_function_wrapper(classes[1], "request", theirs_by_wrapt)
    patch = watched(classes)
    assert way(classes) == ["theirs", "ours", "inner", "original"]
    patch.undo()
    assert way(classes) == ["theirs", "inner", "original"]


def test_two_proxies_get_ours_once(classes: Classes) -> None:
    for _ in range(2):
        wrapt.wrap_function_wrapper(classes[1], "request", theirs_by_wrapt)
    patch = watched(classes)
    assert way(classes) == ["theirs", "theirs", "ours", "original"]
    patch.undo()
    assert way(classes) == ["theirs", "theirs", "original"]


def test_who_wraps_after_us_has_us_inside_already(classes: Classes) -> None:
    base, client = classes
    patch = Patch()
    patch.swap(base, "request", ours)
    wrapt.wrap_function_wrapper(client, "request", theirs_by_wrapt)
    patch.swap_captured(client, "request", vars(base)["request"], ours)
    assert way(classes) == ["theirs", "ours", "original"]


def test_a_client_with_a_method_of_its_own_is_left_alone(classes: Classes) -> None:
    def own(self: Any, said: list[str]) -> list[str]:
        return [*said, "own"]

    classes[1].request = own
    watched(classes)
    assert way(classes) == ["own"]
    assert vars(classes[1])["request"] is own


def test_a_client_without_any_keeps_none(classes: Classes) -> None:
    patch = watched(classes)
    assert "request" not in vars(classes[1])
    assert way(classes) == ["ours", "original"]
    patch.undo()
    assert way(classes) == ["original"]


def test_somebody_elses_exchange_of_the_inner_function_is_not_undone(classes: Classes) -> None:
    wrapt.wrap_function_wrapper(classes[1], "request", theirs_by_wrapt)
    patch = watched(classes)
    proxy = vars(classes[1])["request"]
    proxy.__wrapped__ = theirs_by_functools(proxy.__wrapped__, "later")
    patch.undo()
    assert way(classes)[:2] == ["theirs", "later"]


# -- imports


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    made = types.ModuleType("otel_llmcost_tests_imported")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def test_a_module_that_is_there_is_seen_at_once_and_again_when_asked_again(module: types.ModuleType) -> None:
    hooks, seen = ImportHooks(), []
    for _ in range(2):
        hooks.when_imported(module.__name__, seen.append)
    assert seen == [module, module]


def test_a_module_that_comes_later_is_seen_then_unless_nobody_cares_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks, seen = ImportHooks(), []
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("otel_llmcost_tests_wanted", "otel_llmcost_tests_forgotten"):
        (tmp_path / f"{name}.py").touch()
        hooks.when_imported(name, seen.append)
    hooks.forget("otel_llmcost_tests_forgotten")
    assert seen == []
    wanted, _ = (importlib.import_module(f"otel_llmcost_tests_{name}") for name in ("wanted", "forgotten"))
    assert seen == [wanted]


def test_what_a_patch_waits_for_it_forgets_when_it_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "otel_llmcost_tests_awaited.py").touch()
    patch, seen = Patch(), []
    patch.when_imported("otel_llmcost_tests_awaited", seen.append)
    patch.undo()
    importlib.import_module("otel_llmcost_tests_awaited")
    assert seen == []
