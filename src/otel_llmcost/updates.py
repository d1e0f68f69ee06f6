"""Newer prices: fetched when the user asks for it, proven, compared, swapped in at once, rolled back as easily.

A bundle (`prices.bundle`) is believed when its digest is one that the user pinned, or when it is signed (Ed25519) by
a key that the user named. A checksum that lies beside it proves nothing. Programs never wait for any of this.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from .errors import MissingExtraError, UpdateError
from .prices import SHIPPED, Snapshot, read_snapshot
from .prices.bundle import LARGEST, install, unpack
from .prices.compare import Change, compare

POINTER, HELD = "current.json", "held.json"
_KEPT = 5


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


@dataclass(frozen=True, slots=True)
class Offer:
    """A proven set of prices that is not in force yet, and what it would change."""

    snapshot: Snapshot
    origin: str
    changes: list[Change] = field(default_factory=list)
    etag: str = ""

    @property
    def alarming(self) -> list[Change]:
        """Prices that disappear, become zero, or move more than twofold."""
        return [change for change in self.changes if change.is_alarming]


class PriceStore:
    """The installed sets of prices in a directory of the user's own; the one in force is named by one small file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def in_force(self) -> Path | None:
        """The directory of the installed prices in force, None where the shipped ones are."""
        name = self._pointer(POINTER).get("current")
        place = self.directory / Path(str(name)).name if name else None
        return place if place is not None and place.is_dir() else None

    def snapshot(self) -> Snapshot:
        """The prices in force. Raises `UpdateError` where they are damaged."""
        return read_snapshot(self.in_force() or SHIPPED)

    def etag(self) -> str:
        """The etag of the latest answer that was used or held back."""
        return str(self._pointer(HELD).get("etag") or self._pointer(POINTER).get("etag") or "")

    def install(self, offer: Offer) -> Path:
        """Puts an offer in force, in one step; the prices before it are kept for `rollback`."""
        place = self._write(offer)
        pointer = self._pointer(POINTER)
        history = [pointer.get("current"), *self._history(pointer)][:_KEPT]
        self._point(POINTER, _facts(place, offer) | {"history": history})
        self._release()
        return place

    def rollback(self) -> Path | None:
        """Puts the prices before the latest update in force; None where those are the shipped ones.

        Raises `UpdateError` where there is nothing to go back to.
        """
        pointer = self._pointer(POINTER)
        history = self._history(pointer)
        if not pointer.get("current"):
            raise UpdateError("the shipped prices are in force; there is no update to roll back")
        former, rest = (history[0], history[1:]) if history else (None, [])
        self._point(POINTER, {"current": former, "history": rest, "etag": ""})
        return self.in_force()

    def hold(self, offer: Offer) -> None:
        """Keeps an offer that must wait for a person's word."""
        self._release()
        self._point(HELD, _facts(self._write(offer), offer))

    def held(self) -> Offer | None:
        """The offer that waits, None where there is none. Raises `UpdateError` where it is damaged."""
        facts = self._pointer(HELD)
        if not facts.get("current"):
            return None
        snapshot = read_snapshot(self.directory / Path(str(facts["current"])).name)
        changes = compare(self.snapshot(), snapshot)
        return Offer(snapshot, str(facts.get("origin", "")), changes, str(facts.get("etag", "")))

    def _release(self) -> None:
        (self.directory / HELD).unlink(missing_ok=True)

    def _write(self, offer: Offer) -> Path:
        name = f"{offer.snapshot.date}-{offer.snapshot.digest[:12]}-{secrets.token_hex(3)}"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            install(offer.snapshot, self.directory / name)
        except OSError as error:
            raise UpdateError(f"{self.directory}: cannot be written ({error.strerror})") from None
        return self.directory / name

    def _pointer(self, name: str) -> Mapping[str, Any]:
        try:
            found = json.loads((self.directory / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _history(self, pointer: Mapping[str, Any]) -> list[object]:
        history = pointer.get("history")
        return list(history) if isinstance(history, list) else []

    def _point(self, name: str, facts: Mapping[str, object]) -> None:
        beside = self.directory / f"{name}.{secrets.token_hex(3)}"
        try:
            beside.write_text(json.dumps(facts, indent=1))
            beside.replace(self.directory / name)
        except OSError as error:
            raise UpdateError(f"{self.directory}: cannot be written ({error.strerror})") from None


def _facts(place: Path, offer: Offer) -> dict[str, object]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"current": place.name, "origin": offer.origin, "etag": offer.etag, "installed_at": now}


def offer_from(source: str, proof: Proof, store: PriceStore, *, etag: str = "") -> Offer | None:
    """The proven prices of a URL or file, compared with those in force; None where nothing is new (by `etag`).

    Raises `UpdateError`: not reached, not proven, not valid, or older than the prices in force.
    """
    fetched = fetch(source, etag=etag)
    if fetched.content is None:
        return None
    prove(fetched.content, proof)
    snapshot = unpack(fetched.content)
    present = store.snapshot()
    if snapshot.date < present.date:
        raise UpdateError(f"{source} is of {snapshot.date}, older than the prices in force ({present.date})")
    return Offer(snapshot, source, compare(present, snapshot), fetched.etag)


def fetch_snapshot(source: str) -> Snapshot:
    """The prices of a URL or file, valid but not proven: to look at. Raises `UpdateError`."""
    return unpack(fetch(source).content or b"")


def refresh(source: str, key: bytes, store: PriceStore) -> str:
    """One silent update, for a thread of its own: "unchanged", "installed", or "held" for a person to confirm.

    The signature is fetched from the source's address with ".sig" after it. Raises `UpdateError`.
    """
    fetched = fetch(source, etag=store.etag())
    if fetched.content is None:
        return "unchanged"
    prove(fetched.content, Proof(key=key, signature=signature_of(fetch(f"{source}.sig").content or b"")))
    snapshot = unpack(fetched.content)
    present = store.snapshot()
    if snapshot.digest == present.digest or snapshot.date < present.date:
        return "unchanged"
    offer = Offer(snapshot, source, compare(present, snapshot), fetched.etag)
    if offer.alarming:
        store.hold(offer)
        return "held"
    store.install(offer)
    return "installed"


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
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return
    raise UpdateError(f"{address}: prices are fetched over https only (http on this machine)")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


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
