"""What `otel-llmcost doctor` finds out: one function per topic, each a list of findings.

Nothing is changed, no SDK is imported, and no host but this machine is asked for anything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

from ..assembly import ledger_settings
from ..config import Config, load_config
from ..ledger.scopes import read_seen
from ..neighbours import NEIGHBOURS, neighbour
from ..version import __version__
from ..watch.supported import SDKS
from .diagnosis_of_data import configuration, instant, ledger, prices
from .diagnosis_of_export import export
from .findings import BROKEN, NOTE, OK, Diagnosis, Finding
from .switches import DISABLED_BY, OUR_PREFIX, disabled, entry_of, is_off

_INSTRUMENTORS = "opentelemetry_instrumentor"


def diagnose(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Diagnosis:
    """Looks at the installation, the settings, the way of the cost, ledger and prices; never raises.

    `environ` and `directory` (of the settings file) default to those of this process.
    """
    told = os.environ if environ is None else environ
    config = load_config(told, directory)
    return Diagnosis(
        (
            *package(config),
            *sdks(told, enabled=config.enabled),
            *neighbours(told),
            *seen_spans(config),
            *export(told),
            *ledger(config),
            *prices(config),
            *configuration(config),
        )
    )


def package(config: Config) -> Iterable[Finding]:
    """This package, its interpreter, and whether it is switched on."""
    where = f"{__version__} in {Path(__file__).parents[1]}, Python {sys.version.split()[0]}"
    yield Finding("package", "otel-llmcost", OK, where)
    if not config.enabled:
        yield Finding(
            "package", "switch", NOTE, "switched off by OTEL_LLMCOST_DISABLED", "unset OTEL_LLMCOST_DISABLED"
        )


def sdks(environ: Mapping[str, str], *, enabled: bool) -> Iterable[Finding]:
    """The SDKs that can be watched: whether each is here, in a supported version, and switched on."""
    registered = {entry.name for entry in metadata.entry_points(group=_INSTRUMENTORS)}
    for name, sdk in SDKS.items():
        yield _sdk(name, sdk.requires, registered, environ, enabled)
    if not any(version_of(name) for name in SDKS):
        # most likely this is not the environment of the program
        text = f"no SDK that we watch is installed in {sys.prefix}: no call will be watched there"
        remedy = "install otel-llmcost in your program's environment, and run the doctor of that one"
        yield Finding("sdk", "environment", NOTE, text, remedy)


def _sdk(
    name: str, requires: str, registered: set[str], environ: Mapping[str, str], enabled: bool
) -> Finding:
    entry = entry_of(name)
    version = version_of(name)
    if not version:
        return Finding("sdk", name, OK, "not installed")
    if entry not in registered:
        return Finding(
            "sdk",
            name,
            BROKEN,
            f"{version}, but the entry point {entry} is missing",
            "reinstall otel-llmcost",
        )
    if get_dependency_conflicts([requires]) is not None:
        return Finding("sdk", name, BROKEN, f"{version} is not watched", f"install {requires}")
    if is_off(name, environ):
        text = f"{version}, switched off by {DISABLED_BY}"
        return Finding("sdk", name, NOTE, text, f"take {entry} out of it")
    # `package` says what switches all of it off
    return Finding("sdk", name, OK, f"{version}, watched" if enabled else f"{version}, not watched")


def neighbours(environ: Mapping[str, str]) -> Iterable[Finding]:
    """Other instrumentations of LLM calls that are installed, and what becomes of their spans."""
    off = disabled(environ)
    for entry in metadata.entry_points(group=_INSTRUMENTORS):
        known = neighbour(entry.module)
        if entry.name.startswith(OUR_PREFIX) or known is None:
            continue
        distribution = entry.dist.name if entry.dist is not None else entry.module
        if off & {entry.name, "*"}:
            text = f"switched off by {DISABLED_BY}"
        elif known.sdk:
            text = f"its spans of {known.sdk} carry no cost while {known.sdk} is watched: each call is priced once"
        else:
            text = "its spans are priced where no watched call is inside"
        yield Finding("neighbour", distribution, OK, text)
    for scope in sorted({known.scope for known in NEIGHBOURS if "." not in known.scope}):
        version = "" if scope in SDKS else version_of(scope)
        if version:
            text = f"{version}: spans that it emits by itself are priced where no watched call is inside"
            yield Finding("neighbour", scope, OK, text)


def seen_spans(config: Config) -> Iterable[Finding]:
    """Spans of other instrumentations that programs of this user really sent through us."""
    directory = ledger_settings(config).directory
    for seen in read_seen(directory) if directory is not None else ():
        text = f"{seen.priced:,} of its spans were priced, the last ones until {instant(seen.last_ns)}"
        yield Finding("seen", seen.scope, OK, text)


def version_of(distribution: str) -> str:
    """The installed version of a distribution, "" where it is not installed; imports nothing."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
