"""safe-mode and retire: moves beside forward and back; they need the store and nothing else."""

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
from promptops.delivery.retire import retire as retire_units
from promptops.delivery.safe_mode import switch


@click.command(cls=WithWait)
@click.argument("to", type=click.Choice(["on", "off"]), metavar="on|off")
@click.argument("units", nargs=-1, metavar="[UNIT]...", shell_complete=completion.units)
@click.option("--all", "everything", is_flag=True, help="Every unit that has a safe release.")
@environment_options
@operation_options
@wait_option
@replicas_option
@output_option
def safe_mode(
    to: str,
    units: tuple[str, ...],
    everything: bool,
    env: str | None,
    store: str | None,
    reason: str,
    operation: str | None,
    wait: float | None,
    replicas: int | None,
    output: str,
) -> None:
    """Switch units to their safe releases, or back to exactly where they were.

    The safe release is what `safe:` in the manifest makes of a release; it is stored with every
    deploy. The switch is one swap, and passes through freezes and holds. In safe mode a unit takes
    no deploys; a rollback leaves it for an earlier release. It is not left for a release that is
    missing or damaged in the store.

    \b
    promptops safe-mode on --all --env production --reason "it invents refunds" --wait
    promptops safe-mode off support-triage --env production
    """
    if bool(units) == everything:
        raise click.UsageError("name the units or say --all, one of them")
    if to == "on" and not reason:
        raise click.UsageError("safe mode needs a reason: add --reason TEXT")
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output, replicas=replicas) as opened:
        done = switch(opened, units, intent, on=to == "on", resume=operation is not None)
        report(
            place,
            opened,
            intent,
            done,
            wait=wait,
            output=output,
            units=units,
            replicas=replicas,
        )


@click.command(cls=WithWait)
@click.argument(
    "units", nargs=-1, required=True, metavar="UNIT...", shell_complete=completion.units
)
@environment_options
@click.option("--force", is_flag=True, help="Retire it although present clients ask for it.")
@yes_option
@operation_options
@wait_option
@output_option
def retire(
    units: tuple[str, ...],
    env: str | None,
    store: str | None,
    force: bool,
    yes: bool,
    reason: str,
    operation: str | None,
    wait: float | None,
    output: str,
) -> None:
    """Take units out of service: clients drop them, and say so to who asks.

    Refused while a present client asks for one; a client without presence is not seen. A deploy
    brings a unit back, and so does a rollback.

    \b
    promptops retire old-triage --env production --reason "replaced by support-triage"
    """
    if not reason:
        raise click.UsageError("retiring needs a reason: add --reason TEXT")
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output) as opened:
        done = retire_units(
            opened,
            units,
            intent,
            force=force,
            resume=operation is not None,
            agree=asked(place, yes=yes),
        )
        report(place, opened, intent, done, wait=wait, output=output, units=units)
