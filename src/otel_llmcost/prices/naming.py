"""Whether the user's maps of hosts and models name providers that anybody knows: most others are slips of the pen."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from .. import semconv
from ..errors import ConfigurationError
from .catalogue import Catalogue
from .hosts import DELEGATED, HOSTS
from .providers import PRICED_AS, SPELLINGS, provider_name

_ALIKE = 0.85
"""How like two names are of which one is a slip of the pen: "antropic", not "openai-eu"."""


class Misnamed(NamedTuple):
    """An entry of `[hosts]` or `[models]` that names an unknown provider."""

    table: str
    key: str
    value: str
    allowed: str


def misnamed_providers(
    catalogue: Catalogue, hosts: Mapping[str, str], models: Mapping[str, str]
) -> Iterator[Misnamed]:
    """Entries whose provider has no prices, is none of our names, and stands in no price row of the user's."""
    known = _known(catalogue)
    listed = _listed(catalogue)
    for key, value in hosts.items():
        if value != DELEGATED and provider_name(value) not in known:
            yield Misnamed("hosts", key, value, f"{semconv.LOCAL}, {DELEGATED}, {listed}")
    for key, value in models.items():
        prefix, slash, _ = value.partition("/")
        if slash and provider_name(prefix) not in known and not _begins_a_model(catalogue, prefix):
            yield Misnamed("models", key, value, f"a model alone, or provider/model with {listed}")


def misnamed(catalogue: Catalogue, key: str, names: Iterable[str]) -> Iterator[ConfigurationError]:
    """Those of the names, or patterns of names, that no provider has, each with the one that may be meant."""
    known = _known(catalogue)
    for name in names:
        if any(fnmatchcase(one, name) for one in known):
            continue
        near = difflib.get_close_matches(name, [*known, *SPELLINGS], n=1)
        meant = f"; did you mean {provider_name(near[0])!r}?" if near else ""
        yield ConfigurationError(
            f"names an unknown provider{meant}", key=key, value=name, allowed=_listed(catalogue)
        )


def misnamed_discounts(catalogue: Catalogue) -> Iterator[ConfigurationError]:
    """Discounts of unknown providers, with their places: they are on no call."""
    own = catalogue.own
    for problem in misnamed(catalogue, "discount.provider", [one.provider for one in own.discounts]):
        place = own.places.get(("discount", str(problem.value)))
        yield problem.at(*place) if place is not None else problem


def doubtful_providers(catalogue: Catalogue) -> Iterator[ConfigurationError]:
    """Providers that only the user's own rows name, but for a letter or two like one that is known.

    They may be meant so; the rows are in force.
    """
    known = _known_to_others(catalogue)
    for name in dict.fromkeys(row.provider for row in catalogue.own.rows if row.provider not in known):
        near = difflib.get_close_matches(name.lower(), [*known, *SPELLINGS], n=1, cutoff=_ALIKE)
        if near:
            meant = provider_name(near[0])
            problem = ConfigurationError(
                f"only your own rows name this provider; did you mean {meant!r}?", key="provider", value=name
            )
            place = catalogue.own.places.get(("row", name))
            yield problem.at(*place) if place is not None else problem


def _listed(catalogue: Catalogue) -> str:
    return f"{', '.join(sorted(catalogue.snapshot.texts))}, or the provider of a price row of your own"


def _known(catalogue: Catalogue) -> set[str]:
    return {row.provider for row in catalogue.own.rows} | _known_to_others(catalogue)


def _known_to_others(catalogue: Catalogue) -> set[str]:
    ours = {semconv.LOCAL, semconv.UNKNOWN, *SPELLINGS.values(), *HOSTS.values(), *PRICED_AS}
    return ours | set(catalogue.snapshot.texts)


def _begins_a_model(catalogue: Catalogue, prefix: str) -> bool:
    # Several hosts sell models under "maker/model", and an ARN has a slash, too. Pages are searched as text: expanding
    # all of them takes many times as long.
    if ":" in prefix or any(row.model.startswith(f"{prefix}/") for row in catalogue.own.rows):
        return True
    begun = f'"{prefix}/'.lower().encode()
    return any(begun in text.lower() for text in catalogue.snapshot.texts.values())
