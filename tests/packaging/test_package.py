"""The built package: what is inside, and that it works where neither SDK, or only one, is installed."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile

from otel_llmcost.server.demo_provider import DemoProvider
from otel_llmcost.version import __version__

AUDIT = """
import sys
seen = []
def hook(event, arguments):
    if event == "open" and not str(arguments[0]).endswith((".py", ".pyc", ".pyi", ".so", "pyvenv.cfg")):
        seen.append(f"open {arguments[0]}")
    elif event.split(".")[0] in ("socket", "subprocess", "_thread", "sqlite3", "mmap"):
        seen.append(event)
sys.addaudithook(hook)
import otel_llmcost
import json, threading
print(json.dumps({"seen": seen, "modules": sorted(sys.modules), "threads": threading.active_count()}))
"""
CALL = """
import openai
openai.OpenAI().chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "?"}])
"""


def test_the_wheel_holds_code_and_data_and_nothing_else(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"otel_llmcost", f"otel_llmcost-{__version__}.dist-info"}
    for needed in (
        "otel_llmcost/py.typed",
        "otel_llmcost/prices/data/index.json",
        "otel_llmcost/cli/instrumented_site/sitecustomize.py",
        "otel_llmcost/server/demo_provider/bodies/openai_chat.json",
    ):
        assert needed in names


def test_the_source_distribution_holds_what_builds_and_tests_it(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    for needed in ("pyproject.toml", "LICENSE", "NOTICE", "README.md", "Makefile", "constraints/dev.txt"):
        assert needed in names
    assert not [name for name in names if name.startswith((".venv", ".cache", ".backends", "dist/"))]


def test_it_works_without_any_sdk(installed):
    told = installed.run("otel-llmcost", "--version")
    assert (told.returncode, __version__ in told.stdout) == (0, True)

    ended = installed.run("opentelemetry-instrument", "python", "-c", "print('ran')")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("ran\n", "", 0)

    doctor = json.loads(installed.run("otel-llmcost", "doctor", "--json").stdout)
    sdks = {found["name"]: found["text"] for found in doctor["findings"] if found["topic"] == "sdk"}
    assert "no call will be watched there" in sdks.pop("environment")
    assert sdks == {"openai": "not installed", "anthropic": "not installed"}


def test_the_demo_names_what_is_missing(installed):
    ended = installed.run("otel-llmcost", "demo")
    assert ended.returncode == 1
    assert "pip install 'otel-llmcost[demo]'" in ended.stderr


def test_it_works_beside_one_sdk_alone(with_openai, tmp_path):
    with DemoProvider() as provider:
        ended = with_openai.run(
            "otel-llmcost",
            *("run", "--", "python", "-c", CALL),
            OPENAI_API_KEY="demo",
            OPENAI_BASE_URL=provider.openai_url,
            OTEL_LLMCOST_HOSTS=f"127.0.0.1:{provider.port}=openai",
            OTEL_LLMCOST_LEDGER=str(tmp_path),
        )
    assert (ended.stdout, ended.returncode) == ("", 0)
    assert "0.0009" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_importing_it_does_nothing():
    ended = subprocess.run([sys.executable, "-c", AUDIT], capture_output=True, text=True, check=True)
    told = json.loads(ended.stdout)
    assert told["seen"] == []
    assert told["threads"] == 1
    loaded = {
        name for name in told["modules"] if name.split(".")[0] in ("openai", "anthropic", "opentelemetry")
    }
    assert loaded == set()
    rooms = ("cli", "server", "runtime", "ledger", "prices")
    assert not {f"otel_llmcost.{room}" for room in rooms} & set(told["modules"])
