"""Loopback ports for servers that are told theirs: real collectors, other people's web servers."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

# Below what Linux (32768 and up) and macOS (49152 and up) give to port 0 and to outgoing connections: a port from
# there may be somebody's between the moment it is found and the moment the server listens, or while a server that
# was killed on purpose is away.
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    """A port that nobody listens on, another one at each call."""
    for port in _ahead:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(
        f"no free port from {FIRST} to {LAST}; remedy: end some of the servers on this machine"
    )


def _each_once() -> Iterator[int]:
    """Every port once, from a random one on: suites side by side hardly meet."""
    ports = list(range(FIRST, LAST))
    start = random.randrange(len(ports))
    yield from ports[start:] + ports[:start]


_ahead = _each_once()
