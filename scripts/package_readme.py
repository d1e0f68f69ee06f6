"""The README as a package index shows it: hatchling asks for it at each build.

There, links to other files lead nowhere and pictures stay empty. Where pyproject.toml says under which address the
files can be read (`files`, and `pictures` for their bytes), links go there; else each says which file it means,
and a picture is told by its words. The source distribution has all of these files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_PICTURE = re.compile(r"!\[([^\]]*)\]\((?![a-z]+:)([^)#]+)\)")
_LINK = re.compile(r"\[([^\]]*)\]\((?![a-z]+:|#)([^)#]+)(#[^)]*)?\)")


class PackageReadme(MetadataHookInterface):
    """Sets `readme` in the package's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Called by hatchling with the project's table."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        shown = for_index(text, self.config["files"], self.config["pictures"])
        metadata["readme"] = {"content-type": "text/markdown", "text": shown}


def for_index(text: str, files: str, pictures: str) -> str:
    """The text with no link that is relative. `files` and `pictures` are addresses that end with "/", or empty."""
    if files:
        text = _PICTURE.sub(rf"![\1]({pictures}\2)", text)
        return _LINK.sub(rf"[\1]({files}\2\3)", text)
    text = _PICTURE.sub(r"*\1*", text)
    return (
        _LINK.sub(r"\1 (`\2`)", text).rstrip()
        + "\n\nFiles that are named here are in the source distribution.\n"
    )
