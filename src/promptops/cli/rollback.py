"""rollback: the command of a bad night, which needs the store and nothing else."""

import importlib
from functools import partial

import click

from promptops.cli import completion, settings
from promptops.cli.asking import asked
from promptops.cli.options import (
    WithWait,
    environment_options,
    operation_options,
    output_option,
    replicas_option,
    wait_option,
    yes_option,
)
from promptops.cli.report import move, new_intent, report
from promptops.cli.settings import Environment
from promptops.delivery.rollback import rollback as roll_back
from promptops.delivery.way_back import kept
from promptops.errors import Unconfirmed
from promptops.live.records import Entry


@click.command(cls=WithWait)
@click.argument("units", nargs=-1, metavar="[UNIT]...", shell_complete=completion.units)
@environment_options
@click.option(
    "--to",
    metavar="TARGET",
    shell_complete=completion.digests,
    help="A digest, a revision or a commit to go back to.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Go back to a release although it is held, or a rehearsal found it blocked.",
)
@click.option(
    "--revert",
    is_flag=True,
    help="Afterwards prepare the commit that takes git back; with GITHUB_TOKEN, the pull request.",
)
@click.option("--dry-run", is_flag=True, help="Say where it would go, and change nothing.")
@yes_option
@operation_options
@wait_option
@replicas_option
@output_option
def rollback(
    units: tuple[str, ...],
    env: str | None,
    store: str | None,
    to: str | None,
    force: bool,
    revert: bool,
    dry_run: bool,
    yes: bool,
    reason: str,
    operation: str | None,
    wait: float | None,
    replicas: int | None,
    output: str,
) -> None:
    """Go back to an earlier release: by default the newest different one that is not held.

    The release that is left is held, so that a second rollback goes further back and a deploy on
    merge does not bring it back. Who deploys at the same moment does not win: what they made live
    is left and held as well, and told. Without units, --to REVISION puts the whole environment
    back.

    \b
    promptops rollback support-triage --env production
    promptops rollback support-triage --env production --dry-run      where would it go?
    promptops rollback support-triage --env production --to 3f2a91c07b1e --reason "loops"
    promptops rollback --env production --to 41 --wait
    promptops rollback support-triage --env production --revert
    """
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output, dry_run=dry_run, replicas=replicas) as opened:
        done = roll_back(
            opened,
            units,
            to,
            intent,
            force=force,
            resume=operation is not None,
            dry_run=dry_run,
            agree=asked(place, yes=yes, rehearsed=partial(kept, opened)),
        )
        unconfirmed = None
        try:
            more = {"displaced": [each.as_json() for each in done.displaced], "doubts": []}
            report(
                place,
                opened,
                intent,
                done,
                wait=wait,
                output=output,
                units=units,
                dry_run=dry_run,
                more=more,
                replicas=replicas,
            )
        except Unconfirmed as error:
            unconfirmed = error
    if revert and done.entry is not None and not dry_run:
        _bring_git_in_line(place, done.entry)
    if unconfirmed is not None:
        raise unconfirmed


def _bring_git_in_line(place: Environment, entry: Entry) -> None:
    # Loaded when all is done: git's library takes as long to load as a rollback takes.
    module = importlib.import_module("promptops.cli.revert")
    module.bring_git_in_line(place, entry)
