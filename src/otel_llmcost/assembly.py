"""From the settings to the parts: each function makes one part of the house out of the configuration.

Parts that a program does not use are not imported: budgets only where there are some, prices only once a call may come.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry import propagate

from . import attribution
from .attribution import AttributionSettings
from .config import Config
from .errors import ConfigurationError
from .ledger import LedgerSettings
from .ledger.location import anything_kept, default_directory, prepare_directory
from .prices.hosts import DELEGATED, LOCAL, resolve_host

if TYPE_CHECKING:
    from .attribution import Rule
    from .budgets import Budget, Gate
    from .clients import UseCases
    from .prices import Book
    from .prices.naming import Misnamed
    from .updates.store import PriceStore

_log = logging.getLogger("otel_llmcost")


def tell(problems: Iterable[ConfigurationError]) -> None:
    """One log line for each mistake in the settings; the rest of them is in force."""
    for problem in problems:
        _log.warning("otel-llmcost: %s", problem)


def open_book(config: Config) -> Book:
    """The prices in force: the shipped ones, under the user's own rows in the settings and the price files."""
    from .prices import load_book
    from .toml_source import read_toml

    documents = [config.document] if config.document is not None else []
    for path in config.price_files:
        try:
            documents.append(read_toml(path))
        except (ConfigurationError, OSError) as problem:
            _log.warning("otel-llmcost: prices in %s are not in force: %s", path, problem)
    installed = open_price_store(config).in_force()
    book = load_book(user_documents=documents, installed=installed, models=config.models)
    tell((*book.problems, *unknown_providers(config, book)))
    return book


def unknown_providers(config: Config, book: Book) -> Iterable[ConfigurationError]:
    """Hosts, models, budgets and discounts that name a provider which neither these prices nor we know."""
    if config.hosts or config.models:
        from .prices.naming import misnamed_providers

        for found in misnamed_providers(book.catalogue, config.hosts, config.models):
            yield _with_place(config, found)
    if config.table("budgets"):
        from .budgets import parse_budgets

        file = str(config.document.path) if config.document is not None else ""
        for problem in unknown_in_budgets(book, parse_budgets(config.table("budgets"), file).budgets):
            table = config.table("budgets", problem.key.split(".", 1)[1].removesuffix(".providers"))
            yield problem.at(file, table.line("providers")) if table is not None else problem
    if book.catalogue.own.discounts:
        from .prices.naming import misnamed_discounts

        yield from misnamed_discounts(book.catalogue)


def unknown_in_budgets(book: Book, budgets: Iterable[Budget]) -> Iterable[ConfigurationError]:
    """Unknown providers of budgets: such a budget covers none of the calls that are meant."""
    for budget in budgets:
        if budget.providers:
            from .prices.naming import misnamed

            yield from misnamed(book.catalogue, f"budgets.{budget.name}.providers", budget.providers)


def _with_place(config: Config, found: Misnamed) -> ConfigurationError:
    message, table, document = (
        "names an unknown provider",
        config.table(found.table),
        config.document,
    )
    if table is None or document is None or found.key not in table or table[found.key] != found.value:
        variable, pair = f"OTEL_LLMCOST_{found.table.upper()}", f"{found.key}={found.value}"
        return ConfigurationError(message, key=variable, value=pair, allowed=found.allowed)
    wrong = ConfigurationError(
        message, key=f"{found.table}.{found.key}", value=found.value, allowed=found.allowed
    )
    return wrong.at(str(document.path), table.line(found.key))


def open_price_store(config: Config) -> PriceStore:
    """Where updated prices are kept. The directory need not be there."""
    from .updates.store import PriceStore

    state = default_directory(os.environ)
    fallback = state / "prices" if state is not None else Path(os.devnull) / "prices"
    return PriceStore(config.prices_directory or fallback)


def ledger_settings(config: Config) -> LedgerSettings:
    """The ledger's part of the settings."""
    return LedgerSettings(
        directory=config.ledger_directory or default_directory(os.environ),
        enabled=config.ledger_enabled,
        retention_days=config.ledger_retention_days,
        cap_bytes=config.ledger_cap_bytes,
        busy_timeout_s=config.ledger_busy_timeout_s,
        run_id=config.run_id,
        service=config.service,
    )


def attribution_settings(config: Config) -> AttributionSettings:
    """Attribution's part of the settings."""
    document = config.document
    rules: tuple[Rule, ...] = ()
    if document is not None:
        rules, problems = attribution.read_rules(document.table.get("rules"), file=str(document.path))
        tell(problems)
    own, resource = attribution.from_mapping(config.tags), attribution.from_resource(config.resource)
    return AttributionSettings(
        defaults=attribution.fill(own, resource),
        rules=rules,
        people=config.people,
        people_key=_people_key(config),
        baggage_in=config.baggage_in,
        baggage_out=config.baggage_out,
    )


