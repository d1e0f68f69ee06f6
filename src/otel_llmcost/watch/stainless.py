"""The seam that the SDKs made with Stainless share (openai, anthropic): three functions of `<sdk>._base_client`.

A `request` of the sync and the async client starts and ends the call. B `_process_response` sees each
response. C `_process_response_data` sees the JSON of a reply and of every streamed event, whoever iterates.
Everything that the SDK sends goes through A: helpers, `with_options`, tool runners, clients made before.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .engine import Engine
from .events import WatchedData, look_at
from .guard import guarded, guarded_async
from .in_context import nobodys
from .injection import with_usage
from .observation import Observation, current
from .patch import Patch

if TYPE_CHECKING:
    from .declaration import Sdk, Socket

RAW_HEADER = "X-Stainless-Raw-Response"
_NOTHING = nullcontext()


def watch(sdk: Sdk, engine: Engine, module: ModuleType) -> Patch:
    """Wrap the seam of an imported SDK; a function that is not there is left alone."""
    patch = Patch()
    for owner_name, name, wrap in (
        ("SyncAPIClient", "request", _wrap_request),
        ("AsyncAPIClient", "request", _wrap_request_async),
        ("SyncAPIClient", "_process_response", _wrap_response),
        ("AsyncAPIClient", "_process_response", _wrap_response),
        ("BaseClient", "_process_response_data", _wrap_data),
        ("SyncAPIClient", "_retry_request", _wrap_retry),
        ("AsyncAPIClient", "_retry_request", _wrap_retry),
        ("SyncAPIClient", "_sleep_for_retry", _wrap_sleep),
        ("AsyncAPIClient", "_sleep_for_retry", _wrap_sleep),
    ):
        owner = getattr(module, owner_name, None)
        if isinstance(owner, type):
            bound = partial(wrap, sdk=sdk, engine=engine)
            if patch.swap(owner, name, bound) and name == "request":
                for client in _subclasses(owner):
                    patch.swap_captured(client, name, owner.__dict__[name], bound)
    if patch.swapped:
        for socket in sdk.sockets:
            for name in socket.modules:
                patch.when_imported(name, partial(_socket_imported, sdk, engine, socket, patch))
    return patch


def _socket_imported(sdk: Sdk, engine: Engine, socket: Socket, patch: Patch, module: ModuleType) -> None:
    guarded(_watch_socket, sdk, engine, socket, patch, module)


def _watch_socket(sdk: Sdk, engine: Engine, socket: Socket, patch: Patch, module: ModuleType) -> None:
    from .sockets import Sockets

    Sockets(sdk, engine).watch(socket, patch, module)


def _subclasses(owner: type) -> Iterator[type]:
    kind: type
    for kind in owner.__subclasses__():
        yield kind
        yield from _subclasses(kind)


def _wrap_request(original: Callable[..., Any], sdk: Sdk, engine: Engine) -> Callable[..., Any]:
    def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        observation = guarded(engine.begin, sdk, self, options, kwargs)
        if observation is None:
            with nobodys() if current.get() is not None else _NOTHING:
                return original(self, cast_to, options, *args, **kwargs)
        try:
            guarded(engine.begin_call, observation, self, options)
            if engine.desk.gate is not None:
                _admitted(engine, observation)
            options = guarded(_departing, engine, observation, self, options) or options
            observation.departed = True
            result = original(self, cast_to, options, *args, **kwargs)
            if not guarded(observation.returned, result):
                guarded(observation.finish)
        except BaseException as error:
            if not guarded(observation.failed, error):
                guarded(observation.finish)
            raise
        finally:
            if current.get() is observation:
                guarded(observation.abandon)
        return result

    return request


def _wrap_request_async(
    original: Callable[..., Any], sdk: Sdk, engine: Engine
) -> Callable[..., Awaitable[Any]]:
    async def request(self: Any, cast_to: Any, options: Any, *args: Any, **kwargs: Any) -> Any:
        observation = guarded(engine.begin, sdk, self, options, kwargs)
        if observation is None:
            with nobodys() if current.get() is not None else _NOTHING:
                return await original(self, cast_to, options, *args, **kwargs)
        try:
            guarded(engine.begin_call, observation, self, options)
            if engine.desk.gate is not None:
                await _admitted_async(engine, observation)
            options = guarded(_departing, engine, observation, self, options) or options
            observation.departed = True
            result = await original(self, cast_to, options, *args, **kwargs)
            if not guarded(observation.returned, result):
                guarded(observation.finish)
        except BaseException as error:
            if not guarded(observation.failed, error):
                guarded(observation.finish)
            raise
        finally:
            if current.get() is observation:
                guarded(observation.abandon)
        return result

    return request


def _departing(engine: Engine, observation: Observation, client: Any, options: Any) -> Any:
    if engine.include_usage and not _is_raw(client, options):  # who reads the bytes would see the extra chunk
        asked = (observation.body, observation.route.api, observation.client.provider)
        asking = guarded(with_usage, options, *asked) or options
        observation.hides_usage, options = asking is not options, asking
    observation.enter()
    return options


def _admitted(engine: Engine, observation: Observation) -> None:
    try:
        guarded(engine.admit, observation)
    except BaseException as refusal:
        guarded(observation.refused, refusal)
        raise


async def _admitted_async(engine: Engine, observation: Observation) -> None:
    try:
        await guarded_async(engine.admit_async, observation)
    except BaseException as refusal:
        guarded(observation.refused, refusal)
        raise


def _wrap_response(original: Callable[..., Any], sdk: Sdk, engine: Engine) -> Callable[..., Any]:
    def look(client: Any, kwargs: dict[str, Any]) -> bool:
        observation = current.get()
        if observation is not None and observation.sdk is sdk:
            observation.overlooked = not guarded(_responded, observation, client, kwargs)
        return True

    return _after(look, original)


def _responded(observation: Observation, client: Any, kwargs: dict[str, Any]) -> bool:
    raw, retries = _is_raw(client, kwargs["options"]), kwargs.get("retries_taken")
    observation.responded(kwargs["response"], bool(kwargs.get("stream")), raw, int(retries or 0))
    return True


def _is_raw(client: Any, options: Any) -> bool:
    """Whether the program reads the body itself: what the SDK asks of the request's headers, without searching them."""
    headers, own = options.headers, getattr(client, "_custom_headers", None)
    return bool((headers and headers.get(RAW_HEADER)) or (own and own.get(RAW_HEADER)))


