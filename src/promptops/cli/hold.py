"""hold: keep a release out, let it in again, or list what is kept out."""

from functools import partial

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.asking import asked
from promptops.cli.options import (
    environment_options,
    operation_options,
    output_option,
    yes_option,
)
from promptops.cli.output import emit, in_line, table
from promptops.cli.report import move, new_intent, report
from promptops.cli.settings import Environment
from promptops.delivery.deployment import read_existing
from promptops.delivery.hold import commit_of
from promptops.delivery.hold import hold as hold_digest
from promptops.live.moves import live_pointer
from promptops.manifest.digest import short


@click.command()
@click.argument("unit", required=False, shell_complete=completion.units)
@click.argument("digest", required=False, shell_complete=completion.digests)
@environment_options
@click.option("--lift", is_flag=True, help="Lift the hold instead.")
@click.option("--list", "listed", is_flag=True, help="Print what is held, of one unit or of all.")
@yes_option
@operation_options
@output_option
def hold(
    unit: str | None,
    digest: str | None,
    env: str | None,
    store: str | None,
    lift: bool,
    listed: bool,
    yes: bool,
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
    promptops hold --list --env production
    """
    if listed:
        if digest or lift or reason or operation:
            raise click.UsageError("--list goes with a unit and --env, and changes nothing")
        _list(settings.environment(env, store), unit, output)
        return
    if unit is None or digest is None:
        raise click.UsageError("name the unit and the digest, or say --list")
    if not lift and not reason:
        raise click.UsageError("a hold needs a reason: add --reason TEXT")
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output) as opened:
        done = hold_digest(
            opened,
            unit,
            digest,
            intent,
            lift=lift,
            resume=operation is not None,
            agree=asked(place, yes=yes, commit_of=partial(commit_of, opened)),
        )
        report(place, opened, intent, done, wait=None, output=output)


def _list(place: Environment, unit: str | None, output: str) -> None:
    opened = place.open()
    try:
        state = read_existing(opened, suggested.where(place.name))
    finally:
        opened.close()
    if unit is not None:
        live_pointer(state, unit, place.name)
    held = [
        {
            "unit": name,
            "digest": each.digest,
            "since": each.at,
            "by": each.actor,
            "reason": each.reason,
        }
        for name, live in sorted(state.pointers.items())
        for each in live.held
        if unit in {None, name}
    ]
    rows: list[tuple[str, ...]] = [("UNIT", "DIGEST", "SINCE", "BY", "REASON")]
    rows += [
        tuple(map(in_line, (each["unit"], short(each["digest"]), *list(each.values())[2:])))
        for each in held
    ]
    emit(
        output,
        {"environment": place.name, "held": held},
        table(rows) if held else "nothing is held",
    )
