"""Where an OTLP exporter sends to, by the rules of the OpenTelemetry specification, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from ..telemetry import transport

_DEFAULT_GRPC_ENDPOINT = "http://localhost:4317"
_DEFAULT_HTTP_ENDPOINT = "http://localhost:4318"
_MOST_PORT = 65_535
_EXAMPLE = "http://host:port"


class Mistake(NamedTuple):
    """Why nothing can be sent to an address, and what to write instead."""

    text: str
    remedy: str


def endpoint_variable(environ: Mapping[str, str], signal: str) -> str:
    """The variable that names the endpoint of TRACES or METRICS, "" where none does."""
    names = (f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    return next((name for name in names if environ.get(name)), "")


def endpoint_of(
    environ: Mapping[str, str], signal: str, exporter: str, default_protocol: str = "grpc"
) -> str:
    """Where the OTLP exporter of a signal sends to."""
    variable = endpoint_variable(environ, signal)
    if variable:
        return environ[variable]
    if speaks_http(environ, signal, exporter, default_protocol):
        return _DEFAULT_HTTP_ENDPOINT
    return _DEFAULT_GRPC_ENDPOINT


def speaks_http(environ: Mapping[str, str], signal: str, exporter: str, default_protocol: str) -> bool:
    """Whether the exporter of a signal speaks HTTP; else it speaks gRPC."""
    if exporter.startswith("otlp_proto_"):
        return "http" in exporter
    names = (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    protocol = next((environ[name] for name in names if environ.get(name)), default_protocol)
    return "http" in protocol


def default_protocol(environ: Mapping[str, str], signal: str, *, distribution: bool) -> str:
    """The protocol where none is named: a distribution's is gRPC, that of our pipeline follows the port."""
    return "grpc" if distribution or "grpc" in transport(environ, signal) else "http/protobuf"


def mistake_in(endpoint: str, *, http: bool) -> Mistake | None:
    """What is wrong with an address, None for nothing. gRPC takes one without a scheme, too."""
    if any(letter.isspace() or not letter.isprintable() for letter in endpoint):
        return Mistake("is no address: it has a blank in it", f"name {_EXAMPLE}")
    try:
        parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    except ValueError as error:
        return Mistake(f"is no address: {error}", f"name {_EXAMPLE}")
    return _of_scheme(endpoint, parts, http) or _of_host(parts)


def _of_scheme(endpoint: str, parts: SplitResult, http: bool) -> Mistake | None:
    if parts.scheme in ("http", "https") or (not http and not parts.scheme):
        return None
    if parts.scheme:
        rest = endpoint.partition("//")[2]
        return Mistake(f"has the scheme {parts.scheme}, not http or https", f"name http://{rest}")
    return Mistake("names no scheme: nothing can be sent to it", f"name http://{endpoint.lstrip('/')}")


def _of_host(parts: SplitResult) -> Mistake | None:
    if not parts.hostname:
        return Mistake("is no address: it names no host", f"name {_EXAMPLE}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        said = parts.netloc.rpartition(":")[2]
        return Mistake(f"is no address: {said} is no port", f"name one from 1 to {_MOST_PORT}")
    return None
