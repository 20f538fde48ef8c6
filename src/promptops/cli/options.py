"""Options that several commands share, so that they look the same everywhere."""

from collections.abc import Callable
from typing import Any

import click

from promptops.cli import completion

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-o text|json`, and `--json` for short."""
    function = click.option("--json", "output", flag_value="json", help="The same as -o json.")(
        function
    )
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print the result.",
    )(function)


def environment_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--env NAME` and `--store URL`, with their environment variables."""
    function = click.option(
        "--store",
        metavar="URL",
        envvar="PROMPTOPS_STORE",
        help="The store's URL, instead of the project file's. [env: PROMPTOPS_STORE]",
    )(function)
    return click.option(
        "--env",
        metavar="NAME",
        envvar="PROMPTOPS_ENV",
        shell_complete=completion.environments,
        help="The environment. [env: PROMPTOPS_ENV]",
    )(function)


def operation_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--reason` and `--operation`, for what becomes an entry of the history."""
    function = click.option(
        "--operation",
        metavar="ID",
        help="An id of your own: the same command with the same id is done once. [default: new]",
    )(function)
    return click.option("--reason", metavar="TEXT", default="", help="Why, for the history.")(
        function
    )


class WithWait(click.Command):
    """A command with `--wait[=SECONDS]`: alone it takes no value, so that a unit may follow it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        before_units = args[: args.index("--")] if "--" in args else args
        bare = [f"--wait={WAIT}" if arg == "--wait" else arg for arg in before_units]
        return super().parse_args(ctx, bare + args[len(before_units) :])


WAIT = 30


def wait_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--wait",
        metavar="[=SECONDS]",
        type=click.FloatRange(min=0, max=86400),
        help=f"Wait until every present client serves it; {WAIT} seconds when none are named.",
    )(function)
