"""Fetch the two upstream catalogues as packages and keep compact, committed extracts of them.

`prices/upstream/` holds what `--check` needs without a network: one gzipped JSON file per catalogue and
`manifest.toml` with version, licence, digest of the package that it was read from and the day it was fetched.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .names import GENAI_PROVIDERS, litellm_provider

Json = Any


@dataclass(frozen=True)
class Catalogue:
    """One upstream catalogue and where its extract lies."""

    name: str
    version: str
    home: str
    licence: str
    sha256: str
    retrieved_at: str
    data: Json


GENAI = ("genai-prices", "0.2.3", "https://github.com/pydantic/genai-prices")
LITELLM = ("litellm", "1.109.1", "https://github.com/BerriAI/litellm")

_DROPPED = (
    "supports_",
    "supported_endpoints",
    "supported_modalities",
    "supported_output_modalities",
    "metadata",
    "reasoning_",
    "comment",
    "prompt_cache_min_tokens",
    "rpm",
    "tpm",
    "thinking_",
    "token_count_",
    "output_vector_size",
    "bedrock_output_",
    "default_reasoning",
    "gemini_",
    "vertex_ai_audio",
    "use_openai",
    "uses_embed",
)


def load(folder: Path) -> tuple[Catalogue, Catalogue]:
    """The committed extracts, their digests checked. Raises SystemExit where one was edited."""
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    return _load(folder, manifest["genai-prices"]), _load(folder, manifest["litellm"])


def _load(folder: Path, entry: Mapping[str, str]) -> Catalogue:
    packed = (folder / entry["extract"]).read_bytes()
    content = gzip.decompress(packed)
    if hashlib.sha256(content).hexdigest() != entry["extract_sha256"]:
        raise SystemExit(f"{entry['extract']}: content does not match manifest.toml; run with --fetch")
    return Catalogue(
        name=entry["name"],
        version=entry["version"],
        home=entry["home"],
        licence=entry["licence"],
        sha256=entry["sha256"],
        retrieved_at=entry["retrieved_at"],
        data=json.loads(content, parse_float=str),
    )


def fetch(folder: Path) -> None:
    """Download both packages (no dependencies, nothing installed), extract, write extracts and manifest."""
    lines = [
        "# Written by scripts/generate_prices.py --fetch. Digests: of the package, of the extract's JSON.\n"
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for (name, version, home), extract in ((GENAI, genai_extract), (LITELLM, litellm_extract)):
            wheel = _download(f"{name}=={version}", Path(scratch) / name)
            with zipfile.ZipFile(wheel) as package:
                content = json.dumps(extract(package), separators=(",", ":"), sort_keys=True).encode()
            file = f"{name}.json.gz"
            (folder / file).write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
            lines.append(_manifest_entry(name, version, home, file, wheel, content))
    (folder / "manifest.toml").write_text("\n".join(lines), encoding="utf-8")


def _manifest_entry(name: str, version: str, home: str, file: str, wheel: Path, content: bytes) -> str:
    return (
        f'["{name}"]\nname = "{name}"\nversion = "{version}"\nlicence = "MIT"\nhome = "{home}"\n'
        f'package = "{wheel.name}"\nsha256 = "{hashlib.sha256(wheel.read_bytes()).hexdigest()}"\n'
        f'extract = "{file}"\nextract_sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        f'retrieved_at = "{datetime.now(UTC).date().isoformat()}"\n'
    )


def _download(requirement: str, into: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary=:all:",
        "-d",
        str(into),
    ]
    subprocess.run([*command, requirement], check=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def litellm_extract(package: zipfile.ZipFile) -> Json:
    """Model name -> the cost keys, for the providers that we name. Numbers stay text: no float rounding."""
    entries = json.loads(package.read("litellm/model_prices_and_context_window_backup.json"), parse_float=str)
    return {
        name: {key: value for key, value in entry.items() if not key.startswith(_DROPPED)}
        for name, entry in entries.items()
        if litellm_provider(name, entry.get("litellm_provider") or "")
    }


def genai_extract(package: zipfile.ZipFile) -> Json:
    """Providers with their models: the package's data module read as syntax, never run."""
    tree = ast.parse(package.read("genai_prices/data.py"))
    (value,) = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and node.value]
    return [
        {"id": provider["id"], "urls": provider.get("pricing_urls", []), "models": provider["models"]}
        for provider in _literal(value)
        if provider["id"] in GENAI_PROVIDERS
    ]


def _literal(node: ast.expr) -> Json:
    """Nested constructor calls as dicts: `Name(a=1)` -> {"_": "Name", "a": 1}; `Decimal("x")` -> "x"."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=items):
            return [_literal(item) for item in items]
        case ast.Dict(keys=keys, values=values):
            return {_literal(key): _literal(value) for key, value in zip(keys, values, strict=True) if key}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_literal(operand)
        case ast.Name() | ast.Attribute():
            return ast.unparse(node)
        case ast.Call(func=func, args=args, keywords=keywords):
            return _constructed(ast.unparse(func), args, keywords)
    raise ValueError(f"unexpected syntax in the catalogue: {ast.unparse(node)[:80]}")


def _constructed(name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> Json:
    if name == "Decimal":
        return _literal(args[0])
    made = {
        keyword.arg: _literal(keyword.value) for keyword in keywords if keyword.arg not in ("description",)
    }
    return {"_": name, **({"args": [_literal(arg) for arg in args]} if args else {}), **made}
