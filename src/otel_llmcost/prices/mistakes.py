"""Every mistake in one table that somebody wrote: what is wrong is taken out, and the rest is read again."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping

from ..errors import ConfigurationError
from .fields import UNKNOWN_KEY

_STAND_INS = {"provider": "any", "model": "any", "size": "1B", "percent": "0"}
_INNER_STAND_INS: dict[str, object] = {"input_over": 1, "usd": "1", "factor": "1"}
"""What is put in place of a required value that is wrong or missing, so that reading goes on behind it."""
_PRICES = ("rates", "fees", "gpu_hour", "free", "committed")
_MOST = 50


def mistakes(
    table: Mapping[str, object], parse: Callable[[Mapping[str, object]], object]
) -> list[ConfigurationError]:
    """All mistakes that `parse` finds in a table, in the order in which it finds them; [] where there are none.

    What is only missing because a mistake was taken out is none.
    """
    given, found = _copied(table), list[ConfigurationError]()
    seen: set[str] = set()
    for _ in range(_MOST):
        error = _first(given, parse)
        if error is None:
            break
        root = error.key.partition(".")[0]
        if error.key not in seen:
            entries = given.get(root)
            found += list(_of_entries(given, root, entries, parse)) if isinstance(entries, list) else [error]
        path = root if error.key in seen else error.key
        is_unknown = error.message.startswith(UNKNOWN_KEY)
        if not _take_out(given, path, is_unknown=is_unknown) and error.key in seen:
            break
        seen.add(error.key)
    return found


def _first(
    table: Mapping[str, object], parse: Callable[[Mapping[str, object]], object]
) -> ConfigurationError | None:
    try:
        parse(table)
    except ConfigurationError as error:
        return error
    return None


def _of_entries(
    given: Mapping[str, object],
    key: str,
    entries: list[object],
    parse: Callable[[Mapping[str, object]], object],
) -> Iterator[ConfigurationError]:
    """The first mistake of each entry of a list, or the one that only all of them together make."""
    told = False
    for entry in entries:
        error = _first({**given, key: [entry]}, parse)
        if error is not None and error.key.partition(".")[0] == key:
            told = True
            yield error
    error = None if told else _first(given, parse)
    if error is not None:
        yield error


def _take_out(given: dict[str, object], path: str, *, is_unknown: bool) -> bool:
    """Removes what a path ("rates.input") names, as near to it as tables go; False where nothing was to be done."""
    root, *inner = path.split(".")
    holder: object = given
    for key in (root, *inner[:-1]) if inner else ():
        holder = holder.get(key) if isinstance(holder, dict) else None
    if inner and isinstance(holder, dict) and inner[-1] in holder:
        del holder[inner[-1]]
        if inner[-1] in _INNER_STAND_INS:
            holder[inner[-1]] = _INNER_STAND_INS[inner[-1]]
        _stand_in(given, root)
        return True
    before = dict(given)
    given.pop(root, None)
    _stand_in(given, root)
    if is_unknown:
        meant = difflib.get_close_matches(root, (*_STAND_INS, *_PRICES), n=1)
        if meant and meant[0] not in given:  # "modle": what is missing then is only misspelt
            _stand_in(given, meant[0])
    return given != before


def _stand_in(given: dict[str, object], key: str) -> None:
    if key in _STAND_INS:
        given.setdefault(key, _STAND_INS[key])
    if key in _PRICES:
        given["free"] = True


def _copied(table: Mapping[str, object]) -> dict[str, object]:
    return {key: _copied(value) if isinstance(value, Mapping) else value for key, value in table.items()}
