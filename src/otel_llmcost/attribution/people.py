"""Ids of people: nothing, a keyed hash, or plain, as the settings say.

With "given" (the default) an id that the program itself passes to us (`tag(user=...)`, a `user_id`
argument) counts as asked for and is kept as a keyed hash; ids found in requests, parents or baggage are
dropped. "hash" keeps both as a hash, "plain" keeps both as they are, "off" keeps none.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

OFF = "off"
GIVEN = "given"
HASH = "hash"
PLAIN = "plain"

# Compiled on first use: most programs hash nobody's id.
_HASHED = r"h:[0-9a-f]{32}"
_KNOWN_LIMIT = 4096


class People:
    """Turns ids of people into what may be kept. Remembers a bounded number of hashes; safe between
    threads."""

    def __init__(self, mode: str = GIVEN, key: bytes = b"") -> None:
        self.mode = mode
        # Without a key of the user's the hashes tell people apart inside this process and nowhere else.
        self._key = key or os.urandom(32)
        self._known: dict[str, str] = {}

    def given(self, person: str) -> str:
        """What is kept of an id that the program passed to us."""
        if not person or self.mode == OFF:
            return ""
        return person if self.mode == PLAIN else self._hashed(person)

    def found(self, person: str) -> str:
        """What is kept of an id that we found in a request, a parent or baggage."""
        return self.given(person) if self.mode in (HASH, PLAIN) else ""

    def _hashed(self, person: str) -> str:
        known = self._known.get(person)
        if known is None:
            if re.fullmatch(_HASHED, person):  # came through baggage from a service of ours that hashed it
                return person
            import hmac  # only where people's ids are hashed

            # HMAC-SHA256, 128 bits of it: enough to tell people apart, not to find them without the key.
            known = "h:" + hmac.digest(self._key, person.encode("utf-8", "replace"), "sha256").hex()[:32]
            if len(self._known) >= _KNOWN_LIMIT:
                self._known = {}
            self._known[person] = known
        return known


def key_of_file(path: Path) -> bytes:
    """The hash key kept in a file (mode 0600), made on first use. Raises OSError where that cannot be
    done."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(32))
            os.link(draft, path)  # whole or not at all; of two processes the first one's key stays
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
