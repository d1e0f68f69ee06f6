"""A provider on loopback that speaks OpenAI's and Anthropic's HTTP, for the demo and for tests.

`with DemoProvider() as provider:` starts it on a free port of 127.0.0.1. What it answers, and the exact
usage of every answer, is written down in `README.md` beside this file.
"""

from __future__ import annotations

from .exchange import Reply, SeenRequest, ServerEvent
from .service import DemoProvider

__all__ = ["DemoProvider", "Reply", "SeenRequest", "ServerEvent"]
