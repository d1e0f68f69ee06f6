"""The page of the documentation is written when the whole matrix ran, and only then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .processes import PROGRAMS
from .results import ENVIRONMENTS, IN_CI, forget, publish
from .table import NOT_RUN


@pytest.fixture(scope="session", autouse=True)
def published(request: pytest.FixtureRequest) -> Iterator[None]:
    wanted = {*ENVIRONMENTS, *PROGRAMS}
    chosen = {item.name.partition("[")[2].removesuffix("]") for item in request.session.items}
    whole = wanted <= chosen
    forget(wanted & chosen)
    yield
    if whole:
        table = publish()
        assert not (IN_CI and NOT_RUN in table), "some cells of docs/matrix.md were not run"
