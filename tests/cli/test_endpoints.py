"""Where exporters send to, and what `otel-llmcost doctor` says of addresses that nothing can be sent to."""

from __future__ import annotations

import pytest

from otel_llmcost.cli.diagnosis import diagnose
from otel_llmcost.cli.endpoints import endpoint_of
from otel_llmcost.cli.findings import BROKEN, NOTE, OK


def found(environ, directory, name):
    told = {"OTEL_LLMCOST_LEDGER": str(directory / "ledger"), "HOME": str(directory), **environ}
    [finding] = [
        finding
        for finding in diagnose(told, directory).findings
        if (finding.topic, finding.name) == ("export", name)
    ]
    return finding


@pytest.mark.parametrize(
    ("told", "exporter", "endpoint"),
    [
        ({}, "otlp", "http://localhost:4317"),
        ({}, "otlp_proto_http", "http://localhost:4318"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "otlp", "http://localhost:4318"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "b"}, "otlp", "b"),
    ],
)
def test_endpoints_follow_the_specification(told, exporter, endpoint):
    assert endpoint_of(told, "TRACES", exporter) == endpoint


@pytest.mark.parametrize(
    ("endpoint", "said", "remedy"),
    [
        ("localhost:4318", "names no scheme: nothing can be sent to it", "name http://localhost:4318"),
        ("//localhost:4318", "names no scheme: nothing can be sent to it", "name http://localhost:4318"),
        ("htp://localhost:4318", "has the scheme htp, not http or https", "name http://localhost:4318"),
        ("http://local host:4318", "is no address: it has a blank in it", "name http://host:port"),
        ("http://localhost:4318\n", "is no address: it has a blank in it", "name http://host:port"),
        ("http://localhost:99999", "is no address: 99999 is no port", "name one from 1 to 65535"),
        ("http://localhost:0", "is no address: 0 is no port", "name one from 1 to 65535"),
        ("http://collector.invalid:-1/", "is no address: -1 is no port", "name one from 1 to 65535"),
        ("http://:4318", "is no address: it names no host", "name http://host:port"),
        ("https://", "is no address: it names no host", "name http://host:port"),
        ("http://[::1:4318", "is no address: Invalid IPv6 URL", "name http://host:port"),
    ],
)
def test_an_impossible_endpoint_is_broken_with_a_remedy(tmp_path, endpoint, said, remedy):
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    for name in ("spans", "counters"):
        finding = found(environ, tmp_path, name)
        told = (finding.state, finding.text, finding.remedy)
        assert told == (BROKEN, f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint} {said}", remedy)


def test_the_variable_of_one_signal_is_named(tmp_path):
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector.invalid:4318",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://collector.invalid:4318x/v1/metrics",
    }
    assert found(environ, tmp_path, "spans").state == OK
    text = found(environ, tmp_path, "counters").text
    assert text.startswith(
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=http://collector.invalid:4318x/v1/metrics is no"
    )


def test_grpc_needs_no_scheme_but_takes_tls_for_granted(tmp_path):
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector.invalid:4317"}
    finding = found(environ, tmp_path, "spans")
    assert (finding.state, finding.remedy) == (
        NOTE, "where the collector has no TLS, name http://collector.invalid:4317",
    )  # fmt: skip
    environ["OTEL_EXPORTER_OTLP_INSECURE"] = "true"
    assert found(environ, tmp_path, "spans").state == OK
    environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
    assert found(environ, tmp_path, "spans").state == BROKEN
