"""The command line. Each command is a module of this room that exports `command`, loaded when it is asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from ..errors import ConfigurationError, LlmCostError
from ..version import __version__
from .streams import flushed, of_output, prepare_output

PROGRAM = "otel-llmcost"
FAILURE, USAGE, INTERRUPTED = 1, 2, 130

# command -> (its module in this room, what the overview says of it)
COMMANDS = {
    "run": ("run", "Run a program and price its LLM calls; no backend needed."),
    "report": ("report", "What calls cost, by model, source, day and more."),
    "calls": ("calls", "Single calls: the latest, the most expensive, the slowest."),
    "sessions": ("sessions", "Sessions with their stages: time, tokens, cost."),
    "savings": ("savings", "What the same tokens would have cost with another model."),
    "budget": ("budget", "Budgets: limit, spent, reserved, remaining amounts."),
    "demo": ("demo", "Calls of the real SDKs to a bundled provider; no key, no network."),
    "doctor": ("doctor", "Check what is watched, where the cost goes, and what is wrong."),
    "init": ("init", "Write a commented otel-llmcost.toml."),
    "price": ("price", "Price a call from its numbers, or spans from standard input."),
    "prices": ("prices", "The price book: show, list, diff, check, update."),
    "estimate": ("estimate", "What a planned call would cost."),
    "reprice": ("reprice", "Price calls in the ledger again, with the prices in force."),
    "prune": ("prune", "Delete old calls from the ledger."),
    "collector-config": ("collector_config", "Write the configuration for pricing spans in the collector."),
}


class Suggesting(click.Group):
    """A group that names the command which a misspelt one is likely to mean."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first argument. Raises `click.UsageError`."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not ctx.resilient_parsing:
            import difflib  # only who makes a mistake has to load it

            alike = difflib.get_close_matches(args[0], known, n=1)
            if alike and self.get_command(ctx, args[0]) is None:
                ctx.fail(f"No such command {args[0]!r}. Did you mean {alike[0]!r}?")
        return super().resolve_command(ctx, args)


class Frame(Suggesting):
    """A group whose commands are imported one at a time, and whose errors are one line on standard error."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the overview."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"{__name__}.{COMMANDS[cmd_name][0]}").command
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The overview, without importing any of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a command and ends the process with its code: 0, 1 for failures, 2 for wrong usage."""
        prepare_output()
        if not standalone_mode:
            return super().main(args, prog_name or PROGRAM, complete_var, False, **extra)
        try:
            code = super().main(args, prog_name or PROGRAM, complete_var, False, **extra)
        except SystemExit as end:
            code = end.code
        except click.ClickException as error:
            code = _fail(error)
        except ConfigurationError as error:
            code = _say(str(error), FAILURE if error.file else USAGE)
        except LlmCostError as error:
            code = _say(str(error), FAILURE)
        except OSError as error:
            code = _say(of_output(error), FAILURE)
        except (click.Abort, KeyboardInterrupt):
            code = _say("interrupted", INTERRUPTED)
        sys.exit(flushed(code if isinstance(code, int) else 0, _say, FAILURE))


def _fail(error: click.ClickException) -> int:
    # a group without its command: the whole help is the message (a class of its own from click 8.2 on)
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        error.show()
        return error.exit_code
    return _say(error.format_message(), error.exit_code)


def _say(message: str, code: int) -> int:
    from .harmless import printable  # the frame alone loads nothing of this room

    click.echo(f"{PROGRAM}: {printable(' '.join(message.split()))}", err=True)
    return code


@click.group(
    PROGRAM, cls=Frame, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name=PROGRAM)
@click.pass_context
def main(ctx: click.Context) -> None:
    """What every LLM call costs, exactly."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
