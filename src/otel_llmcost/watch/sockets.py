"""Calls over a websocket: no request and no response of HTTP, but events in a connection that the SDK keeps.

A connection manager tells whose connection it opens; `parse_event` of the connection sees every event, whoever reads.
A call ends with the event that tells its usage. Sessions of which no event tells a call's usage are one visible,
unpriced call each.
"""

from __future__ import annotations

import inspect
import json
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

from ..call import Priced
from . import outcome
from .client import ClientFacts
from .collectors import Collector
from .declaration import Route, Sdk, Socket
from .engine import Engine
from .guard import guarded
from .observation import Observation
from .patch import Patch

_ENTER = ("__enter__", "__aenter__", "enter")
_SEEN_IDS = 100
_UNHEADED: Mapping[str, str] = {}


class Message:
    """The event that ends a call, in the place of an HTTP exchange."""

    stream = unparsed = False
    headers = _UNHEADED

    def __init__(self, body: Any) -> None:
        self.collector = Collector()
        self.collector.take_body(body)

    def body(self) -> Any:
        """The whole answer."""
        return self.collector.body


class Spent(NamedTuple):
    """Budgets learn of what no admission could ask for: the event tells of money that is spent."""

    engine: Engine
    observation: Observation

    def settle(self, priced: Priced | None) -> Any:
        """Count it."""
        gate = self.engine.desk.gate
        if gate is None or priced is None:
            return ()
        call = outcome.call_of(self.observation)
        return gate.spend(call, priced, self.observation.asked_tags)

    def release(self) -> None:
        """Nothing was set aside."""


class Session:
    """One open connection: whose it is, its model, the answers that were counted."""

    def __init__(self, sdk: Sdk, engine: Engine, client: Any, model: Any) -> None:
        self.sdk, self.engine, self.client = sdk, engine, client
        self.model = model if isinstance(model, str) else ""
        self.transcribes = ""
        """The model that turns what is heard into text, beside the session's own."""
        self.began_ns = 0
        self.counted: deque[str] = deque(maxlen=_SEEN_IDS)

    def heard(self, socket: Socket, kind: str, event: Mapping[str, Any]) -> None:
        """An event of interest, as its JSON."""
        if kind in socket.begins:
            self.began_ns = time.time_ns()
        elif kind in socket.describes:
            self._described(event.get("session"))
        else:
            route = socket.ends[kind]
            body = event if route.api != "responses" else event.get("response")
            if isinstance(body, Mapping) and not guarded(self._counted_before, event):
                model = self.transcribes if route.api == "transcriptions" else self.model
                self.settle(route, model, body)

    def settle(self, route: Route, model: str, body: Mapping[str, Any]) -> None:
        """A call ended with this answer."""
        engine = self.engine
        facts = guarded(self._facts) or ClientFacts.unknown()
        asked = {"model": model} if model else {}
        observation = engine.observation(self.sdk, route, self.client, facts, asked, {})
        observation.start_ns, self.began_ns = self.began_ns or observation.start_ns, 0
        message = guarded(Message, body)
        if message is not None:
            observation.exchanges.append(message)  # type: ignore[arg-type]
        observation.reservation = Spent(engine, observation)
        guarded(engine.spans.begin, observation)
        observation.finish()

    def _facts(self) -> ClientFacts:
        url = getattr(self.client, "websocket_base_url", None)
        return self.engine.clients.facts(self.sdk, self.client, _over_http(str(url)) if url else "")

    def _described(self, session: Any) -> None:
        if not isinstance(session, Mapping):
            return
        if isinstance(session.get("model"), str):
            self.model = session["model"]
        heard = ((session.get("audio") or {}).get("input") or {}).get("transcription")
        heard = heard or session.get("input_audio_transcription")
        if isinstance(heard, Mapping) and isinstance(heard.get("model"), str):
            self.transcribes = heard["model"]

    def _counted_before(self, event: Mapping[str, Any]) -> bool:
        """A program may have an event parsed twice."""
        answer = event.get("response")
        ident = str(
            (answer.get("id") if isinstance(answer, Mapping) else None) or event.get("event_id") or ""
        )
        if ident and ident in self.counted:
            return True
        self.counted.append(ident)
        return False


def _over_http(url: str) -> str:
    return f"http{url.removeprefix('ws')}" if url.startswith("ws") else url


class Sockets:
    """The connections of one module of an SDK."""

    def __init__(self, sdk: Sdk, engine: Engine) -> None:
        self.sdk, self.engine = sdk, engine
        self._sessions: weakref.WeakKeyDictionary[Any, Session] = weakref.WeakKeyDictionary()

    def watch(self, socket: Socket, patch: Patch, module: ModuleType) -> None:
        """Wrap the connections of a module that the program imported."""
        for kind in list(vars(module).values()):
            if not isinstance(kind, type) or kind.__module__ != module.__name__:
                continue
            if "parse_event" in vars(kind):
                patch.swap(kind, "parse_event", partial(self._wrap_parse, socket))
            elif kind.__name__.endswith("ConnectionManager"):
                for name in _ENTER:
                    patch.swap(kind, name, partial(self._wrap_enter, socket))

    def _wrap_enter(self, socket: Socket, original: Callable[..., Any]) -> Callable[..., Any]:
        def enter(manager: Any) -> Any:
            connection = original(manager)
            guarded(self._opened, socket, manager, connection)
            return connection

        async def enter_async(manager: Any) -> Any:
            connection = await original(manager)
            guarded(self._opened, socket, manager, connection)
            return connection

        return enter_async if inspect.iscoroutinefunction(original) else enter

    def _opened(self, socket: Socket, manager: Any, connection: Any) -> None:
        # private names of the manager's class: nothing public tells whose connection it is
        held = {name.rpartition("__")[2]: value for name, value in vars(manager).items()}
        client = held.get("client")
        if client is None or not self.engine.watches(self.sdk, client):
            return
        session = self._sessions[connection] = Session(self.sdk, self.engine, client, held.get("model", ""))
        if socket.opens is not None:
            session.settle(socket.opens, session.model, {})

    def _wrap_parse(self, socket: Socket, original: Callable[..., Any]) -> Callable[..., Any]:
        interesting = socket.interesting

        def parse_event(connection: Any, data: Any) -> Any:
            event = original(connection, data)
            kind = event.get("type") if event.__class__ is dict else getattr(event, "type", None)
            if kind.__class__ is str and kind in interesting:
                guarded(self._heard, socket, connection, kind, data)
            return event

        return parse_event

    def _heard(self, socket: Socket, connection: Any, kind: str, data: Any) -> None:
        session = self._sessions.get(connection)
        if session is not None:
            session.heard(socket, kind, json.loads(data))
