"""The house: imports go down only, no circles, floor 0 knows the standard library alone (CONTRIBUTING.md: the floors)."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "otel_llmcost"

FLOORS = (
    {
        "money",
        "meters",
        "usage",
        "call",
        "spans",
        "prices",
        "semconv",
        "errors",
        "instants",
        "toml_places",
        "toml_source",
        "version",
        "neighbours",
    },
    {"attribution", "config", "setting_names", "setting_reader"},
    {"watch"},
    {"settle", "processor", "accumulators", "metrics", "histograms", "dialects", "lineage"},
    {
        "ledger",
        "reports",
        "budgets",
        "tracked",
        "tracker",
        "sessions",
        "clients",
        "comparison",
        "arguments",
        "costs",
        "services",
        "pricing",
        "estimates",
        "updates",
        "discovery",
        "repricing",
        "collector",
    },
    {
        "cli",
        "server",
        "answers",
        "process",
        "activation",
        "runtime",
        "assembly",
        "entry",
        "testing",
        "telemetry",
        "upkeep",
        "gauges",
        "endings",
        "__init__",
    },
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# what rooms of the same floor may use of each other, one way only
STAIRS = {
    0: [
        "errors",
        "version",
        "semconv",
        "money",
        "instants",
        "meters",
        "toml_places",
        "toml_source",
        "call",
        "usage",
        "neighbours",
        "prices",
        "spans",
    ],
    1: ["attribution", "setting_names", "setting_reader", "config"],
    3: ["dialects", "lineage", "accumulators", "histograms", "metrics", "settle", "processor"],
    4: [
        "ledger",
        "services",
        "pricing",
        "estimates",
        "updates",
        "discovery",
        "repricing",
        "comparison",
        "arguments",
        "costs",
        "reports",
        "budgets",
        "sessions",
        "tracked",
        "tracker",
        "clients",
        "collector",
    ],
    5: [
        "process",
        "telemetry",
        "assembly",
        "upkeep",
        "gauges",
        "endings",
        "runtime",
        "activation",
        "answers",
        "entry",
        "testing",
        "server",
        "__init__",
        "cli",
    ],
}


CONTRIBUTING = (SOURCE.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


@cache
def rooms() -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        relative = path.relative_to(SOURCE)
        room = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        found.setdefault(room, []).append(path)
    return found


def running(tree: ast.Module) -> list[ast.AST]:
    """Every node but those that only a type checker looks at."""
    skipped = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    return [node for node in ast.walk(tree) if id(node) not in skipped]


@cache
def imported(path: Path) -> list[tuple[str, str, int]]:
    """(kind, name, line) of every import that runs: `own` room names, `other` top-level packages."""
    depth = len(path.relative_to(SOURCE).parts) - 1
    found: list[tuple[str, str, int]] = []
    for node in running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [("other", alias.name.split(".")[0], node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level == 0:
                found.append(("other", module.split(".")[0], node.lineno))
            elif node.level == depth + 1:
                names = [module.split(".")[0]] if module else [alias.name for alias in node.names]
                found += [("own", name, node.lineno) for name in names]
            elif node.level > depth + 1:
                found.append(("own", "?", node.lineno))
    return found


@pytest.mark.parametrize("room", sorted(rooms()))
def test_a_room_imports_downwards_only(room: str) -> None:
    assert room in FLOOR_OF, f"{room} stands on no floor: give it one in FLOORS"
    floor = FLOOR_OF[room]
    order = STAIRS.get(floor, [])
    wrong = []
    for path in rooms()[room]:
        for kind, name, line in imported(path):
            if kind != "own" or name == room or (name in ("__version__",)):
                continue
            target = FLOOR_OF.get(name)
            down = target is not None and target < floor
            same = (
                target == floor and name in order and room in order and order.index(name) < order.index(room)
            )
            if not (down or same):
                wrong.append(f"{path.relative_to(SOURCE)}:{line} imports {name}")
    assert not wrong


@pytest.mark.parametrize("floor", range(len(FLOORS)))
def test_the_page_for_contributors_lists_every_room(floor: int) -> None:
    [row] = [line for line in CONTRIBUTING.splitlines() if line.startswith(f"| {floor} ")]
    told = {part.rstrip("/") for part in row.split("`")[1::2]}
    meant = FLOORS[floor] & rooms().keys()
    assert told == meant


def imports_of(path: Path, modules: dict[tuple[str, ...], Path]) -> set[Path]:
    """The modules of the package that a module names, inside functions and for the type checker included."""
    found: set[Path] = set()
    here = path.relative_to(SOURCE).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = here[: len(here) - node.level + 1] + tuple(
            (node.module or "").split(".") if node.module else ()
        )
        named = [modules.get((*base, alias.name), modules.get(base)) for alias in node.names]
        found |= {module for module in named if module is not None}
    return found - {path}


def test_no_module_comes_back_to_itself_by_its_imports() -> None:
    modules = {
        path.relative_to(SOURCE).with_suffix("").parts: path for paths in rooms().values() for path in paths
    }
    modules |= {name[:-1]: path for name, path in modules.items() if name[-1] == "__init__"}
    later = {path: imports_of(path, modules) for path in modules.values()}
    # whoever imports only modules that are through is through: what is left goes round in circles
    while through := {path for path, imported in later.items() if not imported & later.keys()}:
        later = {path: imported for path, imported in later.items() if path not in through}
    assert sorted(path.relative_to(SOURCE).as_posix() for path in later) == []


@pytest.mark.parametrize("room", sorted(FLOORS[0] & set(rooms())))
def test_floor_zero_knows_the_standard_library_only(room: str) -> None:
    # inside a function an optional extra may be imported, lazily
    wrong = []
    for path in rooms()[room]:
        top = ast.parse(path.read_text(encoding="utf-8")).body
        lines = {node.lineno for node in top if isinstance(node, ast.Import | ast.ImportFrom)}
        for kind, name, line in imported(path):
            if kind == "other" and line in lines and name not in sys.stdlib_module_names:
                wrong.append(f"{path.relative_to(SOURCE)}:{line} imports {name}")
    assert not wrong


def test_the_sdks_are_never_imported() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{line}"
        for room, paths in rooms().items()
        for path in paths
        for kind, name, line in imported(path)
        # the demo program is a user's program; use-case clients hand out the user's SDK
        if kind == "other" and name in ("openai", "anthropic") and room not in ("clients", "server")
    ]
    assert not wrong


def test_broad_excepts_exist_in_one_place() -> None:
    wrong = []
    for paths in rooms().values():
        for path in paths:
            if path.relative_to(SOURCE).as_posix() == "watch/guard.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.ExceptHandler):
                    continue
                names = (
                    {getattr(name, "id", "") for name in ast.walk(node.type)} if node.type else {"Exception"}
                )
                last = node.body[-1]  # on every way out, not in one branch
                reraises = isinstance(last, ast.Raise) and last.exc is None
                if names & {"Exception", "BaseException"} and not reraises:
                    wrong.append(f"{path.relative_to(SOURCE)}:{node.lineno}")
    assert not wrong


def test_nothing_suppresses_every_exception() -> None:
    wrong = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for paths in rooms().values()
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "suppress"
        if {getattr(each, "id", "") for each in node.args} & {"Exception", "BaseException"}
    ]
    assert not wrong
