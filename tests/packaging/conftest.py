"""The package as its users get it: built, and installed where nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, timeout=120
    )
    return folder


class Installed:
    """A virtual environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        venv.create(folder, with_pip=False)

    def install(self, *requirements: object) -> None:
        """Installs from the package registry, in the locked versions."""
        command = [sys.executable, "-m", "pip", "--python", self.bin / "python", "install", "--quiet"]
        locked = ROOT / "constraints" / "dev.txt"
        subprocess.run([*command, "-c", locked, *map(str, requirements)], check=True, timeout=300)

    def run(self, program: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs one of its programs, outside the checkout, in an environment that is its own."""
        clean = {name: text for name, text in os.environ.items() if not name.startswith(("OTEL_", "PYTHON"))}
        return subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.bin.parent,
            env={
                **clean,
                "HOME": str(self.bin.parent),
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                **environ,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture(scope="session")
def installed(built, tmp_path_factory) -> Installed:
    """The wheel and what it depends on, without any SDK."""
    made = Installed(tmp_path_factory.mktemp("installed") / "venv")
    made.install(*built.glob("*.whl"))
    return made


@pytest.fixture(scope="session")
def with_openai(built, tmp_path_factory) -> Installed:
    """The wheel beside one of the two SDKs."""
    made = Installed(tmp_path_factory.mktemp("with_openai") / "venv")
    made.install(*built.glob("*.whl"), "openai")
    return made
