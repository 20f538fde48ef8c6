"""freeze and unfreeze: stop an environment for everything but going back."""

import click

from promptops.cli import settings
from promptops.cli.asking import asked
from promptops.cli.options import (
    environment_options,
    operation_options,
    output_option,
    yes_option,
)
from promptops.cli.report import move, new_intent, report
from promptops.delivery.freeze import freeze as freeze_environment


@click.command()
@environment_options
@yes_option
@operation_options
@output_option
def freeze(
    env: str | None,
    store: str | None,
    yes: bool,
    reason: str,
    operation: str | None,
    output: str,
) -> None:
    """Stop an environment: until unfreeze, only rollback and safe mode pass.

    Deploy, promote, hold and lift are refused, with who froze it, when and why.

    \b
    promptops freeze --env production --reason "Black Friday"
    """
    if not reason:
        raise click.UsageError("a freeze needs a reason: add --reason TEXT")
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output) as opened:
        agree = asked(place, yes=yes)
        done = freeze_environment(opened, intent, resume=operation is not None, agree=agree)
        report(place, opened, intent, done, wait=None, output=output)


@click.command()
@environment_options
@yes_option
@operation_options
@output_option
def unfreeze(
    env: str | None,
    store: str | None,
    yes: bool,
    reason: str,
    operation: str | None,
    output: str,
) -> None:
    """Let everything pass again.

    \b
    promptops unfreeze --env production
    """
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason)
    with move(place, intent, output) as opened:
        agree = asked(place, yes=yes)
        done = freeze_environment(
            opened, intent, lift=True, resume=operation is not None, agree=agree
        )
        report(place, opened, intent, done, wait=None, output=output)
