"""The served terms in our names: providers spell tiers, speeds and regions each in their own way."""

from __future__ import annotations

from ..call import COMMITTED_NOTE, note

STANDARD = "standard"
BATCH = "batch"
FLEX = "flex"
PRIORITY = "priority"
ULTRAFAST = "ultrafast"
COMMITTED = "committed"

TIERS = {
    # OpenAI: `fast` is the newer name of priority, `scale` is throughput bought beforehand.
    "default": STANDARD,
    "standard": STANDARD,
    "auto": "",
    "flex": FLEX,
    "priority": PRIORITY,
    "fast": PRIORITY,
    "ultrafast": ULTRAFAST,
    "batch": BATCH,
    "scale": COMMITTED,
    # Anthropic: the request says `standard_only`.
    "standard_only": STANDARD,
    # Groq.
    "on_demand": STANDARD,
    # Bedrock: capacity reserved beforehand.
    "reserved": COMMITTED,
    # Gemini and Vertex, `trafficType`.
    "on_demand_priority": PRIORITY,
    "on_demand_flex": FLEX,
    "provisioned_throughput": COMMITTED,
    "traffic_type_unspecified": "",
    "service_tier_unspecified": "",
    "unspecified": "",
}


def tier(said: object) -> str:
    """Our name of a provider's tier; an unknown one is kept, so that it is never priced as standard."""
    if not isinstance(said, str) or not said:
        return ""
    known = TIERS.get(said)
    if known is not None:
        return known
    lower = said.lower()
    return TIERS.get(lower, lower)


def speed(said: object) -> str:
    """The served speed where it is not the standard one; an unknown one is kept, as an unknown tier is."""
    lower = said.lower() if isinstance(said, str) else ""
    return "" if lower == STANDARD else lower


def bought_beforehand(said: object) -> str:
    """The note of a call that ran on capacity bought beforehand, which has no price of its own."""
    return note(COMMITTED_NOTE, f"served on {said!r}, capacity bought beforehand")
