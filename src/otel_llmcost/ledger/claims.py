"""Claims: which of several processes counts work that all of them can see (background responses, batch results).

A claim is an empty file, made by whoever comes first. They are kept for two months at least, longer than any
provider keeps results; after that the ledger's own unique key still keeps a call from being counted twice there.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from .location import prepare_directory

FOLDER = "claims"


class Claims:
    """The claims beside a ledger."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER

    def __call__(self, key: str) -> bool:
        """True for the first process that claims the key, and where no claim can be written."""
        import hashlib  # loads OpenSSL: the SDK's HTTP client did that long ago

        name = hashlib.sha256(key.encode()).hexdigest()
        months = _months(time.time())
        try:
            if any((self._folder / month / name).exists() for month in months[1:]):
                return False
            self._make(months)
            return _is_new(self._folder / months[0] / name)
        except OSError:
            return True  # a full or read-only disk must not make work free

    def _make(self, months: tuple[str, ...]) -> None:
        folder = self._folder / months[0]
        if folder.is_dir():
            return
        prepare_directory(folder)
        for old in self._folder.iterdir():
            if old.name not in months:
                shutil.rmtree(old, ignore_errors=True)


def _is_new(path: Path) -> bool:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True


def _months(now_s: float) -> tuple[str, ...]:
    """The month of an instant (seconds since the epoch) and the two before it."""
    this = time.gmtime(now_s)
    number = this.tm_year * 12 + this.tm_mon - 1
    return tuple(f"{back // 12:04d}-{back % 12 + 1:02d}" for back in range(number, number - 3, -1))
