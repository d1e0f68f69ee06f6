"""The only assembler: joins the rooms, by the settings of the process.

`instrument()` makes one `Runtime` and arms the hooks; `uninstrument()` takes them off again. Counters and the
ledger outlive that: a second observable counter of one name would silently lose its callback.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from . import attribution, semconv, services
from .arguments import wrong
from .assembly import (
    attribution_settings,
    carry_baggage,
    ledger_settings,
    open_gate,
    open_use_cases,
    read_past,
    tell,
)
from .config import Config
from .endings import Endings
from .gauges import Gauges
from .ledger import Recorder, open_recorder
from .ledger.claims import Claims
from .metrics import Counters
from .process import process
from .processor import CostSpanProcessor
from .settle import Settler
from .telemetry import configure_sdk, prepend, sdk_provider
from .upkeep import Upkeep
from .version import __version__
from .watch.engine import Engine
from .watch.guard import guarded
from .watch.patch import Patch, hooks
from .watch.supported import SDKS, Supported

if TYPE_CHECKING:
    from .budgets import Gate
    from .prices import Book
    from .services import Services
    from .sessions.log import SessionLog

_log = logging.getLogger("otel_llmcost")


class Runtime:
    """Everything that is assembled for this process."""

    def __init__(self, config: Config) -> None:
        self.config = config
        tell(config.problems)
        attribution.configure(attribution_settings(config))
        self._services: Services | None = None
        self.counters = Counters(config.metric_tags, config.histograms, config.new_metric_names)
        self.recorder: Recorder | None = open_recorder(ledger_settings(config)) if config.enabled else None
        self.gate: Gate | None = None
        self.upkeep = Upkeep(config, self.use_book)
        self.settler = Settler(
            self.upkeep, self.counters, self.recorder, None, config.dialects, config.capture_content
        )
        tracer = trace.get_tracer(semconv.SCOPE, __version__, schema_url=semconv.SCHEMA_URL)
        self.settler.tracer = tracer
        if self.recorder is not None:
            self.settler.claim = Claims(self.recorder.directory)
        self.engine = Engine(
            self.settler,
            tracer,
            hosts=dict(config.hosts),
            capture_content=config.capture_content,
            include_usage=config.include_usage,
        )
        self.processor = CostSpanProcessor(self.settler, self.engine)
        self._patches: dict[str, Patch] = {}
        self.gauges = Gauges(self)
        self._endings = Endings(self)
        self.asked: set[str] = set()
        """The SDKs that `instrument()` named: a test's `capture()` leaves them watched."""
        self._armed = False
        self._begun = threading.Lock()  # taken once, waited for by nobody: a forked child may inherit it
        self._provider_patch = Patch()
        self._session_log: SessionLog | None = None
        if config.enabled:
            self.gate = self.settler.gate = open_gate(config, self.upkeep.opened)

    @property
    def book(self) -> Book:
        """The prices in force."""
        return self.upkeep.opened()

    def services(self) -> Services:
        """What trackers, sessions and clients use of us."""
        self._services = services.Services(
            book=self.book,
            settler=self.settler,
            keep_session=self._keep_session,
            begin=self.begin,
            retention_days=self.config.ledger_retention_days if self.recorder is not None else 0,
            use_cases=open_use_cases(self.config),
            environ=os.environ,
        )
        return self._services

    def use_book(self, book: Book) -> None:
        """Price by another book from now on, wherever calls are priced; what was priced keeps its price."""
        self.upkeep.book = self.settler.book = book
        if self.gate is not None:
            self.gate.use_book(book)
        if self._services is not None:
            self._services.book = book

    def _keep_session(self, record: Any) -> None:
        if self.recorder is None or self.settler.keep_out_of_ledger:
            return
        if self._session_log is None:
            from .sessions.log import SessionLog

            self._session_log = SessionLog(self.recorder.directory)
        self._session_log.keep(record)

    # -- hooks

    def watch(self, names: Iterable[str]) -> None:
        """Watch these SDKs as a whole, now or when the program imports them."""
        self.arm()
        for name in names:
            sdk = SDKS[name]
            self.engine.active.add(name)
            hooks.when_imported(sdk.module, partial(self._patch, sdk))

    def watch_client(self, client: Any) -> None:
        """Watch one client alone. Raises `UsageError` for what is no client of a supported SDK."""
        sdk = next((sdk for sdk in SDKS.values() if _is_client(client, sdk)), None)
        if sdk is None:
            allowed = f"an instance of a client class of {' or '.join(SDKS)}, such as openai.OpenAI()"
            raise wrong("client", client, allowed)
        self.arm()
        self.engine.only.add(client)
        hooks.when_imported(sdk.module, partial(self._patch, sdk))

    def unwatch(self, names: Iterable[str] | None = None) -> None:
        """Take the hooks off again, of some SDKs or all."""
        self.engine.unwatched += 1
        for name in list(SDKS if names is None else names):
            self.asked.discard(name)
            self.engine.active.discard(name)
            hooks.forget(SDKS[name].module)
            patch = self._patches.pop(name, None)
            if patch is not None:
                patch.undo()
        if names is None:
            self.engine.only.clear()
            self.processor.active = False
            self._provider_patch.undo()

    def unwatch_unasked(self, *, whole: bool) -> None:
        """Stop watching what `instrument()` was not asked for; `whole`: nothing was in place before it."""
        names = self.engine.active - self.asked
        if any(self.engine.only):  # their hooks are those of clients that are watched alone
            self.engine.active -= names
        elif names:
            self.unwatch(None if whole and not self.asked else names)

    def _patch(self, sdk: Supported, module: ModuleType) -> None:
        patch = guarded(self._watched, sdk, module)
        if patch is not None and patch.swapped:
            self._patches[sdk.name] = patch
            # here, where the program waits for its import, and not in its first call
            guarded(self.upkeep.warm, sdk.name)
        elif sdk.name not in self._patches:
            why = "is installed, but nothing in it could be watched"
            _log.warning("otel-llmcost: %s %s (%s wanted)", sdk.name, why, sdk.requires)

    def _watched(self, sdk: Supported, module: ModuleType) -> Patch:
        from .watch import stainless  # with the first SDK

        return stainless.watch(sdk.declaration(), self.engine, module)

    def arm(self) -> None:
        """See every provider that is made, and begin; what others' spans cost is said from now on."""
        self.processor.active = True
        self._provider_patch.swap(
            TracerProvider, "__init__", partial(self._wrap_provider, self._provider_made)
        )
        self._provider_patch.swap(MeterProvider, "__init__", partial(self._wrap_provider, self._meters_made))
        provider = sdk_provider(trace.get_tracer_provider())
        if provider is not None:
            guarded(prepend, provider, self.processor)
        if self._armed:
            return
        self._armed = True
        # where nobody has made a pipeline by the first call, the one that the environment asks for
        self.engine.before_first_call = configure_sdk
        guarded(carry_baggage, self.config)
        self.begin()

    def begin(self) -> None:
        """Instruments, exit and fork handlers, what was spent before: once for a process, watched or not."""
        if not self.config.enabled or not self._begun.acquire(blocking=False):
            return
        meter = metrics.get_meter(semconv.SCOPE, __version__, schema_url=semconv.SCHEMA_URL)
        guarded(self.counters.register, meter)
        guarded(self.gauges.register, meter)
        self._endings.arm()
        guarded(self.upkeep.start)
        if self.gate is not None:
            guarded(read_past, self.gate, self.config)

    def _wrap_provider(
        self, made: Callable[[Any], None], original: Callable[..., None]
    ) -> Callable[..., None]:
        def make(provider: Any, *args: Any, **kwargs: Any) -> None:
            original(provider, *args, **kwargs)
            guarded(made, provider)

        return make

    def _provider_made(self, provider: TracerProvider) -> None:
        prepend(provider, self.processor)
        self._endings.end_first()

    def _meters_made(self, provider: MeterProvider) -> None:
        self._endings.end_first()


def _is_client(client: Any, sdk: Supported) -> bool:
    bases = [kind for kind in type(client).__mro__ if kind.__name__ == "BaseClient"]
    return any(kind.__module__.startswith(f"{sdk.name}.") for kind in bases)


def runtime() -> Runtime:
    """The runtime of this process, assembled on first use."""
    made = process.runtime
    if not isinstance(made, Runtime):
        with process.lock:
            made = process.runtime
            if not isinstance(made, Runtime):
                made = process.runtime = Runtime(process.settings())
    return made


def _start_services() -> Services:
    return runtime().services()


services.on_demand(_start_services)
