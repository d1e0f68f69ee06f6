"""Whether spans and counters with the cost reach somebody."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from importlib import metadata
from urllib.parse import urlsplit

from ..prices.hosts import is_loopback
from .endpoints import default_protocol, endpoint_of, endpoint_variable, mistake_in, speaks_http
from .exporters import CONFIG_FILE, any_mistake, is_none, mistake_in_config_file, mistake_in_exporters
from .findings import BROKEN, NOTE, OK, Finding
from .launch import configured_exporter

_TRUE = frozenset({"true", "1"})
_CONNECT_TIMEOUT_S = 0.5
_NOTHING_SENT = ", so no spans and counters are sent; the ledger keeps the cost"
_CARRIES = {"TRACES": "spans", "METRICS": "counters"}
_SIGNAL = {carries: signal for signal, carries in _CARRIES.items()}


def export(environ: Mapping[str, str]) -> Iterable[Finding]:
    """The pipeline of spans and of counters: who makes it, where it leads, whether somebody listens there."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() in _TRUE:
        text = "OTEL_SDK_DISABLED is set: no spans, no counters; the ledger counts every call"
        yield Finding("export", "sdk", NOTE, text)
        return
    named = environ.get(CONFIG_FILE, "")
    if named:
        yield _described(named)
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
    if makers or any(configured_exporter(environ, signal) for signal in _CARRIES):
        yield from _logs(environ)
    yield from _terms(environ)


def _described(named: str) -> Finding:
    wrong = mistake_in_config_file(named)
    if wrong is None:
        return Finding("export", "sdk", OK, f"described in {named}; not followed further")
    return Finding("export", "sdk", BROKEN, f"{wrong.text}{_NOTHING_SENT}", wrong.remedy)


def _signal(environ: Mapping[str, str], signal: str, distribution: bool) -> Finding:
    carries = _CARRIES[signal]
    exporter = configured_exporter(environ, signal) or ("otlp" if distribution else "")
    refused = _refused(environ, signal, exporter)
    if refused is not None:
        return refused
    if not exporter:
        text = "no exporter and no endpoint is named: the cost stays in the ledger"
        return Finding("export", carries, NOTE, text, "set OTEL_EXPORTER_OTLP_ENDPOINT")
    if is_none(exporter):
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


def _refused(environ: Mapping[str, str], signal: str, exporter: str) -> Finding | None:
    """That the SDK will make no pipeline, because of this signal's exporters or another's."""
    if not exporter or is_none(exporter):
        return None
    carries, wrong = _CARRIES[signal], mistake_in_exporters(environ, signal, exporter)
    if wrong is not None:
        return Finding("export", carries, BROKEN, f"{wrong.text}{_NOTHING_SENT}", wrong.remedy)
    elsewhere = any_mistake(environ)
    if elsewhere is None:
        return None
    text = f"not sent, either: {elsewhere[1].text}, and the SDK makes all of the pipeline or none"
    return Finding("export", carries, BROKEN, text, elsewhere[1].remedy)


def _logs(environ: Mapping[str, str]) -> Iterable[Finding]:
    """We send no logs, but a mistake in their exporters leaves the others without a pipeline, too."""
    wrong = mistake_in_exporters(environ, "LOGS", configured_exporter(environ, "LOGS"))
    if wrong is not None:
        yield Finding("export", "logs", BROKEN, wrong.text, wrong.remedy)


def _is_insecure(environ: Mapping[str, str], signal: str) -> bool:
    names = (f"OTEL_EXPORTER_OTLP_{signal}_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE")
    return next((environ[name] for name in names if environ.get(name)), "").lower() == "true"


def _reachable(carries: str, endpoint: str, named: bool) -> Finding:
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if not is_loopback(host):
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
        text = "delta counters: Prometheus drops them and says so only in its own log"
        remedy = "use cumulative, or the collector's delta_to_cumulative processor"
        yield Finding("export", "temporality", NOTE, text, remedy)


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False
