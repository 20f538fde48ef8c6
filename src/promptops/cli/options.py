"""Options that several commands share, so that they look the same everywhere."""

import math
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from promptops.cli import completion, suggested
from promptops.errors import PromptopsError

_ID = re.compile(r"[!-~]{1,128}")


def _output(*formats: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = click.option("--json", "output", flag_value="json", help="The same as -o json.")(
            function
        )
        return click.option(
            "-o",
            "--output",
            type=click.Choice(formats),
            default="text",
            show_default=True,
            help="How to print the result.",
        )(function)

    return decorate


# `-o text|json`, and `--json` for short; commands that report findings have more formats.
output_option = _output("text", "json")
plan_option = _output("text", "json", "markdown")
report_option = _output("text", "json", "markdown", "github", "sarif")


store_option = click.option(
    "--store",
    metavar="URL",
    envvar="PROMPTOPS_STORE",
    help="The store's URL, instead of the project file's. [env: PROMPTOPS_STORE]",
)


def environment_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--env NAME` and `--store URL`, with their environment variables.

    Commands that the hint of an error names get them too, so that it can be typed as it stands.
    """

    @wraps(function)
    def hinting(*arguments: Any, env: str | None, **options: Any) -> Any:
        try:
            return function(*arguments, env=env, **options)
        except PromptopsError as error:
            if env:
                error.hint = suggested.completed(error.hint, env)
            raise

    return click.option(
        "--env",
        metavar="NAME",
        envvar="PROMPTOPS_ENV",
        shell_complete=completion.environments,
        help="The environment. [env: PROMPTOPS_ENV]",
    )(store_option(hinting))


def _checked_id(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """An empty id, as of an unset variable, would quietly be a new one every time."""
    if value is not None and not _ID.fullmatch(value):
        raise click.BadParameter("an id has 1 to 128 printable characters without spaces")
    return value


def operation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--reason` and `--operation`, for what becomes an entry of the history."""
    function = click.option(
        "--operation",
        metavar="ID",
        callback=_checked_id,
        help="An id of your own: the same command with the same id is done once. [default: new]",
    )(function)
    return click.option("--reason", metavar="TEXT", default="", help="Why, for the history.")(
        function
    )


yes_option = click.option("--yes", is_flag=True, help="It is meant: do not ask.")


def _said_why(_: click.Context, __: click.Parameter, value: str | None) -> str:
    if value is not None and not value.strip():
        raise click.BadParameter("say why: the history shows it")
    return value or ""


break_glass_option = click.option(
    "--break-glass",
    metavar="REASON",
    callback=_said_why,
    help="Deploy past the protection of the environment; the history and status show it.",
)


class WithWait(click.Command):
    """A command with `--wait[=SECONDS]`: alone it takes no value, so that a unit may follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before_units = args[: args.index("--")] if "--" in args else args
        bare = [f"--wait={WAIT}" if arg == "--wait" else arg for arg in before_units]
        return super().parse_args(ctx, bare + args[len(before_units) :])


WAIT = 30


class Seconds(click.FloatRange):
    """A length of time; `nan` is a float and no such thing."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


def wait_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--wait",
        metavar="[=SECONDS]",
        type=Seconds(min=0, max=86400),
        help=f"Wait until every present client serves it; {WAIT} seconds when none are named.",
    )(function)


replicas_option = click.option(
    "--wait-replicas",
    "replicas",
    metavar="N",
    type=click.IntRange(min=1, max=1000),
    help="Wait half a second until N replicas of the Redis have it, or say that they do not.",
)
