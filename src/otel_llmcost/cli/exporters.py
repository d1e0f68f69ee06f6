"""What the SDK would refuse of what the environment asks for: exporters, protocols, a configuration file.

One mistake in them, of any signal, and the SDK makes no pipeline at all. Read in opentelemetry-sdk 1.40 to 1.45
(`_configuration`), 2026-11-30.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from opentelemetry.sdk import environment_variables

from ..telemetry import TRANSPORTS
from .endpoints import Mistake
from .launch import configured_exporter

CONFIG_FILE = "OTEL_CONFIG_FILE"
_READERS = ("opentelemetry.configuration", "opentelemetry.sdk._configuration.file")
"""Who reads such a file: a package of its own, in one version the SDK itself."""


def is_none(exporter: str) -> bool:
    """Whether a signal is not exported, by the user's wish."""
    return exporter.strip().lower() == "none"


def mistake_in_exporters(environ: Mapping[str, str], signal: str, exporter: str) -> Mistake | None:
    """What the SDK does not find of the exporters of TRACES, METRICS or LOGS, None where it finds all."""
    if not exporter or is_none(exporter):
        return None
    group = f"opentelemetry_{signal.lower()}_exporter"
    installed = {entry.name for entry in metadata.entry_points(group=group)}
    for name in (one.strip() for one in exporter.split(",")):
        wrong = _mistake_in_protocol(environ, signal) if name == "otlp" else None
        if wrong is not None:
            return wrong
        if name not in installed:
            return _not_installed(environ, signal, exporter, installed)
    return None


def _not_installed(environ: Mapping[str, str], signal: str, exporter: str, installed: set[str]) -> Mistake:
    variable = f"OTEL_{signal}_EXPORTER"
    if variable not in environ:
        return Mistake(f"the exporter {exporter} is not installed", "pip install opentelemetry-exporter-otlp")
    names = ", ".join(sorted(installed))
    return Mistake(
        f"{variable}={exporter} names an exporter that is not installed",
        f"name one of {names}, or none, or install the package that brings it",
    )


def _mistake_in_protocol(environ: Mapping[str, str], signal: str) -> Mistake | None:
    names = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    variable = next((name for name in names if environ.get(name)), "")
    if not variable or environ[variable].strip() in TRANSPORTS:
        return None
    text = f"{variable}={environ[variable]} is no protocol that the SDK speaks"
    return Mistake(text, f"name {' or '.join(TRANSPORTS)}")


def mistake_in_config_file(named: str) -> Mistake | None:
    """Why the SDK will not read the file that OTEL_CONFIG_FILE names, None where nothing is in its way."""
    if not hasattr(environment_variables, CONFIG_FILE):
        version = metadata.version("opentelemetry-sdk")
        return Mistake(
            f"{CONFIG_FILE} is set, but opentelemetry-sdk {version} does not read it",
            "pip install -U opentelemetry-sdk opentelemetry-configuration",
        )
    if not any(find_spec(reader) is not None for reader in _READERS):
        return Mistake(
            f"{CONFIG_FILE} is set, but the package that reads it is not installed",
            "pip install opentelemetry-configuration",
        )
    try:
        with Path(named).open("rb"):
            return None
    except OSError as error:
        return Mistake(f"{named} cannot be read ({error.strerror})", f"mend {CONFIG_FILE}")


def any_mistake(environ: Mapping[str, str]) -> tuple[str, Mistake] | None:
    """The first signal whose exporters the SDK refuses, and why."""
    for signal in ("TRACES", "METRICS", "LOGS"):
        wrong = mistake_in_exporters(environ, signal, configured_exporter(environ, signal))
        if wrong is not None:
            return signal, wrong
    return None
