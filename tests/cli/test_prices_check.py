"""`otel-llmcost prices check`: every mistake about prices counts and is told once; a likely slip is a note."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROW = '[[prices.row]]\nprovider = "openai"\nmodel = "m"\nrates = { input = "1" }\n'


def checked(directory: Path, settings: str, *files: str, **environ: str) -> tuple[int, str, list[str]]:
    """Exit code, output, and the lines of standard error, where the log goes, too."""
    (directory / "otel-llmcost.toml").write_text(settings)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "XDG_"))}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("otel-llmcost")), "prices", "check", *files],
        cwd=directory,
        env={**kept, "XDG_STATE_HOME": str(directory), "XDG_CONFIG_HOME": str(directory), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.splitlines()


def begins(lines: list[str], directory: Path, *told: str) -> bool:
    expected = [text.replace("HERE", f"{directory}/otel-llmcost.toml") for text in told]
    return len(lines) == len(expected) and all(map(str.startswith, lines, expected))


@pytest.mark.parametrize("files", [(), ("otel-llmcost.toml",)])
def test_every_mistake_about_prices_counts_and_is_told_once(tmp_path: Path, files: tuple[str, ...]) -> None:
    settings = (
        '[hosts]\n"gateway" = "opnai"\n'
        + ROW
        + 'foo = 1\ntier = "bogus"\n'
        + '[[prices.discount]]\nprovider = "antropic"\npercent = 5\n'
    )
    code, out, lines = checked(tmp_path, settings, *files)
    assert (code, out) == (1, "")
    told = (
        "HERE:7: foo: unknown key",
        "HERE:8: tier: unknown value (got 'bogus')",
        "HERE:2: hosts.gateway: names an unknown provider (got 'opnai')",
        "HERE:10: discount.provider: names an unknown provider; did you mean 'anthropic'?",
        "otel-llmcost: 4 mistakes in the prices",
    )
    assert begins(lines, tmp_path, *told), lines


def test_a_discount_in_a_file_of_prices_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[[discount]]\npercent = 5\nprovider = "opnai"\n')
    code, _, lines = checked(tmp_path, "", "own.toml")
    assert code == 1
    told = "own.toml:3: discount.provider: names an unknown provider; did you mean 'openai'?"
    assert begins(lines, tmp_path, told, "otel-llmcost: 1 mistake in the prices"), lines
    code, _, lines = checked(tmp_path, "", OTEL_LLMCOST_PRICES="own.toml")
    assert (code, lines[0].startswith(told)) == (1, True)


def test_settings_and_files_that_cannot_be_read_are_mistakes(tmp_path: Path) -> None:
    code, _, lines = checked(tmp_path, "[prices\n")
    assert (code, lines[-1]) == (1, "otel-llmcost: 1 mistake in the prices")
    code, _, lines = checked(tmp_path, "", OTEL_LLMCOST_PRICES="gone.toml")
    assert code == 1
    assert lines == [
        "gone.toml: cannot be read (No such file or directory)",
        "otel-llmcost: 1 mistake in the prices",
    ]


def test_a_provider_that_is_nearly_another_is_a_note(tmp_path: Path) -> None:
    settings = ROW.replace("openai", "antropic") + '[[prices.discount]]\nprovider = "antropic"\npercent = 5\n'
    code, out, lines = checked(tmp_path, settings)
    assert code == 0
    assert out.startswith("sound: ")
    note = "note: HERE:2: provider: only your own rows name this provider; did you mean 'anthropic'?"
    assert begins(lines, tmp_path, note), lines


@pytest.mark.parametrize("provider", ["acme", "openai-eu", "local", "aws", "mistralai"])
def test_other_providers_of_ones_own_are_not_remarked_upon(tmp_path: Path, provider: str) -> None:
    code, _, lines = checked(tmp_path, ROW.replace("openai", provider))
    assert (code, lines) == (0, [])


def test_a_mistake_about_something_else_is_not_counted(tmp_path: Path) -> None:
    code, _, lines = checked(tmp_path, "histogram = 1\n")
    assert (code, lines) == (0, [])