def _wrap_retry(original: Callable[..., Any], sdk: Sdk, engine: Engine) -> Callable[..., Any]:
    # of older SDKs: newer ones number their attempts in a header of the request
    def count(client: Any, kwargs: dict[str, Any]) -> bool:
        observation = current.get()
        if observation is not None and observation.sdk is sdk:
            observation.attempts += 1
            guarded(observation.retried, None)
        return True

    return _after(count, original)


def _wrap_sleep(original: Callable[..., Any], sdk: Sdk, engine: Engine) -> Callable[..., Any]:
    def note(client: Any, kwargs: dict[str, Any]) -> bool:
        observation = current.get()
        if observation is not None and observation.sdk is sdk:
            guarded(observation.retried, kwargs.get("response"))
        return True

    return _after(note, original)


def _after(look: Callable[[Any, dict[str, Any]], bool], original: Callable[..., Any]) -> Callable[..., Any]:
    """`original` after a look at what it gets; of the same kind, by which tests choose what stands in for it."""

    def function(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not guarded(look, self, kwargs):
            guarded(_overlook)
        return original(self, *args, **kwargs)

    async def coroutine_function(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not guarded(look, self, kwargs):
            guarded(_overlook)
        return await original(self, *args, **kwargs)

    return coroutine_function if inspect.iscoroutinefunction(original) else function


def _overlook() -> None:
    observation = current.get()
    if observation is not None:
        observation.overlooked = True


def _wrap_data(original: Callable[..., Any], sdk: Sdk, engine: Engine) -> Any:
    plain = list(inspect.signature(original).parameters) == ["self", "data", "cast_to", "response"]
    return WatchedData(original, sdk.frame) if plain else _any_data(original)


def _any_data(original: Callable[..., Any]) -> Callable[..., Any]:
    def _process_response_data(self: Any, *args: Any, **kwargs: Any) -> Any:
        guarded(look_at, kwargs.get("data"), kwargs.get("response"))
        return original(self, *args, **kwargs)

    return _process_response_data
