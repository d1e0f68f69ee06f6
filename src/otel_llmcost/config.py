"""Every setting, read once: the environment (`OTEL_LLMCOST_*`) over one file, `otel-llmcost.toml`.

The file is `$OTEL_LLMCOST_CONFIG`, else `otel-llmcost.toml` in the working directory, else in the user's
configuration directory. One that merely lies in the working directory may not name webhooks, update addresses or
code to import. What is wrong in it is a problem with file and line; the rest keeps working.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .toml_source import TomlDocument, TomlTable

FILE_NAME = "otel-llmcost.toml"
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})
_CONTENT_ON = frozenset({"span_only", "span_and_event", "true"})
HISTOGRAM_MODES = ("auto", "on", "off")
PEOPLE_MODES = ("off", "given", "hash", "plain")
DIALECTS = ("openinference", "logfire", "langfuse", "draft")
_NO_LABELS = ("user", "conversation", "session")
_LABELS = "source, stage, team, feature and your own tags; people, conversations, sessions are never labels"
_DAY_S, _CENTURY_DAYS, _PEBIBYTE = 86_400, 36_500, 2**50


class Config:
    """All settings, each with its default. Durations are seconds, sizes bytes.

    No data class: making one of so many fields takes longer than reading all settings.
    """

    enabled: bool = True
    ledger_enabled: bool = True
    ledger_directory: Path | None = None
    ledger_retention_days: int = 90
    ledger_cap_bytes: int = 256 * 1024 * 1024
    ledger_busy_timeout_s: float = 5.0
    exit_timeout_s: float = 2.0
    run_id: str = ""
    hosts: Mapping[str, str] = MappingProxyType({})
    """host, host:port or host:port/path-prefix -> provider (or "delegated")."""
    models: Mapping[str, str] = MappingProxyType({})
    """Opaque deployment or profile name -> model, optionally "provider/model"."""
    tags: Mapping[str, str] = MappingProxyType({})
    metric_tags: tuple[str, ...] = ("source",)
    dialects: tuple[str, ...] = ()
    capture_content: bool = False
    include_usage: bool = False
    histograms: str = "auto"
    people: str = "given"
    people_key: str = ""
    baggage_in: tuple[str, ...] = ()
    baggage_out: tuple[str, ...] = ()
    resource: Mapping[str, str] = MappingProxyType({})
    """OTEL_RESOURCE_ATTRIBUTES."""
    new_metric_names: bool = False
    price_files: tuple[Path, ...] = ()
    prices_directory: Path | None = None
    """Where updated prices are kept; the user's state directory, unless said."""
    price_update_from: str = ""
    """The https address from which prices are updated in the background; never, unless said."""
    price_update_key: str = ""
    """The publisher's Ed25519 public key (base64 or hexadecimal), without which nothing is updated."""
    service: str = ""
    document: TomlDocument | None = None
    trusted_document: bool = False

    def __init__(self) -> None:
        self.problems: list[ConfigurationError] = []
        self.fatal: list[ConfigurationError] = []
        """Mistakes in budgets that should block: the program is told at its start."""

    def table(self, *path: str) -> TomlTable | None:
        """A table of the file, such as `table("budgets")`; None where there is none."""
        if self.document is None:
            return None
        table: TomlTable | None = self.document.table
        for key in path:
            table = table.inner(key) if table is not None else None
        return table


