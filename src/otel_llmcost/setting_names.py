"""The names of all settings, so that one that nobody reads is told: a budget in a mistyped table would hold nothing.

Rooms check the inside of their own tables: rules, budgets, use cases, prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .errors import ConfigurationError

if TYPE_CHECKING:
    from .toml_source import TomlDocument, TomlTable

PREFIX = "OTEL_LLMCOST_"
VARIABLES = frozenset(
    {
        "BAGGAGE_IN",
        "BAGGAGE_OUT",
        "CONFIG",
        "DIALECTS",
        "DISABLED",
        "EXIT_TIMEOUT",
        "HISTOGRAMS",
        "HOSTS",
        "INCLUDE_USAGE",
        "LEDGER",
        "LEDGER_CAP_BYTES",
        "LEDGER_ENABLED",
        "LEDGER_TIMEOUT",
        "METRIC_TAGS",
        "MODELS",
        "PEOPLE",
        "PEOPLE_KEY",
        "PRICES",
        "PRICES_DIR",
        "PRICES_UPDATE_FROM",
        "PRICES_UPDATE_KEY",
        "PROJECT_CONFIG",
        "RETENTION_DAYS",
        "RUN_ID",
        "TAGS",
    }
)
TABLES: Mapping[str, frozenset[str]] = {
    "ledger": frozenset({"enabled", "directory", "retention_days", "cap_bytes", "timeout"}),
    "metrics": frozenset({"tags", "histograms"}),
    "people": frozenset({"ids", "key"}),
    "baggage": frozenset({"in", "out"}),
}
_ONLY_IN_FILE = {
    "BUDGETS": "[budgets.NAME]",
    "RULES": "[[rules]]",
    "USE_CASES": "[use_cases.NAME]",
}
"""What somebody may look for in the environment."""
MUST_BE_TABLES = ("hosts", "models", "tags", "budgets", "prices", *TABLES)
TOP = frozenset(
    {"disabled", "exit_timeout", "include_usage", "dialects", "hosts", "models", "tags", *TABLES}
    | {"rules", "budgets", "use_cases", "prices"}
    | {"provider", "row", "price", "discount", "local_size"}  # prices may stand at the top, too
)


def unknown_settings(document: TomlDocument | None, environ: Iterable[str]) -> Iterator[ConfigurationError]:
    """A problem for each variable of ours, and each key of a settings file, that is no setting."""
    for variable in environ:
        if variable.startswith(PREFIX) and variable[len(PREFIX) :] not in VARIABLES:
            yield _unknown(variable, (PREFIX + name for name in VARIABLES))
    if document is None:
        return
    from .toml_source import TomlTable

    yield from _in_table(document, document.table, TOP, "")
    for name in MUST_BE_TABLES:
        if name in document.table and document.table.inner(name) is None:
            yield _no_table(document, name)
    for name, known in TABLES.items():
        table = document.table.get(name)
        if isinstance(table, TomlTable):
            yield from _in_table(document, table, known, f"{name}.")


def _in_table(
    document: TomlDocument, table: TomlTable, known: frozenset[str], prefix: str
) -> Iterator[ConfigurationError]:
    for key in table:
        if key not in known:
            yield _unknown(prefix + key, (prefix + name for name in known)).at(
                str(document.path), table.line(key)
            )


def _no_table(document: TomlDocument, name: str) -> ConfigurationError:
    """A table that is something else: nothing in it is read."""
    line, allowed = document.table.line(name), "[budgets.NAME]" if name == "budgets" else f"[{name}]"
    problem = ConfigurationError("must be a table", key=name, value=document.table.get(name), allowed=allowed)
    return problem.at(str(document.path), line)


def _unknown(key: str, known: Iterable[str]) -> ConfigurationError:
    import difflib  # for mistakes alone

    if key.startswith(PREFIX) and key[len(PREFIX) :] in _ONLY_IN_FILE:
        return ConfigurationError(
            "is no variable", key=key, allowed=f"{_ONLY_IN_FILE[key[len(PREFIX) :]]} in otel-llmcost.toml"
        )
    # without what all of them begin with: it would make any two alike
    names = {name.removeprefix(PREFIX).rpartition(".")[2]: name for name in sorted(known)}
    near = difflib.get_close_matches(key.removeprefix(PREFIX).rpartition(".")[2], names, n=1)
    return ConfigurationError(
        "is no setting", key=key, allowed=names[near[0]] if near else ", ".join(names.values())
    )