def _people_key(config: Config) -> bytes:
    """The key of hashed ids: the configured one, else one kept beside the ledger, so that processes agree."""
    directory = ledger_settings(config).directory
    kept = config.people == "hash" or (config.people == "given" and config.ledger_enabled)
    if config.people_key or not kept or directory is None or not config.enabled:
        return config.people_key.encode()
    try:
        prepare_directory(directory)
        return attribution.key_of_file(directory / "people.key")
    except OSError as problem:
        if config.people == "hash":
            _log.warning("otel-llmcost: hashes of people's ids hold for this process only: %s", problem)
        return b""


def carry_baggage(config: Config) -> None:
    """Let the tags that the user names go out with requests, never to providers' hosts, nor what came in."""
    if not (config.baggage_out or config.baggage_in):
        return

    def is_provider_host(host: str) -> bool:
        return resolve_host(host, config.hosts).kind not in (LOCAL, DELEGATED)

    inner = propagate.get_global_textmap()
    propagate.set_global_textmap(
        attribution.AttributionPropagator(
            inner,
            outbound=config.baggage_out,
            inbound=config.baggage_in,
            is_provider_host=is_provider_host,
        )
    )


def open_gate(config: Config, opened: Callable[[], Book]) -> Gate | None:
    """The budgets of the settings; None where there are none. The prices are opened where there are some.

    A mistake in a `block` budget is a problem in `config.fatal`: the program counted on it.
    """
    tables = config.table("budgets")
    if tables is None or not len(tables):
        return None
    from .budgets import parse_budgets

    parsed = parse_budgets(tables, str(config.document.path) if config.document is not None else "")
    tell(parsed.problems)
    config.fatal.extend(parsed.fatal)
    for problem in parsed.fatal:
        _log.error("otel-llmcost: a budget that should block is not in force: %s", problem)
    return gate_of(parsed.budgets, opened(), ledger_settings(config).directory)


def gate_of(budgets: Iterable[Budget], book: Book, directory: Path | None) -> Gate | None:
    """A gate over these budgets; machine scope needs the ledger's directory, else it is a process's own."""
    from .budgets import CounterStore, Gate, MachineCounter, ProcessCounter

    wanted = list(budgets)
    if not wanted:
        return None
    conversations = max(budget.conversations for budget in wanted)
    # without a place of its own the shared counter cannot be reached: each budget says what holds then
    counters: dict[str, CounterStore] = {
        "process": ProcessCounter(conversations=conversations),
        "machine": MachineCounter(directory if directory is not None else Path(os.devnull) / "none"),
    }
    return Gate(wanted, book, counters)


def read_past(gate: Gate, config: Config) -> None:
    """Begin to bring what was spent before from the ledger into the budgets' counters, in a thread of its own.

    Tags that other services may send along choose no budget, and the ledger cannot tell them from the program's own:
    budgets with such a tag begin at zero.
    """
    if not any(rule.goes_on or rule.budget.scope == "machine" for rule in gate.rules):
        return
    directory = ledger_settings(config).directory
    if not config.ledger_enabled or directory is None:
        names = ", ".join(rule.budget.name for rule in gate.rules if rule.goes_on)
        if names:
            _log.warning(
                "otel-llmcost: without a ledger budgets start at zero in each process: %s; "
                "remedy: keep a ledger, or say carry_over = false",
                names,
            )
        return

    def take_up() -> None:
        if not anything_kept(directory):
            return
        from .budgets.from_ledger import carry_over, reconcile
        from .ledger.drain import open_up_to_date

        with open_up_to_date(directory) as ledger:
            carry_over(gate, ledger, config.service, config.baggage_in)
            reconcile(gate, ledger, int(time.time()), config.baggage_in)

    if anything_kept(directory):
        # not in the thread: a process that forks while one of its threads imports leaves a lock that nobody opens
        for module in (".budgets.from_ledger", ".ledger.drain"):
            import_module(module, __package__)
    gate.read_past(take_up)


def open_use_cases(config: Config) -> UseCases:
    """The use cases of the settings."""
    from .clients import read_use_cases

    file = str(config.document.path) if config.document is not None else ""
    cases, problems = read_use_cases(config.table("use_cases"), file=file, trusted=config.trusted_document)
    tell(problems)
    return cases
