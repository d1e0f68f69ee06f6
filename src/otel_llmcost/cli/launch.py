"""How a program is started under instrumentation: its environment, and what its interpreter lacks."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..config import PROJECT_VARIABLE, find_file

SITE_FOLDER = Path(__file__).with_name("instrumented_site")
RUN_ID_VARIABLE = "OTEL_LLMCOST_RUN_ID"
_PATHS = ("OTEL_LLMCOST_CONFIG", "OTEL_LLMCOST_LEDGER", "OTEL_LLMCOST_PRICES_DIR")
_PRICES = "OTEL_LLMCOST_PRICES"
"""Several paths, with commas between them."""
_NO_PATH = ("off", "none")
_SIGNALS = ("TRACES", "METRICS", "LOGS")
_PYTHON_NAME = re.compile(r"(python|pypy)[\d.]*$")
_OPTIONS_WITH_VALUE = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_PROBE = (
    "import importlib.util as u, sys;"
    "sys.exit(not all(map(u.find_spec, ('otel_llmcost', 'opentelemetry.instrumentation'))))"
)
_PROBE_TIMEOUT_S = 20


def instrumented_environment(environ: Mapping[str, str], run_id: str) -> dict[str, str]:
    """The environment for a program: instrumented at its start, exporting only what the user configured.

    Signals (traces, metrics, logs) for which neither an exporter nor an endpoint is named get the exporter
    `none`: without a collector the SDK's default would try localhost:4317 again and again.
    """
    changed = dict(environ)
    inherited = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    changed["PYTHONPATH"] = os.pathsep.join([str(SITE_FOLDER), *inherited])
    changed[RUN_ID_VARIABLE] = run_id
    if environ.get("OTEL_CONFIG_FILE"):
        return changed
    for signal in _SIGNALS:
        if not configured_exporter(environ, signal):
            changed[f"OTEL_{signal}_EXPORTER"] = "none"
    return changed


def environment_for_any_directory(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with settings that mean the same wherever the program goes: `sh -c "cd ..."`, `make -C`.

    Paths are made absolute, and the settings file that lies in this working directory is named. Not by
    OTEL_LLMCOST_CONFIG: a file that the user did not name stays one that is not trusted.
    """
    changed = dict(environ)
    for variable in _PATHS:
        if environ.get(variable) and environ[variable].strip().lower() not in _NO_PATH:
            changed[variable] = _absolute(environ[variable])
    if environ.get(_PRICES) and environ[_PRICES].strip().lower() not in _NO_PATH:
        changed[_PRICES] = ",".join(map(_absolute, environ[_PRICES].split(",")))
    path, trusted = find_file(environ)
    if path is not None and not trusted:
        changed[PROJECT_VARIABLE] = str(path)
    return changed


def _absolute(text: str) -> str:
    if not text.strip():
        return text
    try:
        return str(Path(text.strip()).expanduser().absolute())
    except (OSError, RuntimeError):  # the working directory, or the home, is gone
        return text


def configured_exporter(environ: Mapping[str, str], signal: str) -> str:
    """What the user says about the export of TRACES, METRICS or LOGS: exporters, else "otlp", else ""."""
    if environ.get(f"OTEL_{signal}_EXPORTER"):
        return environ[f"OTEL_{signal}_EXPORTER"]
    general, own = "OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"
    return "otlp" if environ.get(general) or environ.get(own) else ""


def interpreter_command(program: Path, arguments: Sequence[str] = ()) -> list[str]:
    """The Python interpreter that a program starts in, and its options; [] where it cannot be told.

    `program` is an interpreter itself, or a script whose first line names one.
    """
    if _PYTHON_NAME.match(program.name):
        return [str(program), *_interpreter_options(arguments)]
    try:
        with program.open("rb") as file:
            head = file.read(1024).decode("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    if not head or not head[0].startswith("#!"):
        return []
    return _shebang_command(head)


def ignores_environment(interpreter: Sequence[str]) -> bool:
    """Whether options (-I, -E, -S) keep the interpreter from loading the instrumentation."""
    return any(re.match(r"-[a-zA-Z]*[IES]", option) for option in interpreter[1:])


def lacks_package(interpreter: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether an interpreter, asked with the program's own environment, does not find this package."""
    if interpreter[0] == sys.executable:
        return False
    try:
        asked = subprocess.run(
            [interpreter[0], "-c", _PROBE],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    return asked.returncode != 0


def _interpreter_options(arguments: Sequence[str]) -> list[str]:
    """The options before the script, -m or -c."""
    options: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
            continue
        program_follows = re.match(r"(-[a-zA-Z]*?)[mc]", argument)  # -m, -c, also -Im
        if program_follows is not None and program_follows[1] != "-":
            options.append(program_follows[1])
        if program_follows is not None or not argument.startswith("-") or argument in ("-", "--"):
            break
        skip = argument in _OPTIONS_WITH_VALUE
        if not skip:
            options.append(argument)
    return options


def _shebang_command(head: Sequence[str]) -> list[str]:
    words = head[0][2:].split()
    if words and words[0].endswith("/env"):
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    elif words and words[0] == "/bin/sh" and len(head) > 1 and head[1].startswith("'''exec'"):
        # How installers write scripts whose interpreter has too long a path for a first line.
        words = shlex.split(head[1].partition("exec'")[2])[:1]
    if not words or not _PYTHON_NAME.match(Path(words[0]).name):
        return []
    found = shutil.which(words[0])
    return [found, *words[1:]] if found else []
