"""rollback and hold: the commands of a bad night, which need the store and nothing else."""

import click

from promptops.cli import completion, settings
from promptops.cli.options import (
    WithWait,
    environment_options,
    operation_options,
    output_option,
    wait_option,
)
from promptops.cli.report import move, new_intent, report
from promptops.delivery.hold import hold as hold_digest
from promptops.delivery.rollback import rollback as roll_back


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
@operation_options
@wait_option
@output_option
def rollback(
    units: tuple[str, ...],
    env: str | None,
    store: str | None,
    to: str | None,
    force: bool,
    reason: str,
    operation: str | None,
    wait: float | None,
    output: str,
) -> None:
    """Go back to an earlier release: by default the newest different one that is not held.

    The release that is left is held, so that a second rollback goes further back and a deploy on
    merge does not bring it back. Without units, --to REVISION puts the whole environment back.

    \b
    promptops rollback support-triage --env production
    promptops rollback support-triage --env production --to 3f2a91c07b1e --reason "loops"
    promptops rollback --env production --to 41 --wait
    """
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output) as opened:
        done = roll_back(opened, units, to, intent, force=force, resume=operation is not None)
        report(place, opened, intent, done, wait=wait, output=output, units=units)


@click.command()
@click.argument("unit", shell_complete=completion.units)
@click.argument("digest", shell_complete=completion.digests)
@environment_options
@click.option("--lift", is_flag=True, help="Lift the hold instead.")
@operation_options
@output_option
def hold(
    unit: str,
    digest: str,
    env: str | None,
    store: str | None,
    lift: bool,
    reason: str,
    operation: str | None,
    output: str,
) -> None:
    """Keep a release of a unit from being deployed again, or lift that with --lift.

    A hold is by content: the same prompt stays out whatever commit it comes from, and a changed
    one deploys without ceremony.

    \b
    promptops hold support-triage 3f2a91c07b1e --env production --reason "invents refunds"
    promptops hold support-triage 3f2a91c07b1e --env production --lift
    """
    if not lift and not reason:
        raise click.UsageError("a hold needs a reason: add --reason TEXT")
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output) as opened:
        done = hold_digest(opened, unit, digest, intent, lift=lift, resume=operation is not None)
        report(place, opened, intent, done, wait=None, output=output)
