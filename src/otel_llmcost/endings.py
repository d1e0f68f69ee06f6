"""How a process ends, and how it begins as a forked child: nothing is lost, nothing is reported twice.

Programs end through `atexit`; children of multiprocessing and Celery's workers end by `os._exit`, past it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .telemetry import flush_providers, forget_instruments
from .watch.guard import guarded
from .watch.patch import hooks

if TYPE_CHECKING:
    from typing import Protocol

    from .config import Config
    from .gauges import Gauges
    from .ledger import Recorder
    from .metrics import Counters
    from .processor import CostSpanProcessor
    from .settle import Settler
    from .upkeep import Upkeep
    from .watch.engine import Engine

    class Parts(Protocol):
        """What a process consists of; the gate may be replaced while it runs."""

        config: Config
        engine: Engine
        settler: Settler
        processor: CostSpanProcessor
        recorder: Recorder | None
        counters: Counters
        gauges: Gauges
        upkeep: Upkeep
        gate: Any


class Endings:
    """The exit and fork handlers of a process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def arm(self) -> None:
        """Register the handlers; once for a process."""
        atexit.register(self.at_exit)
        os.register_at_fork(after_in_child=self.forked)
        hooks.when_imported("multiprocessing.util", self._follow_multiprocessing)
        hooks.when_imported("celery.signals", self._follow_celery)

    def end_first(self) -> None:
        """A provider was made: ours runs before its exit handler, so that what open streams cost reaches the exporter."""
        atexit.unregister(self.at_exit)
        atexit.register(self.at_exit)

    def at_exit(self) -> None:
        """The program ends: settle what is open; what the ledger's journal holds goes into its database, in bounds."""
        guarded(self._parts.engine.finish_all)
        self._close(time.monotonic() + self._parts.config.exit_timeout_s)
        if _died_of_interrupt():
            _die_of_interrupt()

    def _close(self, deadline: float) -> None:
        """The ledger and the budgets' counters, all in all until `deadline` (seconds of the monotonic clock)."""
        parts = self._parts
        if parts.recorder is not None:
            guarded(self._keep_seen, parts.recorder.directory)
            guarded(parts.recorder.close, max(deadline - time.monotonic(), 0.0))
        if parts.gate is not None:
            guarded(parts.gate.flush, max(deadline - time.monotonic(), 0.0))

    def _keep_seen(self, directory: Path) -> None:
        if self._parts.processor.seen:
            from .ledger.scopes import keep_seen

            keep_seen(directory, self._parts.processor.seen)

    def forked(self) -> None:
        """This is a child: what the parent counted and has in flight is the parent's."""
        parts = self._parts
        guarded(parts.settler.forked)
        guarded(parts.upkeep.refresh)
        guarded(parts.engine.forget_all)
        guarded(parts.gauges.forked)
        guarded(forget_instruments, [*parts.counters.instruments, *parts.gauges.instruments])
        if parts.gate is not None:
            guarded(parts.gate.forked)

    def _follow_multiprocessing(self, util: ModuleType) -> None:
        # its children end by os._exit, past atexit; and they drop finalizers that were registered before they began
        util.register_after_fork(self, Endings._finalize_at_exit)
        around = sys.modules.get("multiprocessing.process")
        if around is not None and around.parent_process() is not None:  # we begin in such a child
            self._finalize_at_exit()

    def _finalize_at_exit(self) -> None:
        from multiprocessing.util import Finalize

        Finalize(None, self.child_exit, exitpriority=100)

    def _follow_celery(self, signals: ModuleType) -> None:
        # its workers end by os._exit, too, and do not even run multiprocessing's finalizers
        signals.worker_process_shutdown.connect(self.child_exit, weak=False, dispatch_uid="otel-llmcost")

    def child_exit(self, **told: object) -> None:
        """A child of multiprocessing or a Celery worker ends: send what it has, within the bound."""
        bound_s = self._parts.config.exit_timeout_s
        guarded(self._parts.engine.finish_all)
        began = time.monotonic()
        guarded(flush_providers, bound_s)
        # a collector that is away takes all of it: what is kept here gets a tenth in any case
        self._close(max(began + bound_s, time.monotonic() + bound_s / 10))


def _died_of_interrupt() -> bool:
    """Whether the program, and no prompt's line or callback before its end, ended by an uncaught KeyboardInterrupt."""
    raised = getattr(sys, "last_value", None)
    if not isinstance(raised, KeyboardInterrupt) or sys.flags.interactive or hasattr(sys, "ps1"):
        return False
    outermost = raised.__traceback__
    return outermost is not None and outermost.tb_frame.f_code.co_name in _MAIN


def _die_of_interrupt() -> None:
    """Have the interpreter end by SIGINT, as it would without us.

    It forgets that it has to as soon as source text is executed, which importing any dataclass or NamedTuple does
    (`unhandled_keyboard_interrupt` in CPython's Python/pythonrun.c, 3.8 to 3.14), and would exit with 1.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt")


_MAIN = ("<module>", "_run_module_as_main")
"""The outermost frames of a program: its file or `-c`, and `-m`."""
