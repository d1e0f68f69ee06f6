"""What an environment of the matrix is made from: the locked versions, and what an installation writes into it."""

from __future__ import annotations

from .environments import digest

PYPROJECT = """
[project]
name = "x"
description = "said one way"
dependencies = ["wrapt>=1.16,<3"]
[project.entry-points.opentelemetry_pre_instrument]
x = "x:pre_instrument"
[tool.ruff]
line-length = 110
"""
LOCK = b"openai==3.54.0\n"
MADE = digest(LOCK, PYPROJECT)


def test_settings_of_tools_and_words_make_no_new_environment() -> None:
    assert digest(LOCK, PYPROJECT.replace("110", "100").replace("one way", "another")) == MADE


def test_what_is_installed_does() -> None:
    changed = [
        digest(b"openai==3.55.0\n", PYPROJECT),
        digest(LOCK, PYPROJECT.replace("<3", "<4")),
        digest(LOCK, PYPROJECT.replace("x:pre_instrument", "x:other")),
        digest(LOCK, PYPROJECT + '[project.optional-dependencies]\nmore = ["rich"]\n'),
    ]
    assert len({MADE, *changed}) == 5
