"""The README as a package index shows it."""

from __future__ import annotations

import email
import re
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RELATIVE = re.compile(r"\]\((?!https?://)[^)]*\)")
TEXT = """![A table.](docs/images/demo.svg) and [the
guide](docs/faq.md#why), [prices](docs/prices.md), [elsewhere](https://example.com/a.md)
"""


@pytest.fixture
def for_index(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    from package_readme import for_index

    return for_index


def test_where_files_have_an_address_links_and_pictures_go_there(for_index):
    assert for_index(TEXT, "https://example.org/files/", "https://example.org/raw/") == (
        "![A table.](https://example.org/raw/docs/images/demo.svg) and [the\n"
        "guide](https://example.org/files/docs/faq.md#why), [prices](https://example.org/files/docs/prices.md), "
        "[elsewhere](https://example.com/a.md)\n"
    )


def test_without_one_they_are_words_and_names_of_files(for_index):
    shown = for_index(TEXT, "", "")
    assert shown.startswith(
        "*A table.* and the\nguide (`docs/faq.md`), prices (`docs/prices.md`), [elsewhere](https://example.com/a.md)\n"
    )


def test_what_is_built_has_no_link_that_leads_nowhere_on_an_index(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(wheel.read(name))
    shown = metadata.get_payload(decode=True).decode()
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert shown.startswith("# otel-llmcost\n")
    assert RELATIVE.findall(shown) == []
    with tarfile.open(next(built.glob("*.tar.gz"))) as source:
        files = {name.partition("/")[2] for name in source.getnames()}
    assert set(re.findall(r"\(`([^`]+\.(?:md|toml|txt))`\)", shown)) - files == set()
