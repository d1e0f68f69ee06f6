"""The price book: what a call costs, exactly, or why that cannot be said. No file, no network."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping

from .. import semconv
from ..call import EXACT, UNPRICED, Call, Priced, note
from ..errors import ConfigurationError
from .bounds import dearest, every_terms
from .catalogue import MOVED, Catalogue, Found
from .hosts import region_of_host
from .names import is_committed, region_of
from .own import ANY, OwnPrices
from .plan import Plan, WholeRates
from .providers import MAKERS, provider_name
from .rates import FOREVER, Row
from .shards import Snapshot
from .status import TermsKey, at_port, local_reason, price_oddly
from .terms import COMMITTED_TIER, TIER_SPELLINGS, Terms, Wanted, committed_terms, make_terms, unknown_terms

_KNOWN_LIMIT = 4096
_UNKNOWN_LIMIT = 1024
_LONGEST_KEY = 2000
"""Characters of the names of a call; longer ones are nobody's, and are not worth the memory."""
_LONGEST_NAME = 200
_PROBES_KEPT = 64
"""Whoever looks for a bound asks for the same model and instant several times in a row."""


class Book:
    """Prices in force: the user's own rows and discounts over a snapshot. Safe to use from many threads."""

    def __init__(
        self,
        snapshot: Snapshot,
        own: OwnPrices | None = None,
        *,
        models: Mapping[str, str] | None = None,
    ) -> None:
        self.own = own or OwnPrices()
        self.catalogue = Catalogue(snapshot, self.own, dict(models or {}))
        self.snapshot_date = snapshot.date
        self.version = _version(snapshot, self.own, self.catalogue.models)
        self._known: dict[TermsKey, Terms] = {}
        self._unknown: dict[TermsKey, Terms] = {}
        self._billable: dict[tuple[str, str, str, str, int, bool, frozenset[str]], list[Plan]] = {}

    @property
    def problems(self) -> list[ConfigurationError]:
        """Mistakes in the user's price settings; what they name is not in force."""
        return self.own.problems

    def price(self, call: Call) -> Priced:
        """What a call costs: status, femto-dollars per component, reasons, and the version of the prices.

        The response's model is priced, else the request's; served tier, speed and region decide, and the row
        in force at the call's start (now, where it has none). Never raises, never answers 0 for the unknown.
        """
        key = (
            call.provider,
            call.response_model,
            call.request_model,
            call.tier,
            call.speed,
            call.region,
            call.variant,
            call.host,
        )
        terms = self._known.get(key) or self._unknown.get(key) or self.terms_of(key)
        usage, at_ns = call.usage, call.start_ns or time.time_ns()
        segment = terms.last
        if not segment.from_ns <= at_ns < segment.to_ns:
            segment = terms.at(at_ns)
        plan = segment.plan
        if call.notes or call.lines or call.reported is not None or terms.odd or not usage:
            return price_oddly(self, call, terms)
        if plan is None:
            return Priced(UNPRICED, None, {}, at_port(segment.reasons, call.host, call.port), self.version)
        if plan.first is not None:
            return self._multiplied(call, terms, plan, plan.first, plan.sure)
        if plan.plain:
            return self._multiplied(call, terms, plan, plan.level(usage, at_ns).whole, FOREVER)
        return price_oddly(self, call, terms)

    def _multiplied(self, call: Call, terms: Terms, plan: Plan, rates: WholeRates, sure: int) -> Priced:
        # The common call: whole numbers of tokens at whole femto-dollars. Kept flat, it runs for every call.
        amount = savings = 0
        components: dict[str, int] = {}
        try:
            for meter, quantity in call.usage.items():
                component, each, saved = rates[meter]
                if type(quantity) is not int or quantity < 0:
                    return price_oddly(self, call, terms)
                part = quantity * each
                if part:
                    amount += part
                    if component in components:
                        components[component] += part
                    else:
                        components[component] = part
                    if saved:
                        savings += quantity * saved
        except KeyError:  # a meter without a whole rate
            return price_oddly(self, call, terms)
        if amount > sure:
            level = plan.level(call.usage, call.start_ns)
            if level.whole is not rates:
                return self._multiplied(call, terms, plan, level.whole, FOREVER)
        return Priced(EXACT, amount, components, (), self.version, (), savings)

    def terms_of(self, key: TermsKey) -> Terms:
        """The terms of a key, kept in bounded tables: unknown names cannot push out known ones."""
        terms = self._known.get(key) or self._unknown.get(key)
        if terms is None:
            terms = self._make_terms(key)
            kept, limit = (
                (self._known, _KNOWN_LIMIT) if terms.is_priced() else (self._unknown, _UNKNOWN_LIMIT)
            )
            if sum(map(len, key)) > _LONGEST_KEY:
                return terms
            if len(kept) >= limit:
                kept.clear()
            kept[key] = terms
        return terms

    def dearest(
        self,
        provider: str,
        model: str,
        *,
        input_tokens: int,
        output_tokens: int,
        units: Mapping[str, int] | None = None,
        host: str = "",
        region: str = "",
        at_ns: int = 0,
        never: Collection[str] = (),
    ) -> int | None:
        """Femto-dollars that a call cannot exceed, over every tier, speed, threshold, cache write and hour.

        `never` names tiers and speeds that it cannot be served at. Over every region, too, where neither `region`
        nor the host tells it. `units` counts what is billed beside tokens (meter -> count), of the dearest variant.
        None where something has no price. Milliseconds: keep it.
        """
        asked = (provider, model, host, region, at_ns or time.time_ns(), bool(units), frozenset(never))
        plans = self._billable.get(asked)
        if plans is None:
            if len(self._billable) >= _PROBES_KEPT:
                self._billable.clear()
            plans = self._billable[asked] = self._billable_plans(*asked)
        return dearest(plans, input_tokens, output_tokens, units or {})

    def _billable_plans(
        self,
        provider: str,
        model: str,
        host: str,
        region: str,
        at_ns: int,
        units: bool,
        never: frozenset[str],
    ) -> list[Plan]:
        found, provider = self._find(provider, model, host)
        if found is None:
            return []
        place = region or found.region or region_of_host(host)
        terms = every_terms(found, provider, place, host, of_variants=units, never=never)
        # The name that answers may be another one, without the discount of the name that was asked for.
        sure = [discount for discount in self.own.discounts if discount.model == ANY]
        segments = [make_terms(found, wanted, sure, ()).at(at_ns) for wanted in terms]
        return [segment.plan for segment in segments if segment.plan is not None]

    def warm(self, provider: str) -> None:
        """Makes a provider's page ready (milliseconds), so that the first call that it prices does not wait."""
        self.catalogue.page(provider_name(provider))

    def max_output(self, provider: str, model: str) -> int | None:
        """The model's published maximum of output tokens, None where it is not known."""
        return max((row.max_output for row in self.rows(provider, model) if row.max_output), default=None)

    def context_window(self, provider: str, model: str) -> int | None:
        """The model's published context window in tokens, None where it is not known."""
        return max(
            (row.context_window for row in self.rows(provider, model) if row.context_window), default=None
        )

    def maker(self, model: str) -> str:
        """The provider that makes a model and sells it itself, for a person who names the model alone.

        "" where none is known, or several. Calls are not priced so: their host says who answered.
        """
        makers = [name for name in MAKERS if self._find(name, model, "")[0] is not None]
        return makers[0] if len(makers) == 1 else ""

    def rows(self, provider: str, model: str, at_ns: int | None = None) -> list[Row]:
        """Every row that may price a model name at a provider, the user's first; [] for an unknown one.

        With an instant (nanoseconds since the epoch) those that are in force then, of the model that the name means.
        """
        found, _ = self._find(provider, model, "")
        candidates = found.candidates if found is not None else []
        if at_ns is not None:
            candidates = [c for c in candidates if c.from_ns <= at_ns < c.to_ns]
            candidates = [c for c in candidates if c.kind == MOVED] or candidates
        return [candidate.row for candidate in candidates]

    def _find(self, provider: str, model: str, host: str) -> tuple[Found | None, str]:
        named = provider_name(provider)
        prefix, slash, _ = model.partition("/")
        if slash and not named and not host and provider_name(prefix) in self.catalogue.snapshot.texts:
            named = provider_name(prefix)
        return (self.catalogue.find(named, model) if named else None), named

    def _make_terms(self, key: TermsKey) -> Terms:
        provider, response_model, request_model, tier, speed, region, variant, host = key
        model = response_model or request_model
        if tier == COMMITTED_TIER or is_committed(provider_name(provider), request_model or model):
            return committed_terms()
        doubts: tuple[str, ...] = ()
        found, named = self._find(provider, model, host)
        asked = found
        if request_model not in ("", model):
            asked, asked_at = self._find(provider, request_model, host)
            if found is None and asked is not None:
                found, named, model = asked, asked_at, request_model
                if request_model not in self.catalogue.models:
                    doubts = (_matched(response_model, request_model),)
        if found is None:
            return unknown_terms(_unknown_reason(provider_name(provider), model, host))
        # A regional profile stands in the request only; the answer names the bare model.
        named_place = (
            (asked.region if asked is not None else "") or region_of(named, request_model) or found.region
        )
        place = named_place or region or region_of_host(host)
        speed = "" if speed == "standard" else speed
        wanted = Wanted(named, model, TIER_SPELLINGS.get(tier, tier), speed, place.lower(), variant)
        return make_terms(found, wanted, self.own.discounts, doubts)


def _matched(response_model: str, request_model: str) -> str:
    return note("matched", f"{response_model} is unknown, priced as the request's {request_model}")


def _unknown_reason(provider: str, model: str, host: str) -> str:
    provider, model = provider[:_LONGEST_NAME], model[:_LONGEST_NAME]
    if provider in (semconv.LOCAL, semconv.OLLAMA):
        return local_reason(model or "a model", host[:_LONGEST_NAME])
    if provider in ("", semconv.UNKNOWN):
        return note("no-price", f"the provider of {model or 'this call'} is unknown; remedy: name its host")
    return note(
        "no-price", f"{provider} {model or '(no model named)'} is in no price list; remedy: a price row"
    )


def _version(snapshot: Snapshot, own: OwnPrices, models: Mapping[str, str]) -> str:
    if not (own.rows or own.discounts or own.sizes or models):
        return f"{snapshot.date}+{snapshot.digest[:8]}"
    import hashlib  # loads OpenSSL: only for who has prices of his own

    facts = json.dumps([snapshot.digest, own.fingerprint(), sorted(models.items())], default=str)
    return f"{snapshot.date}+{hashlib.sha256(facts.encode()).hexdigest()[:8]}"
