"""Every setting, read once: the environment (`OTEL_LLMCOST_*`) over one file, `otel-llmcost.toml`.

The file is `$OTEL_LLMCOST_CONFIG`, else `otel-llmcost.toml` in the working directory, else in that of `otel-llmcost run`,
which started the program (`$OTEL_LLMCOST_PROJECT_CONFIG`), else in the user's configuration directory. One that merely
lies in a working directory may not name webhooks, update addresses or code to import; its relative paths are from where
it lies. What is wrong in it is a problem with file and line; the rest keeps working.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from .errors import ConfigurationError
from .setting_names import unknown_settings
from .setting_reader import Reader, table_of

if TYPE_CHECKING:
    from .toml_source import TomlDocument, TomlTable

FILE_NAME = "otel-llmcost.toml"
PROJECT_VARIABLE = "OTEL_LLMCOST_PROJECT_CONFIG"
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
        """Mistakes in budgets that should block, and a file that is there and cannot be read: the program is told."""

    def table(self, *path: str) -> TomlTable | None:
        """A table of the file, such as `table("budgets")`; None where there is none."""
        return table_of(self.document, path)


def load_config(environ: Mapping[str, str] | None = None, directory: Path | None = None) -> Config:
    """Read all settings; never raises, what is wrong stands in `problems`."""
    environ = os.environ if environ is None else environ
    config = Config()
    _load_file(config, environ, directory)
    read = Reader(environ, config.document, trusted=config.trusted_document, problems=config.problems)
    config.enabled = not read.flag(False, "DISABLED", "disabled")
    _read_ledger(config, read, environ)
    config.exit_timeout_s = read.number(2.0, _DAY_S, "EXIT_TIMEOUT", "exit_timeout")
    config.run_id = read.text("", "RUN_ID")
    config.hosts = read.pairs("HOSTS", "hosts", keys=_mistake_in_host)
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
    config.price_files = tuple(read.located(name, "PRICES", "prices", "files") for name in files)
    place = read.text("", "PRICES_DIR", "prices", "directory")
    config.prices_directory = read.located(place, "PRICES_DIR", "prices", "directory") if place else None
    config.price_update_from = read.trusted("PRICES_UPDATE_FROM", "prices", "update_from")
    config.price_update_key = read.trusted("PRICES_UPDATE_KEY", "prices", "update_key")
    _read_standard(config, environ)
    config.problems += unknown_settings(config.document, environ)
    return config


def _load_file(config: Config, environ: Mapping[str, str], directory: Path | None) -> None:
    path, trusted = find_file(environ, directory)
    if path is None:
        return
    from .toml_source import read_toml  # many programs have no settings file

    try:
        config.document = read_toml(path)
    except ConfigurationError as problem:
        config.problems.append(problem)
        # whatever budgets it has are not in force
        if os.path.exists(path):  # noqa: PTH110 - `Path.exists` raises where it may not look
            config.fatal.append(problem)
    config.trusted_document = trusted


def find_file(environ: Mapping[str, str], directory: Path | None = None) -> tuple[Path | None, bool]:
    """The settings file in force, and whether it is trusted; None where there is none.

    Only a file that is named, or lies in the user's configuration directory, is trusted. `directory` is the working
    directory, unless said.
    """
    named = environ.get("OTEL_LLMCOST_CONFIG", "")
    if named:
        return Path(named).expanduser(), True
    for place, trusted in _places(environ, directory):
        if os.path.isfile(place):  # noqa: PTH113 - `Path.is_file` raises where it may not look
            return place, trusted
    return None, False


def _places(environ: Mapping[str, str], directory: Path | None) -> Iterator[tuple[Path, bool]]:
    """Where a settings file may be, nearest first, and whether one there is trusted."""
    with suppress(OSError):  # the working directory may be gone
        yield (directory or Path.cwd()) / FILE_NAME, False
    project = environ.get(PROJECT_VARIABLE, "")
    if project:
        yield Path(project), False
    home = environ.get("XDG_CONFIG_HOME") or (Path(environ["HOME"]) / ".config" if "HOME" in environ else "")
    if home:
        yield Path(home) / "otel-llmcost" / FILE_NAME, True


def _read_ledger(config: Config, read: Reader, environ: Mapping[str, str]) -> None:
    config.ledger_enabled = read.flag(True, "LEDGER_ENABLED", "ledger", "enabled")
    place = read.text("", "LEDGER", "ledger", "directory")
    if place.lower() in ("off", "none"):
        config.ledger_enabled = False
    elif place:
        # from where the program starts: it may go elsewhere before its first call
        config.ledger_directory = read.located(place, "LEDGER", "ledger", "directory")
        with suppress(OSError):  # that place may be gone already
            config.ledger_directory = config.ledger_directory.absolute()
    days = read.number(90, _CENTURY_DAYS, "RETENTION_DAYS", "ledger", "retention_days", whole=True)
    cap = read.number(256 * 1024 * 1024, _PEBIBYTE, "LEDGER_CAP_BYTES", "ledger", "cap_bytes")
    config.ledger_retention_days, config.ledger_cap_bytes = int(days), int(cap)
    config.ledger_busy_timeout_s = read.number(5.0, _DAY_S, "LEDGER_TIMEOUT", "ledger", "timeout")


def _mistake_in_host(key: str) -> tuple[str, str]:
    from .prices.host_keys import ALLOWED, mistake_in_key  # few programs name hosts

    return mistake_in_key(key), ALLOWED


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
