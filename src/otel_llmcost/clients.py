"""Use cases: names for "which model, at which provider, with which key", and real SDK clients made from
them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .attribution import mark_with, over, tags_of
from .attribution.tags import from_mapping
from .call import NO_TAGS, Tags
from .errors import ConfigurationError
from .prices.hosts import FIRST_PARTY, LOCAL, resolve_host
from .prices.providers import provider_name
from .services import Services, services
from .toml_source import TomlTable

_SDKS = ("openai", "anthropic")
_KEY_OF = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@dataclass(frozen=True, slots=True)
class UseCase:
    """One use case. `sdk` speaks to the provider ("openai" for every compatible host); `key_env` names the
    variable that holds the key; `options` go to the client's constructor (timeout, max_retries)."""

    name: str
    model: str
    provider: str = "openai"
    sdk: str = ""
    base_url: str = ""
    key_env: str = ""
    tags: Tags = field(default_factory=lambda: NO_TAGS)
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def client_sdk(self) -> str:
        """The SDK whose client is made."""
        return self.sdk or ("anthropic" if self.provider == "anthropic" else "openai")

    @property
    def key_variable(self) -> str:
        """The environment variable that holds the key."""
        return self.key_env or _KEY_OF.get(self.provider, "")


class UseCases(Mapping[str, UseCase]):
    """Use cases by name, from the configuration or from code (`add`)."""

    def __init__(self, cases: Iterable[UseCase] = ()) -> None:
        self._cases = {case.name: case for case in cases}

    def __getitem__(self, name: str) -> UseCase:
        return self._cases[name]

    def named(self, name: str) -> UseCase:
        """The use case of that name. Raises `ConfigurationError`, which lists those there are."""
        case = self._cases.get(name)
        if case is None:
            there = (
                ", ".join(sorted(self._cases))
                or "none yet: [use_cases.NAME] with a model, or define_use_case()"
            )
            raise ConfigurationError("no such use case", key=f"use_cases.{name}", allowed=there)
        return case

    def __iter__(self) -> Iterator[str]:
        return iter(self._cases)

    def __len__(self) -> int:
        return len(self._cases)

    def add(self, case: UseCase) -> None:
        """Adds a use case, or puts it in the place of the one of its name."""
        self._cases[case.name] = case


_SETTINGS = ("model", "provider", "sdk", "base_url", "key_env", "tags", "options")
_ALLOWED = ", ".join(_SETTINGS)


def read_use_cases(
    tables: object, *, file: str = "", trusted: bool = True
) -> tuple[UseCases, list[ConfigurationError]]:
    """The use cases of a configuration's `[use_cases.NAME]` tables, and what is wrong with the others.

    A file that is not `trusted` (it merely lies in the working directory) may not say where keys are sent: only the
    provider's own hosts and local ones are taken from it.
    """
    cases: list[UseCase] = []
    problems: list[ConfigurationError] = []
    if tables is not None and not isinstance(tables, Mapping):
        problems.append(
            ConfigurationError("must be a table", file=file, key="use_cases", allowed="[use_cases.NAME]")
        )
    for name, table in tables.items() if isinstance(tables, Mapping) else ():
        reader = _Reader(name, table, file, trusted)
        case = reader.read()
        if case is not None and not reader.problems:
            cases.append(case)
        problems.extend(reader.problems)
    return UseCases(cases), problems


class _Reader:
    def __init__(self, name: str, table: object, file: str, trusted: bool) -> None:
        self.name, self.file, self.trusted = name, file, trusted
        self.table: Mapping[str, object] = table if isinstance(table, Mapping) else {}
        self.problems: list[ConfigurationError] = []

    def read(self) -> UseCase | None:
        for key in self.table:
            if key not in _SETTINGS:
                self.wrong("no such setting", key, _ALLOWED)
        model = self.text("model")
        if not model:
            self.wrong("a use case needs a model", "model", 'model = "NAME"')
        sdk = self.text("sdk")
        if sdk and sdk not in _SDKS:
            self.wrong("no such SDK", "sdk", " or ".join(_SDKS), sdk)
        case = UseCase(
            name=self.name,
            model=model,
            provider=self.text("provider") or "openai",
            sdk=sdk,
            base_url=self.text("base_url"),
            key_env=self.text("key_env"),
            tags=from_mapping(self.mapping("tags")),
            options=self.mapping("options"),
        )
        if not self.trusted:
            self.check_addresses(case)
        return case

    def check_addresses(self, case: UseCase) -> None:
        allowed = (
            f"a host of {case.provider} or of this machine; others in a file that OTEL_LLMCOST_CONFIG names"
        )
        for key, value in (("base_url", case.base_url), *case.options.items()):
            address = value if isinstance(value, str) else ""
            if "//" in address and not _is_own_host(address, case.provider):
                where = key if key == "base_url" and value is case.base_url else f"options.{key}"
                self.wrong("a file in the working directory may not name it", where, allowed, address)

    def text(self, key: str) -> str:
        value = self.table.get(key, "")
        if isinstance(value, str):
            return value
        self.wrong("must be text", key, "text in quotes", value)
        return ""

    def mapping(self, key: str) -> Mapping[str, object]:
        value = self.table.get(key, {})
        if isinstance(value, Mapping):
            return value
        self.wrong("must be a table", key, "{ name = value }", value)
        return {}

    def wrong(self, message: str, key: str, allowed: str, value: object = None) -> None:
        line = self.table.line(key.partition(".")[0]) if isinstance(self.table, TomlTable) else 0
        self.problems.append(
            ConfigurationError(
                message,
                file=self.file,
                line=line,
                key=f"use_cases.{self.name}.{key}",
                value=value,
                allowed=allowed,
            )
        )