class _Reader:
    """Looks a setting up in the environment, then in the file; what is wrong becomes a problem."""

    def __init__(self, environ: Mapping[str, str], config: Config) -> None:
        self.environ, self.config = environ, config

    def raw(self, name: str, *path: str) -> tuple[object, str, int]:
        """(value or None, where it was said, line)."""
        variable = f"OTEL_LLMCOST_{name}"
        text = self.environ.get(variable)
        if text:  # empty is unset, as OpenTelemetry has it
            return text, variable, 0
        table = self.config.table(*path[:-1]) if path else None
        if table is None or path[-1] not in table:
            return None, "", 0
        return table[path[-1]], ".".join(path), table.line(path[-1])

    def wrong(self, key: str, line: int, value: object, allowed: str) -> None:
        document = self.config.document
        file = str(document.path) if line and document is not None else ""
        self.config.problems.append(
            ConfigurationError(
                "is not understood", file=file, line=line, key=key, value=value, allowed=allowed
            )
        )

    def flag(self, default: bool, name: str, *path: str) -> bool:
        value, key, line = self.raw(name, *path)
        if value is None:
            return default
        text = str(value).strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        self.wrong(key, line, value, "true or false")
        return default

    def number(self, default: float, most: int, name: str, *path: str, whole: bool = False) -> float:
        value, key, line = self.raw(name, *path)
        if value is None:
            return default
        try:
            number = float(str(value))
        except ValueError:
            number = -1.0
        if not 0 <= number <= most or (whole and number % 1):
            kind = "whole number" if whole else "number"
            self.wrong(key, line, value, f"a {kind} that is not negative, up to {most}")
            return default
        return number

    def text(self, default: str, name: str, *path: str) -> str:
        value, _, _ = self.raw(name, *path)
        return default if value is None else str(value).strip()

    def trusted(self, name: str, *path: str) -> str:
        """A text that a file which merely lies in the working directory may not set."""
        value, key, line = self.raw(name, *path)
        if line and not self.config.trusted_document:
            self.wrong(key, line, value, "only in the environment, or in a file that you named")
            return ""
        return "" if value is None else str(value).strip()

    def choice(self, default: str, allowed: tuple[str, ...], name: str, *path: str) -> str:
        value, key, line = self.raw(name, *path)
        text = default if value is None else str(value).strip().lower()
        if text in allowed:
            return text
        self.wrong(key, line, value, ", ".join(allowed))
        return default

    def names(self, default: tuple[str, ...], name: str, *path: str) -> tuple[str, ...]:
        value, key, line = self.raw(name, *path)
        if value is None:
            return default
        if isinstance(value, str):
            if value.strip().lower() == "none":  # an empty variable is an unset one
                return ()
            return tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return tuple(value)
        self.wrong(key, line, value, "a list of texts")
        return default

    def fitting(
        self, default: tuple[str, ...], fits: Callable[[str], bool], allowed: str, name: str, *path: str
    ) -> tuple[str, ...]:
        """Those of the names that fit; each other one is a problem, and where none fits the default holds."""
        named = self.names(default, name, *path)
        good = tuple(one for one in named if fits(one))
        _, key, line = self.raw(name, *path)
        for one in named:
            if one not in good:
                self.wrong(key, line, one, allowed)
        return good or default if named else ()

    def pairs(self, name: str, *path: str, free: bool = False) -> dict[str, str]:
        """Pairs of the file's table, then those of the variable ("a=b,c=d") over them; `free`: values of any kind."""
        found: dict[str, str] = {}
        table = self.config.table(*path)
        for key in table or ():
            value = table[key] if table is not None else None
            if isinstance(value, str):
                found[key] = value
            elif table is not None:
                self.wrong(".".join((*path, key)), table.line(key), value, "a text")
        for part in self.environ.get(f"OTEL_LLMCOST_{name}", "").split(","):
            left, equals, right = part.partition("=")
            if equals and left.strip() and (free or (right.strip() and "=" not in right)):
                found[left.strip()] = right.strip()
            elif part.strip():
                self.wrong(f"OTEL_LLMCOST_{name}", 0, part, "name=value,name=value")
        return found


