"""Environments of the matrix: one per set of locked versions, made in `.envs/` when it is first asked for."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ALONE = ("PATH", "LANG", "HOME", "SSL_CERT_FILE", "TMPDIR")
"""What a program of a test gets of the environment that the tests run in."""


class NotMade(Exception):
    """The environment could not be made; the text says what its installer said."""


def python_of(name: str) -> Path:
    """The interpreter of the environment `name`, made from `constraints/<name>.txt` where it is not up to date.

    Raises `NotMade` where the package registry or the interpreter is missing.
    """
    folder, lock = ROOT / ".envs" / name, ROOT / "constraints" / f"{name}.txt"
    digest = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    made_from = folder / ".made-from"
    python = folder / "bin" / "python"
    if python.exists() and made_from.exists() and made_from.read_text(encoding="ascii") == digest:
        return python
    command = ["scripts/environment.sh", str(folder), str(lock.relative_to(ROOT))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    if done.returncode:
        raise NotMade(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    made_from.write_text(digest, encoding="ascii")
    return python


def alone(**more: str) -> dict[str, str]:
    """A small environment for a program of a test."""
    kept = {name: os.environ[name] for name in ALONE if name in os.environ}
    return {**kept, "PYTHONWARNINGS": "ignore", **more}
