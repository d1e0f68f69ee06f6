"""The page of the documentation is written when the whole matrix ran, and only then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .ahead import Ahead
from .processes import PROGRAMS
from .results import ENVIRONMENTS, IN_CI, forget, publish
from .table import NOT_RUN


def chosen(request: pytest.FixtureRequest) -> set[str]:
    """Parameters of the tests that this session runs."""
    return {item.name.partition("[")[2].removesuffix("]") for item in request.session.items}


@pytest.fixture(scope="session")
def ahead() -> Iterator[Ahead]:
    made = Ahead()
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def published(request: pytest.FixtureRequest) -> Iterator[None]:
    wanted = {*ENVIRONMENTS, *PROGRAMS}
    whole = wanted <= chosen(request)
    forget(wanted & chosen(request))
    yield
    if whole:
        table = publish()
        assert not (IN_CI and NOT_RUN in table), "some cells of docs/matrix.md were not run"
