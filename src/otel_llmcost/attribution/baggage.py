"""Attribution across processes: baggage, in and out, only for the keys that the user names, never to
providers.

What comes in fills gaps only and is added after budgets have looked (`active.for_request` against
`active.with_inbound`), so nobody chooses a budget from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from opentelemetry import baggage, trace
from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from ..call import NO_TAGS, Tags
from .scope import current
from .tags import field_of, from_mapping, own_key

_TO_PROVIDER = create_key("otel_llmcost_to_provider")
_HOST_ATTRIBUTES = ("server.address", "net.peer.name", "http.host")
_URL_ATTRIBUTES = ("url.full", "http.url")


def from_baggage(allowed: Collection[str], context: Context | None = None) -> Tags:
    """Tags of the baggage entries that are allowed in, by name."""
    if not allowed:
        return NO_TAGS
    entries = baggage.get_all(context)
    return from_mapping({key: entries[key] for key in allowed if key in entries}) if entries else NO_TAGS


def to_baggage(tags: Tags, allowed: Collection[str], context: Context | None = None) -> Context:
    """The context with the allowed tags in its baggage, under the names that the user gave."""
    context = context if context is not None else Context()
    for key in allowed:
        field = field_of(key)
        value = getattr(tags, field) if field else tags.own.get(own_key(key), "")
        if value:
            context = baggage.set_baggage(key, value, context)
    return context


def to_provider(context: Context) -> Context:
    """The context marked as that of a request to a provider: our baggage stays out of it."""
    return set_value(_TO_PROVIDER, True, context)


class AttributionPropagator(TextMapPropagator):
    """The program's propagator, with the tags that may go out put into baggage, and taken out of it for
    providers.

    A request goes to a provider when the watching engine marked its context (`to_provider`) or when the
    current HTTP span names a host for which `is_provider_host` says so. Baggage of others is left alone.
    """

    def __init__(
        self,
        inner: TextMapPropagator,
        *,
        outbound: Collection[str],
        inbound: Collection[str] = (),
        is_provider_host: Callable[[str], bool],
    ) -> None:
        self.inner = inner
        self._outbound = tuple(outbound)
        self._ours = (*outbound, *inbound)
        self._is_provider_host = is_provider_host

    def extract(
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        """What came in, as the program's own propagator reads it."""
        return self.inner.extract(carrier, context, getter)

    def inject(
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        """What goes out: with the tags that may, or, to a provider, without any of ours."""
        from opentelemetry.context import get_current

        here = context if context is not None else get_current()
        if self._goes_to_provider(here):
            for key in self._ours:
                here = baggage.remove_baggage(key, here)
        else:
            here = to_baggage(current(), self._outbound, here)
        self.inner.inject(carrier, here, setter)

    @property
    def fields(self) -> set[str]:
        """The headers of the program's own propagator."""
        return self.inner.fields

    def _goes_to_provider(self, context: Context) -> bool:
        if get_value(_TO_PROVIDER, context):
            return True
        host = _host_of(trace.get_current_span(context))
        return bool(host) and self._is_provider_host(host)


def _host_of(span: trace.Span) -> str:
    attributes = getattr(span, "attributes", None) or {}
    for name in _URL_ATTRIBUTES:
        value = attributes.get(name)
        if isinstance(value, str) and "//" in value:
            return _host_of_url(value)
    for name in _HOST_ATTRIBUTES:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def _host_of_url(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
