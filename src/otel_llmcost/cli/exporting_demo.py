"""The demo's program with an ear on its exporters: `python -m ... FILE` leaves in FILE what became of the export.

An exporter tells nobody but its log that nothing arrived.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider

from ..server import demo_program
from ..telemetry import flush_providers, sdk_provider

_FLUSH_S = 60


class _Failures(logging.Handler):
    """What exporters gave up, each once."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the message of a record."""
        message = record.getMessage()
        if message not in self.said:
            self.said.append(message)


def main(file: Path) -> None:
    """Runs the program and sends what it made; `file` gets {"made": [what has a pipeline], "failures": [...]}."""
    heard = _Failures()
    logging.getLogger("opentelemetry").addHandler(heard)
    demo_program.main()
    flush_providers(_FLUSH_S)
    made = ["spans"] if sdk_provider(trace.get_tracer_provider()) is not None else []
    if isinstance(metrics.get_meter_provider(), MeterProvider):
        made.append("counters")
    file.write_text(json.dumps({"made": made, "failures": heard.said}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
