"""A whole snapshot in one file, so that prices can be handed on: {format, date, digest, sources, pages}."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..errors import ConfigurationError, UpdateError
from .patterns import hazard_of
from .shards import FORMAT, INDEX, Snapshot, digest_of, write_index, write_page

LARGEST = 32 * 1024 * 1024
"""Bytes of the largest bundle that is read; the shipped prices are about 2 MB."""
_PROVIDER = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_DATE = re.compile(r"20\d\d-\d\d-\d\d")


def pack(snapshot: Snapshot) -> bytes:
    """The bundle of a snapshot; the same prices always give the same bytes."""
    bundle = {
        "format": FORMAT,
        "date": snapshot.date,
        "digest": snapshot.digest,
        "sources": dict(snapshot.sources),
        "pages": {provider: text.decode() for provider, text in snapshot.texts.items()},
    }
    return f"{json.dumps(bundle, sort_keys=True, separators=(',', ':'))}\n".encode()


def unpack(content: bytes) -> Snapshot:
    """The snapshot of a bundle, every row of it checked. Raises `UpdateError` that says what is wrong."""
    if len(content) > LARGEST:
        raise UpdateError(f"the bundle has {len(content)} bytes; at most {LARGEST} are read")
    try:
        bundle = json.loads(content)
        if bundle["format"] != FORMAT:
            raise UpdateError(f"the bundle has format {bundle['format']!r}; this version reads {FORMAT}")
        texts = {str(provider): str(text).encode() for provider, text in bundle["pages"].items()}
        snapshot = Snapshot(
            str(bundle["date"]), str(bundle["digest"]), dict(bundle.get("sources", {})), texts
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UpdateError(f"not a bundle of prices: {type(error).__name__}: {error}") from None
    if not _DATE.fullmatch(snapshot.date) or not all(map(_PROVIDER.fullmatch, texts)):
        raise UpdateError("not a bundle of prices: a date or a provider's name is malformed")
    if snapshot.digest != digest_of(texts):
        raise UpdateError("the bundle's digest does not fit its pages: it was changed or cut short")
    check_rows(snapshot)
    return snapshot


def check_rows(snapshot: Snapshot) -> int:
    """Parses every row and gives their number. Raises `UpdateError` naming the first that is wrong."""
    count = 0
    for provider in snapshot.texts:
        try:
            page = snapshot.page(provider)
            if page is None or page.provider != provider:
                raise UpdateError(f"the page of {provider} is another's")
            for model in page.models:
                count += len(page.rows(model))
            for _, regex, model in page.patterns:
                if hazard := hazard_of(regex):
                    raise UpdateError(
                        f"the page of {provider} has a wrong pattern for {model}: {hazard}: {regex!r}"
                    )
        except (
            ConfigurationError,
            re.error,
            ValueError,
            KeyError,
            TypeError,
            IndexError,
            OverflowError,
            RecursionError,
        ) as error:
            raise UpdateError(f"the page of {provider} has a wrong row: {error}") from None
    return count


def install(snapshot: Snapshot, directory: Path) -> None:
    """Writes a snapshot into a new directory in the shipped form."""
    directory.mkdir(parents=True)
    for provider, text in snapshot.texts.items():
        write_page(directory, provider, text)
    write_index(directory / INDEX, snapshot)
