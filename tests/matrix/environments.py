"""Environments of the matrix: one per set of locked versions, made in `.envs/` when it is first asked for."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ALONE = ("PATH", "LANG", "HOME", "SSL_CERT_FILE", "TMPDIR")
"""What a program of a test gets of the environment that the tests run in."""
_INSTALLED = ("requires-python", "dependencies", "optional-dependencies", "scripts", "entry-points")
"""What an editable installation takes over from `pyproject.toml`; the rest may change without a new environment."""


class NotMade(Exception):
    """The environment could not be made; the text says what its installer said."""


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, made from `constraints/<name>.txt` where it is not up to date.

    Raises `NotMade` where the package registry or the interpreter is missing.
    """
    folder, lock = ROOT / ".envs" / name, ROOT / "constraints" / f"{name}.txt"
    made_from, python = folder / ".made-from", folder / "bin" / "python"
    key = digest(lock.read_bytes(), (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    with _alone_at(folder):
        if python.exists() and made_from.exists() and made_from.read_text(encoding="ascii") == key:
            return python
        command = ["scripts/environment.sh", str(folder), str(lock.relative_to(ROOT))]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
        if done.returncode:
            raise NotMade(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        made_from.write_text(key, encoding="ascii")
    return python


def digest(lock: bytes, pyproject: str) -> str:
    """What an environment depends on: its locked versions, and what installing this package writes into it."""
    project = tomllib.loads(pyproject)["project"]
    installed = {name: project.get(name) for name in _INSTALLED}
    return hashlib.sha256(lock + json.dumps(installed, sort_keys=True).encode()).hexdigest()


@contextmanager
def _alone_at(folder: Path) -> Iterator[None]:
    # beside the folder: making the environment clears it
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def alone(**more: str) -> dict[str, str]:
    """A small environment for a program of a test."""
    kept = {name: os.environ[name] for name in ALONE if name in os.environ}
    return {**kept, "PYTHONWARNINGS": "ignore", **more}
