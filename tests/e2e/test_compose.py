"""docker-compose.yaml fits the Compose schema, names the tested versions and files that exist. (A start needs Docker.)"""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
import yaml

from .real_parts import CONFIG, ROOT, shared

COMPOSE = (ROOT / "docker-compose.yaml").read_text()
VERSIONS = dict(
    line.split("=", 1)
    for line in (ROOT / "scripts" / "backends.versions").read_text().splitlines()
    if "=" in line
)


@pytest.mark.parametrize(
    "image",
    [
        f"otel/opentelemetry-collector-contrib:{VERSIONS['COLLECTOR_VERSION'].removeprefix('v')}",
        f"prom/prometheus:{VERSIONS['PROMETHEUS_RELEASE']}",
        f"jaegertracing/jaeger:{VERSIONS['JAEGER_RELEASE']}",
        f"prom/alertmanager:{VERSIONS['ALERTMANAGER_VERSION']}",
        f"grafana/grafana:{VERSIONS['GRAFANA_RELEASE']}",
    ],
)
def test_images_are_the_tested_versions(image: str) -> None:
    assert f"image: {image}\n" in COMPOSE


def test_it_fits_the_schema_of_the_compose_specification() -> None:
    schema = json.loads(shared("compose-spec.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    errors = [error.message for error in validator.iter_errors(yaml.safe_load(COMPOSE))]
    assert errors == []
    broken = yaml.safe_load(COMPOSE.replace("    ports:", "    prots:"))
    assert [error.message for error in validator.iter_errors(broken)]


def test_every_image_is_pinned() -> None:
    images = re.findall(r"image: (\S+)", COMPOSE)
    assert len(images) == 5
    assert [image for image in images if ":" not in image or image.endswith(":latest")] == []


def test_mounted_files_exist() -> None:
    mounts = re.findall(r"- \./(\S+?):", COMPOSE)
    assert len(mounts) >= 7
    assert [mount for mount in mounts if not (ROOT / mount).exists()] == []
    (dockerfile,) = re.findall(r"dockerfile: (\S+)", COMPOSE)
    assert (ROOT / dockerfile).is_file()


def test_ports_are_published_on_loopback_only() -> None:
    ports = re.findall(r'- "(\S+:\d+)"', COMPOSE)
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_environment_names_are_those_of_the_files() -> None:
    files = (*CONFIG.glob("*.yaml"), ROOT / "deploy" / "jaeger.yaml")
    known = set(re.findall(r"\$\{env:(\w+)", "".join(file.read_text() for file in files)))
    used = set(re.findall(r"^\s+((?:LLMCOST|JAEGER)_\w+):", COMPOSE, re.MULTILINE)) - {"JAEGER_URL"}
    assert used <= known | {"LLMCOST_SCRAPE"}, used - known


def test_the_collector_manifest_names_one_version() -> None:
    manifest = (CONFIG / "ocb.yaml").read_text()
    versions = set(re.findall(r"gomod: \S+ (v\S+)", manifest))
    assert versions == {VERSIONS["COLLECTOR_VERSION"], VERSIONS["COLLECTOR_PROVIDERS_VERSION"]}
