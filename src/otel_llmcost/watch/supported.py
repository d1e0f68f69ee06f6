"""The supported SDKs: which module's import arms the hooks, and where each SDK is declared.

A new SDK is a row here, a module with its `Sdk`, and a test file that runs the shared conformance suite. The
declaration, its patterns and its usage readers are loaded when the program imports the SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .declaration import Sdk


class Supported:
    """One SDK, before the program imports it."""

    __slots__ = ("module", "name", "requires")

    def __init__(self, name: str, module: str, requires: str) -> None:
        self.name = name
        self.module = module
        """The module whose import arms the hooks."""
        self.requires = requires
        """The distribution and the versions that are supported, for the instrumentor's metadata."""

    def declaration(self) -> Sdk:
        """Everything that is said about it, from `watch/<name>.py`."""
        sdk: Sdk = import_module(f".{self.name}", __package__).SDK
        return sdk


SDKS: Mapping[str, Supported] = {
    sdk.name: sdk
    for sdk in (
        Supported("openai", "openai._base_client", "openai >= 1.40, < 4"),
        Supported("anthropic", "anthropic._base_client", "anthropic >= 0.40, < 3"),
    )
}