def load_config(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Config:
    """Read all settings; never raises, what is wrong stands in `problems`."""
    environ = os.environ if environ is None else environ
    config = Config()
    _load_file(config, environ, directory)
    read = _Reader(environ, config)
    config.enabled = not read.flag(False, "DISABLED", "disabled")
    _read_ledger(config, read, environ)
    config.exit_timeout_s = read.number(2.0, _DAY_S, "EXIT_TIMEOUT", "exit_timeout")
    config.run_id = read.text("", "RUN_ID")
    config.hosts = read.pairs("HOSTS", "hosts")
    config.models = read.pairs("MODELS", "models")
    config.tags = read.pairs("TAGS", "tags", free=True)
    config.metric_tags = read.fitting(
        ("source",), lambda tag: tag not in _NO_LABELS, _LABELS, "METRIC_TAGS", "metrics", "tags"
    )
    known = read.fitting(
        (), lambda name: name.lower() in DIALECTS, ", ".join(DIALECTS), "DIALECTS", "dialects"
    )
    config.dialects = tuple(name.lower() for name in known)
    config.include_usage = read.flag(False, "INCLUDE_USAGE", "include_usage")
    config.histograms = read.choice("auto", HISTOGRAM_MODES, "HISTOGRAMS", "metrics", "histograms")
    config.people = read.choice("given", PEOPLE_MODES, "PEOPLE", "people", "ids")
    config.people_key = read.text("", "PEOPLE_KEY", "people", "key")
    config.baggage_in = read.names((), "BAGGAGE_IN", "baggage", "in")
    config.baggage_out = read.names((), "BAGGAGE_OUT", "baggage", "out")
    files = read.names((), "PRICES", "prices", "files")
    config.price_files = tuple(Path(name).expanduser() for name in files)
    place = read.text("", "PRICES_DIR", "prices", "directory")
    config.prices_directory = Path(place).expanduser() if place else None
    config.price_update_from = read.trusted("PRICES_UPDATE_FROM", "prices", "update_from")
    config.price_update_key = read.trusted("PRICES_UPDATE_KEY", "prices", "update_key")
    _read_standard(config, environ)
    return config


def _load_file(config: Config, environ: Mapping[str, str], directory: Path | None) -> None:
    path, trusted = _find_file(environ, directory)
    if path is None:
        return
    from .toml_source import read_toml  # many programs have no settings file

    try:
        config.document = read_toml(path)
    except ConfigurationError as problem:
        config.problems.append(problem)
    except OSError as problem:
        config.problems.append(
            ConfigurationError(
                f"cannot be read: {problem.strerror}", file=str(path), allowed="a readable TOML file"
            )
        )
    config.trusted_document = trusted


def _find_file(environ: Mapping[str, str], directory: Path | None) -> tuple[Path | None, bool]:
    named = environ.get("OTEL_LLMCOST_CONFIG", "")
    if named:
        return Path(named).expanduser(), True
    try:
        here = (directory or Path.cwd()) / FILE_NAME
        if here.is_file():
            return here, False
        home = environ.get("XDG_CONFIG_HOME") or (
            Path(environ["HOME"]) / ".config" if "HOME" in environ else ""
        )
        own = Path(home) / "otel-llmcost" / FILE_NAME if home else None
        return (own, True) if own is not None and own.is_file() else (None, False)
    except OSError:
        return None, False


def _read_ledger(config: Config, read: _Reader, environ: Mapping[str, str]) -> None:
    config.ledger_enabled = read.flag(True, "LEDGER_ENABLED", "ledger", "enabled")
    place = read.text("", "LEDGER", "ledger", "directory")
    if place.lower() in ("off", "none"):
        config.ledger_enabled = False
    elif place:
        config.ledger_directory = Path(place).expanduser()
    days = read.number(90, _CENTURY_DAYS, "RETENTION_DAYS", "ledger", "retention_days", whole=True)
    cap = read.number(256 * 1024 * 1024, _PEBIBYTE, "LEDGER_CAP_BYTES", "ledger", "cap_bytes")
    config.ledger_retention_days, config.ledger_cap_bytes = int(days), int(cap)
    config.ledger_busy_timeout_s = read.number(5.0, _DAY_S, "LEDGER_TIMEOUT", "ledger", "timeout")


def _read_standard(config: Config, environ: Mapping[str, str]) -> None:
    """OpenTelemetry's own variables keep their meaning."""
    content = environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "").strip().lower()
    config.capture_content = content in _CONTENT_ON
    opted = environ.get("OTEL_SEMCONV_STABILITY_OPT_IN", "")
    config.new_metric_names = "gen_ai_latest_experimental" in {part.strip() for part in opted.split(",")}
    config.service = environ.get("OTEL_SERVICE_NAME", "")
    pairs = (pair.partition("=") for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","))
    config.resource = {name.strip(): unquote(value.strip()) for name, equals, value in pairs if equals}
    if not config.service:
        config.service = config.resource.get("service.name", "")
