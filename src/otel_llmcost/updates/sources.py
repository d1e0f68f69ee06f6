"""Where newer prices come from, and why they are believed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from ..errors import MissingExtraError, UpdateError
from ..prices.bundle import LARGEST
from ..prices.hosts import is_loopback


@dataclass(frozen=True, slots=True)
class Proof:
    """Why a bundle is believed: a pinned SHA-256 (hexadecimal), or an Ed25519 public key and a signature."""

    sha256: str = ""
    key: bytes = b""
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source answered; `content` is None where it is the one that the etag names."""

    content: bytes | None
    etag: str = ""


def fetch(source: str, *, etag: str = "", timeout_s: float = 30.0) -> Fetched:
    """The content of an https address (http on loopback only) or a file. Raises `UpdateError`."""
    if "://" not in source:
        try:
            path = Path(source).expanduser()
            if path.stat().st_size > LARGEST:
                raise UpdateError(f"{source} is larger than {LARGEST} bytes")
            return Fetched(path.read_bytes())
        except OSError as error:
            raise UpdateError(f"{source}: cannot be read ({error.strerror})") from None
    _allowed(source)
    request = urllib.request.Request(source, headers={"If-None-Match": etag} if etag else {})
    try:
        with urllib.request.build_opener(_SafeRedirects()).open(request, timeout=timeout_s) as answer:
            content = answer.read(LARGEST + 1)
            found = str(answer.headers.get("ETag") or "")
    except urllib.error.HTTPError as error:
        if error.code == 304:
            return Fetched(None, etag)
        raise UpdateError(f"{source}: answered {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise UpdateError(f"{source}: not reached ({error})") from None
    if len(content) > LARGEST:
        raise UpdateError(f"{source} is larger than {LARGEST} bytes")
    return Fetched(content, found)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _allowed(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _allowed(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return
    raise UpdateError(f"{address}: prices are fetched over https only (http on this machine)")


def prove(content: bytes, proof: Proof) -> None:
    """Checks a bundle against its proof. Raises `UpdateError` where there is none or it does not fit."""
    found = hashlib.sha256(content).hexdigest()
    if proof.sha256:
        if not hmac.compare_digest(proof.sha256.strip().lower(), found):
            raise UpdateError(f"the digest is {found}, not the pinned {proof.sha256}; nothing was changed")
    elif proof.key:
        _check_signature(content, proof)
    else:
        raise UpdateError(
            f"no proof: pin the digest (--sha256 {found}, if that is what its publisher told you) or name a key"
        )


def _check_signature(content: bytes, proof: Proof) -> None:
    try:
        exceptions = import_module("cryptography.exceptions")
        ed25519 = import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    except ImportError:
        raise MissingExtraError("cryptography (for signed prices)", "update") from None
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(proof.key).verify(proof.signature, content)
    except exceptions.InvalidSignature:
        raise UpdateError("the signature is not that of the named key; nothing was changed") from None


def key_of(text: bytes) -> bytes:
    """The 32 bytes of an Ed25519 public key: PEM, base64, hexadecimal or raw. Raises `UpdateError`."""
    stripped = text.strip()
    if stripped.startswith(b"-----BEGIN PUBLIC KEY-----"):
        body = b"".join(line for line in stripped.splitlines() if not line.startswith(b"-----"))
        # SubjectPublicKeyInfo of Ed25519 is a fixed head of 12 bytes before the key (RFC 8410).
        return _sized(_decoded(body)[12:], 32, "key")
    return _sized(_decoded(text), 32, "key")


def signature_of(text: bytes) -> bytes:
    """The 64 bytes of a signature: base64, hexadecimal or raw. Raises `UpdateError`."""
    return _sized(_decoded(text), 64, "signature")


def _decoded(text: bytes) -> bytes:
    if len(text) in (32, 64) and not text.strip().isalnum():
        return text
    stripped = text.strip()
    try:
        if len(stripped) in (64, 128):
            return bytes.fromhex(stripped.decode("ascii"))
    except ValueError:
        pass
    try:
        return base64.b64decode(stripped, validate=True)
    except binascii.Error:
        return text


def _sized(value: bytes, size: int, what: str) -> bytes:
    if len(value) != size:
        raise UpdateError(
            f"not an Ed25519 {what}: {len(value)} bytes instead of {size} (PEM, base64 or hexadecimal)"
        )
    return value
