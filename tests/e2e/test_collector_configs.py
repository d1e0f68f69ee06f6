"""Every shipped collector file is valid for the real collector, and the collector has just the parts they use."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from otel_llmcost.collector import Options, pricing_document
from otel_llmcost.prices.load import load_book

from .real_parts import CONFIG, binary

COMBINATIONS = [
    ("agent.yaml",),
    ("gateway.yaml",),
    ("gateway.yaml", "gateway-scrape.yaml"),
    ("gateway.yaml", "gateway-remote-write.yaml"),
]


def validate(tmp_path: Path, *configs: Path) -> subprocess.CompletedProcess[str]:
    arguments = [argument for config in configs for argument in ("--config", str(config))]
    return subprocess.run(
        [str(binary("otelcol-llmcost")), "validate", *arguments],
        env={**os.environ, "LLMCOST_QUEUE_DIR": str(tmp_path / "queue")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("files", COMBINATIONS, ids="+".join)
def test_shipped_files_are_valid(tmp_path: Path, files: tuple[str, ...]) -> None:
    done = validate(tmp_path, *(CONFIG / file for file in files))
    assert done.returncode == 0, done.stderr


def test_generated_prices_are_valid_on_top(tmp_path: Path) -> None:
    pricing = tmp_path / "pricing.yaml"
    pricing.write_text(pricing_document(load_book(), Options(providers=("openai", "anthropic"))))
    done = validate(tmp_path, CONFIG / "gateway.yaml", pricing)
    assert done.returncode == 0, done.stderr


def test_shipped_prices_are_those_of_this_release(tmp_path: Path) -> None:
    shipped = CONFIG / "pricing.yaml"
    current = shipped.read_text() == pricing_document(load_book())
    assert current, "remedy: otel-llmcost collector-config --shipped -o collector-config/pricing.yaml"
    done = validate(tmp_path, CONFIG / "gateway.yaml", shipped)
    assert done.returncode == 0, done.stderr


def test_a_wrong_key_is_found(tmp_path: Path) -> None:
    """The check above can fail."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((CONFIG / "agent.yaml").read_text().replace("queue_size:", "queue_sise:"))
    assert validate(tmp_path, wrong).returncode != 0


def test_the_manifest_has_exactly_the_parts_used() -> None:
    manifest = (CONFIG / "ocb.yaml").read_text()
    built = set(
        re.findall(r"gomod: \S+/(\w+?)(?:receiver|processor|connector|exporter|extension)? v", manifest)
    )
    files = "".join((CONFIG / file).read_text() for group in COMBINATIONS for file in group)
    files += pricing_document(load_book(), Options(providers=("linkup",)))
    used = {name.replace("_", "") for name in re.findall(r"^  ([a-z_]+)(?:/\w+)?:", files, re.MULTILINE)}
    parts = {"otlp", "memorylimiter", "transform", "tailsampling", "deltatocumulative", "forward", "signaltometrics",
             "otlphttp", "prometheus", "prometheusremotewrite", "healthcheck", "filestorage"}  # fmt: skip
    assert (
        built
        == parts | {"env", "file", "yaml", "envprovider", "fileprovider", "yamlprovider", "debug"} & built
    )
    renamed = {"otlpgrpc": "otlp"}
    assert parts <= {renamed.get(name, name) for name in used} | {"otlp"}, parts - used
