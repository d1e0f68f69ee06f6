"""What the keys of the user's map of hosts may look like: one that no host has would never match, and nobody would know.

Loaded only where there are such keys.
"""

from __future__ import annotations

import ipaddress
import re

from .hosts import without_scheme

ALLOWED = "host, *.domain, host:port or host:port/path, such as 127.0.0.1:4000=openai"
_MOST_PORT = 65_535
_LABEL = re.compile(r"[\w-]+")


def mistake_in_key(key: str) -> str:
    """Why no host has this key, "" where one may. A scheme before it is allowed: people copy a base_url."""
    if any(letter.isspace() or not letter.isprintable() for letter in key):
        return "is no host: it has a blank in it"
    place, _, path = without_scheme(key).partition("/")
    if "?" in path or "#" in path:
        return "is no host: a query is not looked at"
    if _is_address(place):
        return ""
    name, colon, port = place.rpartition(":")
    if not colon:
        return _mistake_in_name(place)
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= _MOST_PORT):
        return f"is no host: {port!r} is no port, they are numbers from 1 to {_MOST_PORT}"
    if name.startswith("*"):
        return "is no host: *.domain is for every port"
    if name.startswith("[") and _is_address(name):
        return ""
    return _mistake_in_name(name)


def _is_address(place: str) -> bool:
    try:
        ipaddress.ip_address(place[1:-1] if place.startswith("[") and place.endswith("]") else place)
    except ValueError:
        return False
    return True


def _mistake_in_name(name: str) -> str:
    labels = name.removeprefix("*.").removesuffix(".").split(".")
    for label in labels:
        if not label:
            return f"is no host: a part of {name!r} is empty"
        if label == "*":
            return "is no host: * stands only at the beginning, as in *.example.com"
        if not _LABEL.fullmatch(label):
            return f"is no host: {label!r} is no part of a name"
    return ""
