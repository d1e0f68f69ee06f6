"""Programs beside other instrumentations: run once each, their spans, metrics and ledger read as values."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path

from otel_llmcost.ledger.row import LedgerRow
from otel_llmcost.server.demo_provider import DemoProvider

from ..acceptance.conftest import World
from ..acceptance.ledger_sum import ledger_calls
from ..acceptance.sink import ReceivedSpan, Sink
from ..matrix.ahead import Ahead
from ..matrix.environments import python_of
from .beside import Beside

APP = Path(__file__).parent / "app.py"
OTHERS = (
    "openai,anthropic,langchain,openai_agents,openai-agents,litellm,pydantic-ai,logfire,requests,httpx,urllib3,"
    "aiohttp-client,aiohttp-server,asyncio,threading,botocore,boto3,click,tortoiseorm,jinja2,starlette,fastapi"
)
"""Entry points that `opentelemetry-instrument` would load by itself; the program switches on what it wants."""
_VOLATILE = (
    "llmcost.",
    "gen_ai.usage.cost",
    "code.",
    "process.",
    "logfire.msg",
    "thread.",
    "duration",
    "logfire.exception.fingerprint",
)


@dataclass
class Run:
    """What a program left behind."""

    sink: Sink
    ledger: list[LedgerRow] = field(default_factory=list)

    @property
    def theirs(self) -> list[ReceivedSpan]:
        """Spans of neither the program nor us."""
        return [span for span in self.sink.spans if span.scope not in ("app", "otel_llmcost")]

    def costs(self) -> dict[str, list[Decimal]]:
        """Name of each call that stood in a span of the program -> every cost on a span of its trace."""
        calls = {span.trace_id: span.name for span in self.sink.spans if span.scope == "app"}
        found: dict[str, list[Decimal]] = {name: [] for name in calls.values()}
        for span in self.sink.priced:
            if span.trace_id in calls:
                found[calls[span.trace_id]].append(Decimal(repr(span.attributes["gen_ai.usage.cost"])))
        return found

    def carriers(self) -> set[str]:
        """Scopes of the spans that say a cost."""
        return {span.scope for span in self.sink.priced}

    def recorded(self, metric: str) -> int:
        """Measurements of a histogram, whoever made them."""
        return sum(point.count for point in self.sink.latest(metric))

    def said(self, scope: str) -> list[str]:
        """What the other's spans say, without ids, times and what we add: the same with us and without us."""
        return sorted(
            json.dumps([span.scope, span.name, span.status, {k: _steady(k, v) for k, v in kept.items()}])
            for span in self.theirs
            if span.scope.startswith(scope)
            and (kept := {k: v for k, v in sorted(span.attributes.items()) if not k.startswith(_VOLATILE)})
        )


def _steady(name: str, value: object) -> object:
    """A value where it is the same in every run; else that there was one."""
    text = str(value)
    changes = (
        "fingerprint",
        "demo",
        "127.0.0.1",
        "0x",
        "id",
        "time",
        "created",
        "traceparent",
        "at ",
        "stack",
        "server.port",
    )
    return "..." if any(part in text or part in name for part in changes) else value


class Programs:
    """Runs programs, each once: several tests look at the same run."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder
        self._ahead = Ahead()

    def close(self) -> None:
        self._ahead.close()

    def begin(self, beside: Beside, us: str) -> None:
        """Run it as soon as a processor is free."""
        wanted = _wanted(beside.calls, beside.others, us, (True, False))
        self._ahead.begin(wanted, partial(self._start, wanted, us, beside.environment))

    def run(
        self,
        calls: str,
        others: tuple[str, ...],
        us: str,
        environment: str,
        rooted: tuple[bool, ...] = (True, False),
    ) -> Run:
        wanted = _wanted(calls, others, us, rooted)
        return self._ahead.result(wanted, partial(self._start, wanted, us, environment))

    def _start(self, wanted: str, us: str, name: str) -> Run:
        python = python_of(f"coexistence-{name}")
        with DemoProvider() as openai, DemoProvider() as anthropic, Sink() as sink:
            world = World(openai, anthropic, sink, self._folder("together"))
            command = [str(python), str(APP), wanted]
            environment = world.environment(
                ANTHROPIC_API_BASE=anthropic.url,
                LITELLM_LOCAL_MODEL_COST_MAP="True",
                USE_OTEL_LITELLM_REQUEST_SPAN="true",
            )
            if us == "unwatched":
                command.insert(0, str(python.parent / "opentelemetry-instrument"))
                disabled = f"llmcost-openai,llmcost-anthropic,{OTHERS}"
                environment["OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"] = disabled
            environment["PATH"] = f"{python.parent}{os.pathsep}{environment.get('PATH', '')}"
            done = subprocess.run(
                command,
                env=environment,
                cwd=world.folder,
                capture_output=True,
                text=True,
                timeout=180,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            assert "otel-llmcost:" not in done.stderr
            assert "Failed to detach context" not in done.stderr
            return Run(sink, ledger_calls(world.ledger) if world.ledger.exists() else [])


def _wanted(calls: str, others: tuple[str, ...], us: str, rooted: tuple[bool, ...]) -> str:
    return json.dumps({"calls": calls, "with": others, "us": us, "rooted": rooted})
