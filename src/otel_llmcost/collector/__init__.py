"""The price book as an OpenTelemetry Collector configuration: spans of any language, priced on their way.

`pricing_document` writes collector-config/pricing.yaml; how it works: docs/backends.md.
"""

from __future__ import annotations

from .document import Options, pricing_document

__all__ = ["Options", "pricing_document"]
