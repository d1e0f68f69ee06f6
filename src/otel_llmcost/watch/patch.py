"""Swapping functions on classes that the user's program imports, and swapping them back.

The SDKs are never imported here: a hook fires when the program imports them (or at once where it already has).
"""

from __future__ import annotations

import importlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import wrapt

_DEEPEST = 20
_log = logging.getLogger("otel_llmcost")

Wrap = Callable[[Any], Any]
"""Takes the original function, gives the one to put in its place."""


class Patch:
    """One set of swapped functions; `undo` puts the originals back where nobody else wrapped ours since."""

    def __init__(self) -> None:
        self._swapped: list[tuple[type, str, Any, Any]] = []
        self._captured: list[tuple[Any, Any, Any]] = []
        self._awaited: list[str] = []

    def swap(self, owner: type, name: str, wrap: Wrap) -> bool:
        """Wrap `owner.name`; False where the class itself does not define it or it is ours already."""
        original = owner.__dict__.get(name)
        if original is None or getattr(original, "_llmcost_original", None) is not None:
            return False
        replacement = wrap(original)
        _look_alike(replacement, original)
        setattr(owner, name, replacement)
        self._swapped.append((owner, name, original, replacement))
        return True

    def swap_captured(self, owner: type, name: str, ours: Any, wrap: Wrap) -> None:
        """Reach the original that somebody put away in a wrapper on the subclass `owner` before we wrapped its base.

        OpenInference and Logfire wrap `request` of the client classes: their wrapper would call past us.
        """
        outermost = owner.__dict__.get(name)
        layers = list(_layers(outermost))
        if len(layers) < 2 or layers[-1] is not ours._llmcost_original or ours in layers:
            return
        proxies = [layer for layer in layers if isinstance(layer, wrapt.FunctionWrapper)]
        if not proxies:
            self.swap(owner, name, wrap)
            return
        # what wrapt's proxies wrap can be exchanged: theirs stays outside, ours inside, as in the other order
        innermost = proxies[-1]
        inside = innermost.__wrapped__
        replacement = ours if inside is layers[-1] else wrap(inside)
        if replacement is not ours:
            _look_alike(replacement, inside)
        innermost.__wrapped__ = replacement
        self._captured.append((innermost, inside, replacement))

    def when_imported(self, module: str, fn: Callable[[ModuleType], Any]) -> None:
        """Run `fn(module)` when the module is imported, unless this patch was undone by then."""
        self._awaited.append(module)
        hooks.when_imported(module, fn)

    @property
    def swapped(self) -> bool:
        """Whether anything is wrapped."""
        return bool(self._swapped)

    def undo(self) -> None:
        """Put the originals back; where somebody wrapped our function since, ours stays inside and stays inert."""
        while self._awaited:
            hooks.forget(self._awaited.pop())
        while self._swapped:
            owner, name, original, replacement = self._swapped.pop()
            if owner.__dict__.get(name) is replacement:
                setattr(owner, name, original)
        while self._captured:
            proxy, inside, replacement = self._captured.pop()
            if proxy.__wrapped__ is replacement:
                proxy.__wrapped__ = inside


def _layers(function: Any) -> Iterator[Any]:
    """A function and what it wraps, inwards, as far as wrappers say."""
    for _ in range(_DEEPEST):
        if function is None:
            return
        yield function
        function = getattr(function, "__wrapped__", None)


def _look_alike(replacement: Any, original: Any) -> None:
    for attribute in (
        "__module__",
        "__name__",
        "__qualname__",
        "__doc__",
        "__annotations__",
        "__kwdefaults__",
    ):
        value = getattr(original, attribute, None)
        if value is not None or attribute == "__doc__":
            setattr(replacement, attribute, value)
    # inspect.signature follows __wrapped__, so the user sees the SDK's own signature
    replacement.__wrapped__ = original
    replacement._llmcost_original = original


class ImportHooks:
    """Runs a function when a module is imported, once for each module in a process.

    wrapt keeps its hooks for ever, so they are registered once and ask here whether anybody still cares.
    """

    def __init__(self) -> None:
        self._wanted: dict[str, Callable[[ModuleType], None]] = {}
        self._registered: set[str] = set()
        self._lock = threading.Lock()

    def when_imported(self, module: str, fn: Callable[[ModuleType], None]) -> None:
        """Run `fn(module)` now if the module is there, else when it is imported; not again where it is imported anew."""
        with self._lock:
            self._wanted[module] = fn
            known = module in self._registered
            self._registered.add(module)
        if not known:
            # fires at once where the module is imported already
            wrapt.register_post_import_hook(self._fire, module)
        elif module in sys.modules:
            fn(importlib.import_module(module))

    def forget(self, module: str) -> None:
        """Do nothing any more when the module is imported."""
        with self._lock:
            self._wanted.pop(module, None)

    def _fire(self, module: ModuleType) -> None:
        wanted = self._wanted.get(module.__name__)
        if wanted is not None:
            wanted(module)


hooks = ImportHooks()
"""The process has one import system; this is our one hold on it."""
