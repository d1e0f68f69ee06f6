"""Whether spans and counters with the cost reach somebody."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from importlib import metadata
from urllib.parse import urlsplit

from .endpoints import default_protocol, endpoint_of, endpoint_variable, mistake_in, speaks_http
from .findings import BROKEN, NOTE, OK, Finding
from .launch import configured_exporter

_TRUE = frozenset({"true", "1"})
_CONNECT_TIMEOUT_S = 0.5
_CARRIES = {"TRACES": "spans", "METRICS": "counters"}
_SIGNAL = {carries: signal for signal, carries in _CARRIES.items()}


def export(environ: Mapping[str, str]) -> Iterable[Finding]:
    """The pipeline of spans and of counters: who makes it, where it leads, whether somebody listens there."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() in _TRUE:
        text = "OTEL_SDK_DISABLED is set: no spans, no counters; the ledger counts every call"
        yield Finding("export", "sdk", NOTE, text)
        return
    named = environ.get("OTEL_CONFIG_FILE") or environ.get("OTEL_EXPERIMENTAL_CONFIG_FILE")
    if named:
        yield Finding("export", "sdk", OK, f"described in {named}; not followed further")
        return
    makers = sorted(entry.name for entry in metadata.entry_points(group="opentelemetry_configurator"))
    maker = (
        f"made by the distribution's configurator ({', '.join(makers)})"
        if makers
        else "made at the first call"
    )
    yield Finding("export", "pipeline", OK, f"{maker}, unless the program makes its own")
    for signal in _CARRIES:
        yield _signal(environ, signal, distribution=bool(makers))
    yield from _terms(environ)


def _signal(environ: Mapping[str, str], signal: str, distribution: bool) -> Finding:
    carries = _CARRIES[signal]
    exporter = configured_exporter(environ, signal) or ("otlp" if distribution else "")
    if not exporter:
        text = "no exporter and no endpoint is named: the cost stays in the ledger"
        return Finding("export", carries, NOTE, text, "set OTEL_EXPORTER_OTLP_ENDPOINT")
    if exporter == "none":
        text = f"OTEL_{signal}_EXPORTER=none: the cost stays in the ledger"
        return Finding("export", carries, NOTE, text)
    if "otlp" not in exporter:
        return Finding("export", carries, OK, f"exporter {exporter}")
    protocol = default_protocol(environ, signal, distribution=distribution)
    endpoint = endpoint_of(environ, signal, exporter, protocol)
    http = speaks_http(environ, signal, exporter, protocol)
    wrong = mistake_in(endpoint, http=http)
    if wrong is not None:
        variable = endpoint_variable(environ, signal)
        return Finding("export", carries, BROKEN, f"{variable}={endpoint} {wrong.text}", wrong.remedy)
    found = _reachable(carries, endpoint, named=bool(configured_exporter(environ, signal)))
    if found.state == OK and "//" not in endpoint and not _is_insecure(environ, signal):
        text = f"{found.text}; without a scheme, so TLS is spoken"
        return Finding(
            "export", carries, NOTE, text, f"where the collector has no TLS, name http://{endpoint}"
        )
    return found


def _is_insecure(environ: Mapping[str, str], signal: str) -> bool:
    names = (f"OTEL_EXPORTER_OTLP_{signal}_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE")
    return next((environ[name] for name in names if environ.get(name)), "").lower() == "true"


def _reachable(carries: str, endpoint: str, named: bool) -> Finding:
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if not _is_loopback(host):
        return Finding("export", carries, OK, f"to {endpoint}; another machine, not tried")
    if _listens(host, port):
        return Finding("export", carries, OK, f"to {endpoint}; somebody listens there")
    if not named:
        # nobody asked for it: a distribution's default is no mistake of the user's
        text = f"to {endpoint}, the default, where nobody listens: the cost stays in the ledger"
        remedy = "start a collector, set OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_{}_EXPORTER=none"
        return Finding("export", carries, NOTE, text, remedy.format(_SIGNAL[carries]))
    text = f"to {endpoint}, where nobody listens: they are lost, the ledger keeps the cost"
    return Finding("export", carries, BROKEN, text, "start the collector, or name another endpoint")


def _terms(environ: Mapping[str, str]) -> Iterable[Finding]:
    """Settings of OpenTelemetry that change what arrives."""
    sampler = environ.get("OTEL_TRACES_SAMPLER", "")
    if sampler and "always_on" not in sampler:
        text = f"{sampler}: not every span arrives; counters and ledger count every call all the same"
        yield Finding("export", "sampler", NOTE, text)
    if environ.get("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "").lower() == "delta":
        text = "delta counters: Prometheus drops them without a word"
        remedy = "use cumulative, or the collector's delta_to_cumulative processor"
        yield Finding("export", "temporality", NOTE, text, remedy)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False
