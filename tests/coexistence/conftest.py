"""The programs that the chosen tests look at, begun ahead; the page's table where all of it ran and is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .beside import ALL, Beside
from .programs import Programs
from .table import IN_TABLE, publish


def needed(item: pytest.Item) -> list[tuple[Beside, str]]:
    """The runs that a test looks at."""
    about: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    if "beside" not in about:
        return []
    more = about.get("order") or ("unwatched" if "alone" in item.name else "absent")
    return [(about["beside"], "absent"), (about["beside"], more)]


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    made = Programs(tmp_path_factory.mktemp)
    runs = [run for item in request.session.items for run in needed(item)]
    for run in runs:
        made.begin(*run)
    yield made
    if {(beside, us) for beside in ALL for us in IN_TABLE} <= set(runs) and not request.session.testsfailed:
        publish(made)
    made.close()
