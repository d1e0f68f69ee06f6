"""What a way works with: clients, a provider on loopback, and a witness of everything that the program saw."""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from otel_llmcost.server.demo_provider import DemoProvider

from .canonical import canonical
from .sockets import SocketServer
from .way import ASYNC

CLASSES = {"openai": ("OpenAI", "AsyncOpenAI"), "anthropic": ("Anthropic", "AsyncAnthropic")}


class Places:
    """The provider in its three roles: a host of OpenAI's, one of Anthropic's, one that no map names."""

    def __init__(self) -> None:
        self.openai, self.anthropic, self.platform = (DemoProvider().start() for _ in range(3))
        self._sockets: SocketServer | None = None
        if importlib.util.find_spec("websockets") is not None:
            self._sockets = SocketServer()

    @property
    def sockets(self) -> SocketServer:
        """OpenAI's host for websockets, where the library for them is there."""
        assert self._sockets is not None
        return self._sockets

    @property
    def hosts(self) -> str:
        """For `OTEL_LLMCOST_HOSTS`."""
        ports = {self.openai.port: "openai", self.anthropic.port: "anthropic"}
        if self._sockets is not None:
            ports[self._sockets.port] = "openai"
        return ",".join(f"127.0.0.1:{port}={provider}" for port, provider in ports.items())

    def close(self) -> None:
        if self._sockets is not None:
            self._sockets.close()
        for provider in (self.openai, self.anthropic, self.platform):
            provider.close()

    def __iter__(self) -> Any:
        return iter((self.openai, self.anthropic, self.platform))


class Switch:
    """Turns watching off and on inside a way; does nothing in the run without us."""

    def off(self) -> None: ...
    def on(self) -> None: ...
    def program_ends(self) -> None: ...


class Bench:
    """One run of one way. `mode` says whether `client` is the sync or the async one."""

    def __init__(self, sdk: str, mode: str, places: Places, switch: Switch, shared: dict[Any, Any]) -> None:
        self.sdk, self.mode, self.places, self.switch = sdk, mode, places, switch
        self.module = importlib.import_module(sdk)
        self.seen: list[Any] = []
        self.events = self.characters = 0
        """Of a stream: what the program read of it, and the generated text in that."""
        self._shared = shared

    # -- clients

    @property
    def provider(self) -> DemoProvider:
        return self.places.openai if self.sdk == "openai" else self.places.anthropic

    @property
    def base_url(self) -> str:
        return self.provider.openai_url if self.sdk == "openai" else self.provider.url

    @property
    def is_async(self) -> bool:
        return self.mode == ASYNC

    @property
    def client(self) -> Any:
        """The client of this run, without retries."""
        return self._kept(("client", self.sdk, self.mode), self.make_client)

    @property
    def early_client(self) -> Any:
        """A client of the first run, when nothing was watched yet."""
        return self._kept(("early", self.sdk, self.mode), self.make_client)

    def make_client(self, **options: Any) -> Any:
        """A new client around the shared HTTP client."""
        options = {"api_key": "sk-none", "base_url": self.base_url, "max_retries": 0, **options}
        options.setdefault("http_client", self.http_client)
        return getattr(self.module, CLASSES[self.sdk][self.is_async])(**options)

    @property
    def http_client(self) -> Any:
        return self._kept(("http", self.sdk, self.mode), self.make_http_client)

    def make_http_client(self, **options: Any) -> Any:
        """A client of httpx or httpx2, whichever this SDK uses."""
        http = http_library(self.sdk)
        return (http.AsyncClient if self.is_async else http.Client)(timeout=30.0, **options)

    def _kept(self, key: Any, make: Callable[[], Any]) -> Any:
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    # -- one body for sync and async

    async def wait(self, value: Any) -> Any:
        """The value, awaited where it has to be."""
        return await value if inspect.isawaitable(value) else value

    async def each(self, stream: Any, take: Callable[[Any], None], limit: int = 10**9) -> None:
        """Iterate as a program does, leaving with `break` after `limit` items."""
        count = 0
        if hasattr(stream, "__aiter__"):
            async for item in stream:
                take(item)
                count += 1
                if count >= limit:
                    break
        else:
            for item in stream:
                take(item)
                count += 1
                if count >= limit:
                    break

    async def within(self, manager: Any, work: Callable[[Any], Awaitable[None]]) -> None:
        """`with manager as it: work(it)`."""
        if hasattr(manager, "__aenter__"):
            async with manager as it:
                await work(it)
        else:
            with manager as it:
                await work(it)

    async def settle_down(self) -> None:
        """Let go of everything: the garbage collector, then the tasks that it started."""
        for _ in range(2):
            gc.collect()
            if self.is_async:
                for _ in range(5):
                    await asyncio.sleep(0)

    # -- the witness

    def saw(self, *values: Any) -> None:
        """The program saw these values."""
        self.seen.append([canonical(value) for value in values])

    async def fails(self, call: Callable[[], Any]) -> None:
        """Run something that raises; the exception is what the program saw."""
        try:
            result = await self.wait(call())
        except Exception as error:
            self.saw("raised", error)
        else:
            self.saw("returned", result)


def http_library(sdk: str) -> Any:
    """The HTTP library that this version of the SDK is built on."""
    module = importlib.import_module(f"{sdk}._base_client")
    kind = getattr(module, "SyncHttpxClientWrapper", None) or module._DefaultHttpxClient
    name = next(one.__module__ for one in kind.__mro__ if one.__module__.startswith("httpx"))
    return importlib.import_module(name.partition(".")[0])


def sdk_version(sdk: str) -> tuple[int, ...]:
    """The installed version, as numbers."""
    text: str = importlib.import_module(sdk).__version__
    return tuple(int(part) for part in text.split(".")[:3])


def has_path(client: Any, path: str) -> bool:
    """Whether `client.a.b.c` is there."""
    for name in filter(None, path.split(".")):
        try:
            client = getattr(client, name)
        except AttributeError:
            return False
    return True
