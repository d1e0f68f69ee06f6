"""Waits for a program as if it had been started directly: signals go to it, its end becomes ours."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

_FORWARDED = frozenset(
    {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}
)
_WAITED = _FORWARDED | {signal.SIGCHLD}
# Python ignores these for itself; a program that we start expects the system's default.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
_SUSPENDING = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
_MOMENT_S = 0.02
_OF_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})


def run_program(path: str, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Starts a program and waits for its end; raises OSError where it cannot be started.

    Standard streams, working directory, process group and terminal are its own. Signals that this process
    gets are passed on. Returns the wait status (`os.WIFSIGNALED` and so on).
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    noticed = signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        child = os.posix_spawn(path, list(arguments), environ, setsigmask=before, setsigdef=_RESTORED)
        return _wait(child)
    finally:
        signal.signal(signal.SIGCHLD, noticed)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_like(status: int) -> NoReturn:
    """Ends this process as the program ended: with its exit code, or by its signal (a shell's 128 + n)."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by whoever started us
            with suppress(OSError):  # a pipe whose reader has left
                stream.flush()
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    number = os.WTERMSIG(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one core file, the program's, is enough
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    sys.exit(128 + number)  # the first process of a container survives its own signals


def _wait(child: int) -> int:
    while True:
        number, from_terminal = _next_signal()
        if number != signal.SIGCHLD:
            if not from_terminal:
                os.kill(child, number)
            continue
        # One SIGCHLD may stand for several changes, or for one that is over by now.
        ended, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if not ended:
            continue
        if not os.WIFSTOPPED(status):
            return status
        if os.WSTOPSIG(status) in _SUSPENDING and not _goes_on(child):  # a shell waits for us to stop as well
            os.kill(os.getpid(), signal.SIGSTOP)


def _goes_on(child: int) -> bool:
    """Whether a stopped child was continued since: a shell's `fg` may wake us a moment before it wakes the child."""
    time.sleep(_MOMENT_S)
    return os.waitid(os.P_PID, child, os.WCONTINUED | os.WNOHANG) is not None


def _next_signal() -> tuple[int, bool]:
    """(number, whether the terminal sent it: then it went to the whole group, the program included)."""
    if not hasattr(signal, "sigwaitinfo"):  # macOS
        number = signal.sigwait(_WAITED)
        return number, number in _OF_TERMINAL and _in_foreground()
    told = signal.sigwaitinfo(_WAITED)
    return told.si_signo, told.si_signo in _OF_TERMINAL and told.si_code > 0


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except OSError:
        return False
