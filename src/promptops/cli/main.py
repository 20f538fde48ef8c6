"""The `promptops` command: its commands loaded when they are called, its errors in one place."""

import importlib
import os
import sys
import traceback
from typing import NoReturn

import click

from promptops.cli import signals
from promptops.cli.findings import say_findings
from promptops.cli.output import say, say_error
from promptops.cli.streams import guard_streams
from promptops.closest import closest
from promptops.errors import PromptopsError, shortened
from promptops.version import VERSION

# name → (module, one line of help); the help stands here so that `--help` loads no command.
COMMANDS = {
    "init": ("start", "Make a folder ready: project file, a first unit, editor, workflows."),
    "new": ("start", "Make a unit from a template."),
    "schema": ("start", "Print the schema of manifests or of the project file."),
    "validate": ("check", "Check manifests and say what is wrong, with line and column."),
    "explain": ("explain", "Print what a code such as E302 means, and what to write."),
    "show": ("release", "Print a release: what is live, or what would be built."),
    "render": ("release", "Fill a prompt with inputs and print its messages."),
    "plan": ("plan", "What a deployment would change, and how much that means to callers."),
    "diff": ("plan", "What changed in the units between two commits."),
    "gate": ("gate", "May this change be merged? Checks, plan, drift and holds in one verdict."),
    "deploy": ("deploy", "Make units live from a git commit."),
    "promote": ("promote", "Make live in one environment what is live in another."),
    "rollback": ("rollback", "Go back to an earlier release. Needs the store and nothing else."),
    "rehearse": ("rehearse", "Would going back work now? Proves it for the last releases."),
    "hold": ("hold", "Keep a release from coming back, lift that, or list what is kept."),
    "freeze": ("freeze", "Stop an environment for everything but going back."),
    "unfreeze": ("freeze", "Let everything pass again."),
    "safe-mode": ("night", "Switch units to their safe releases, or back."),
    "retire": ("night", "Take a unit out of service."),
    "collect": ("collect", "Delete releases that nobody can need any more."),
    "bundle": ("bundle", "Write what is live into a file, for an image without a store."),
    "pin": ("bundle", "Keep a unit at one release where its app has no store."),
    "status": ("environment", "What is live, since when, who serves it, and what git says."),
    "clients": ("clients", "Who is present, what they serve, and what they refuse."),
    "history": ("environment", "The deployments of an environment, newest first."),
    "doctor": ("doctor", "What is not well here, in git and in the stores, and what to type."),
    "verify": ("verify", "Is everything in the store what was written there?"),
    "export": ("restoring", "Write an environment into one file: releases, pointers, history."),
    "restore": ("restoring", "Rebuild an environment that a store lost, from an export or git."),
    "acl": ("acl", "Print the ACL line for a Redis user of an environment, by role."),
    "gha": ("gha", "Put a verdict on GitHub: comment, summary, annotations, issue."),
    "demo": ("demo", "Run the whole story on an embedded store and print what happened."),
}


class LazyGroup(click.Group):
    """Loads the module of a command when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"promptops.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and name not in COMMANDS:
            close = closest(name, COMMANDS)
            raise click.UsageError(
                f"there is no command '{name}'" + (f"; did you mean '{close}'?" if close else ""),
                ctx=ctx,
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 the check said no, 2 usage or configuration, 3 refused, "
    "4 store unreachable, 5 outcome unknown or not every client confirmed, 130 interrupted, "
    "143 terminated.",
)
@click.version_option(VERSION, prog_name="promptops", message="%(prog)s %(version)s")
def cli() -> None:
    """Ship prompts the way good teams ship code.

    A unit (model, prompt, parameters, retriever index version) is a manifest in git; `deploy` makes
    it live, `rollback` goes back, and the client library in the app follows in milliseconds.
    """


def main() -> NoReturn:
    """Run the command line, and turn every error into a message and an exit code."""
    guard_streams()
    if os.environ.get("_PROMPTOPS_COMPLETE", "").endswith("_complete"):
        # TAB prints no error into the line that somebody types.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    signals.interrupt()
    code = run(sys.argv[1:])
    signals.ignore()
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """The exit code of a command line: 0 to 5, and 130 or 143 after a signal."""
    try:
        return cli.main(arguments, prog_name="promptops", standalone_mode=False) or 0
    except (PromptopsError, click.ClickException, click.Abort, KeyboardInterrupt) as error:
        return _explain(error)
    except Exception as error:  # noqa: BLE001 - the boundary: users see no traceback
        if isinstance(error.__cause__, KeyboardInterrupt):  # Python 3.11 wraps it in __set_name__
            return _explain(error.__cause__)
        if os.environ.get("PROMPTOPS_DEBUG"):
            traceback.print_exc()
        say_error(
            f"promptops failed in a way that it did not foresee: {type(error).__name__}: {error}",
            "run it again with PROMPTOPS_DEBUG=1 and report what it prints; if this was a "
            "deployment, promptops status tells what is live",
        )
        return 5


def _explain(error: BaseException) -> int:
    """Say what went wrong and what to do; the exit code."""
    if isinstance(error, PromptopsError):
        say_findings(getattr(error, "findings", []))
        say_error(error.message, error.hint, error.code)
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.format_message())
        return 2
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        say_error(
            shortened(error.format_message()), f"{context.command_path} --help" if context else ""
        )
        return 2
    # click turns an interrupt into an Abort.
    word, code = signals.ending(error.__cause__ or error)
    say_error(word)
    return code
