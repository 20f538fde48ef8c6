"""clients: who reads an environment."""

import click

from promptops.cli import settings
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import emit, printable, table
from promptops.cli.report import client_facts, named
from promptops.delivery.deployment import read_existing
from promptops.errors import Unconfirmed
from promptops.live.records import Head, Presence


@click.command()
@environment_options
@click.option(
    "--revision",
    type=click.IntRange(min=1),
    metavar="N",
    help="Exit 5 when somebody does not serve this revision or a later one.",
)
@output_option
def clients(env: str | None, store: str | None, revision: int | None, output: str) -> None:
    """Who is present, what they serve, and which releases they refuse.

    A client that was killed is listed for half a minute; one with presence=False never is.

    \b
    promptops clients --env production
    promptops clients --env production --revision 12   does everybody serve it?
    """
    place = settings.environment(env, store)
    opened = place.open()
    try:
        found = opened.clients()  # first, so that nobody is ahead of the head that is read
        head = read_existing(opened).head
    finally:
        opened.close()
    facts = {
        "environment": place.name,
        "revision": head and head.revision,
        "clients": [client_facts(client) | {"age": client.age} for client in found],
    }
    emit(output, facts, _text(found))
    if revision is not None and head is not None:
        wanted = Head(head.epoch, revision)
        behind = [client for client in found if not client.serves(wanted, head)]
        if behind:
            raise Unconfirmed(
                f"{len(behind)} of {len(found)} clients do not serve revision {revision}: "
                f"{', '.join(named(client) for client in behind)}",
                "look at those processes",
            )


def _text(found: list[Presence]) -> str:
    if not found:
        return "no client is present"
    rows = [("APP", "HOST", "PID", "VERSION", "REVISION", "AGE", "REFUSED")]
    for client in found:
        refused = [f"{each.unit}: {each.code} {each.reason}" for each in client.refused]
        rows.append(
            (
                printable(client.app or client.client),
                printable(client.host),
                str(client.pid),
                printable(client.version),
                str(client.revision or "-"),
                "-" if client.age is None else f"{client.age:.1f} s",
                printable("; ".join([client.error] * bool(client.error) + refused)),
            )
        )
    return table(rows)
