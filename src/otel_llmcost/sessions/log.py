"""What sessions say about themselves (task, status, metadata, time per stage), kept beside the ledger.

A file of JSON lines, one appended whenever a session starts and ends; the last line of an id counts. Its
calls are in the ledger under the same session id.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from ..ledger.location import prepare_directory

FILE_NAME = "sessions.jsonl"
RUNNING, COMPLETED, FAILED = "running", "completed", "failed"
STATUSES = (RUNNING, COMPLETED, FAILED)
_CAP_BYTES = 64 * 1024 * 1024

_log = logging.getLogger("otel_llmcost")


@dataclass(slots=True)
class SessionRecord:
    """One session. Times are ns since the epoch in UTC (`ended_ns` 0: still running), stages in seconds."""

    id: str
    started_ns: int
    ended_ns: int = 0
    status: str = RUNNING
    task: str = ""
    mode: str = ""
    directory: str = ""
    phase: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    """Stage -> seconds of wall time, nested stages apart."""
    within: str = ""
    """The id of the session in which it was started."""

    def as_line(self) -> str:
        """The record as one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=True, separators=(",", ":")) + "\n"

    @classmethod
    def of_line(cls, line: str) -> SessionRecord | None:
        """The record of a line, None for one that is damaged."""
        try:
            values = json.loads(line)
        except ValueError:
            return None
        if not isinstance(values, dict) or not isinstance(values.get("id"), str):
            return None
        if not isinstance(values.get("started_ns"), int):
            return None
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


class SessionLog:
    """The file. Appends are single writes, so that processes do not mix their lines."""

    def __init__(self, directory: Path, *, cap_bytes: int = _CAP_BYTES) -> None:
        self.path = directory / FILE_NAME
        self._cap_bytes = cap_bytes
        self._failed = False

    def keep(self, record: SessionRecord) -> bool:
        """Appends a record. Never raises: what cannot be written is one log line."""
        try:
            prepare_directory(self.path.parent)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                if os.fstat(descriptor).st_size > self._cap_bytes:
                    return self._fail(f"it has reached {self._cap_bytes} bytes; remedy: otel-llmcost prune")
                os.write(descriptor, record.as_line().encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            return self._fail(error.strerror or type(error).__name__)
        return True

    def records(self, since_ns: int = 0, until_ns: int | None = None) -> list[SessionRecord]:
        """The sessions that started in the range, oldest first, each as it was last kept."""
        latest: dict[str, SessionRecord] = {}
        for record in self._all():
            if since_ns <= record.started_ns and (until_ns is None or record.started_ns < until_ns):
                latest[record.id] = record
        return sorted(latest.values(), key=lambda record: record.started_ns)

    def runs(self) -> list[SessionRecord]:
        """Every run of every session, oldest first: an id may be used again."""
        latest = {(record.id, record.started_ns): record for record in self._all()}
        return sorted(latest.values(), key=lambda record: record.started_ns)

    def prune(self, before_ns: int) -> int:
        """Forgets the runs of sessions that started before; answers how many. Raises OSError."""
        kept = self.runs()
        old = [record for record in kept if record.started_ns < before_ns]
        if old:
            self._replace(record for record in kept if record.started_ns >= before_ns)
        return len(old)

    def _all(self) -> Iterable[SessionRecord]:
        try:
            with self.path.open(encoding="ascii", errors="replace") as lines:
                for line in lines:
                    record = SessionRecord.of_line(line)
                    if record is not None:
                        yield record
        except FileNotFoundError:
            return

    def _replace(self, records: Iterable[SessionRecord]) -> None:
        descriptor, draft = tempfile.mkstemp(dir=self.path.parent, prefix=FILE_NAME)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(record.as_line() for record in records)
        Path(draft).replace(self.path)

    def _fail(self, why: str) -> bool:
        if not self._failed:
            self._failed = True
            _log.warning("otel-llmcost: sessions are not kept in %s: %s", self.path, why)
        return False