def _is_own_host(address: str, provider: str) -> bool:
    """Whether keys of the provider may go there without further asking: its own hosts, this machine's network."""
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        return False
    facts = resolve_host(host, {})
    return facts.kind == LOCAL or (facts.kind == FIRST_PARTY and facts.provider == provider_name(provider))


def define_use_case(name: str, model: str, **settings: Any) -> UseCase:
    """A use case from code: `define_use_case("coding", "gpt-5", provider="openai", key_env="CODING_KEY")`.

    `settings` are those of `UseCase`. Raises `ConfigurationError` for another one.
    """
    for key in settings:
        if key not in _SETTINGS:
            raise ConfigurationError("no such setting", key=f"use_cases.{name}.{key}", allowed=_ALLOWED)
    tags = settings.pop("tags", {})
    case = UseCase(name, model, tags=tags if isinstance(tags, Tags) else tags_of(**tags), **settings)
    _use_cases(services()).add(case)
    return case


def get_model_for_use_case(name: str) -> str:
    """The model of a use case. Raises `ConfigurationError` that lists those there are."""
    return _use_cases(services()).named(name).model


def get_llm_client(name: str, *, asynchronous: bool = False, **options: Any) -> Any:
    """The SDK's own client for a use case, tagged with it (`source` is the use case unless its tags say
    another).

    An `openai.OpenAI`/`AsyncOpenAI` or `anthropic.Anthropic`/`AsyncAnthropic`; `options` go to its
    constructor and win over the configured ones. Copies by `with_options` keep the tags. Raises
    `ConfigurationError`: no such use case, its key is not in the environment, its SDK is not installed or
    none that we make clients of.
    """
    parts = services()
    cases = _use_cases(parts)
    case = cases.named(name)
    arguments = {**case.options, **options}
    if "api_key" not in arguments:
        arguments["api_key"] = _key(case, cases, parts.environ)
    if case.base_url and "base_url" not in arguments:
        arguments["base_url"] = case.base_url
    client = _client_class(case, asynchronous)(**arguments)
    tags = over(from_mapping({"source": case.name}), case.tags)
    mark_with(client, tags, shares_transport="http_client" in arguments)
    return client


def _use_cases(parts: Services) -> UseCases:
    if parts.use_cases is None:
        parts.use_cases = UseCases()
    cases: UseCases = parts.use_cases
    return cases


def _key(case: UseCase, cases: UseCases, environ: Mapping[str, str]) -> str:
    key = environ.get(case.key_variable, "") if case.key_variable else ""
    if key:
        return key
    ready = ", ".join(sorted(each.name for each in cases.values() if environ.get(each.key_variable)))
    problem = f"{case.key_variable} is not set" if case.key_variable else "names no variable"
    raise ConfigurationError(
        f"the key of the use case is missing: {problem}",
        key=f"use_cases.{case.name}.key_env",
        allowed=f"a variable that is set, or api_key=...; use cases with a key: {ready or 'none'}",
    )


def _client_class(case: UseCase, asynchronous: bool) -> Any:
    sdk = case.client_sdk
    if sdk not in _SDKS:
        raise ConfigurationError(
            "no such SDK", key=f"use_cases.{case.name}.sdk", value=sdk, allowed=" or ".join(_SDKS)
        )
    try:
        if sdk == "anthropic":
            import anthropic

            return anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
        import openai
    except ImportError:
        raise ConfigurationError(
            f"the SDK is not installed; remedy: pip install {sdk}",
            key=f"use_cases.{case.name}.sdk",
            value=sdk,
        ) from None
    return openai.AsyncOpenAI if asynchronous else openai.OpenAI
