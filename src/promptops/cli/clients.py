"""clients: who reads an environment."""

from collections.abc import Mapping
from dataclasses import asdict

import click

from promptops.cli import settings, suggested
from promptops.cli.awaiting import client_facts, named
from promptops.cli.changes import aside_lines
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import emit, in_line, printable, say_warning, table
from promptops.delivery.lost import absence, served_on
from promptops.delivery.served import Served, live_at, served_by
from promptops.errors import Unconfirmed
from promptops.live.presence import Presence
from promptops.live.records import Head, State
from promptops.live.store import Store, entries
from promptops.manifest.digest import short

Units = dict[str, Served] | None


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

    A client that was killed is listed for half a minute; one with presence=False never is. AGE is
    how long ago the store confirmed what it serves, as far as it said, which it does every ten
    seconds. What somebody serves instead of what is live is shown by unit; with -o json, all are.

    \b
    promptops clients --env production
    promptops clients --env production --revision 12   does everybody serve it?
    """
    place = settings.environment(env, store)
    opened = place.open()
    try:
        found = opened.clients()  # first, so that nobody is ahead of the head that is read
        state = opened.read()
        absent = None
        if state.head is None:
            lost = served_on(found)
            absent = absence(place.address, place.name, lost, suggested.where(place.name))
            if lost is None:
                raise absent
        served = [(client, served_by(opened, state, client)) for client in found]
        behind = [] if revision is None else _behind(opened, state, found, revision)
    finally:
        opened.close()
    facts: dict[str, object] = {
        "environment": place.name,
        "revision": state.head and state.head.revision,
        "clients": [_facts(client, units) for client, units in served],
    }
    if modes := sorted(unit for unit, each in state.pointers.items() if each.safe_mode):
        facts["safe_mode"] = modes
    emit(output, facts, "\n".join([_text(served, state), *aside_lines(state.pointers)]))
    if absent is not None:
        if revision is not None:
            raise absent
        say_warning(f"{absent.message}: {absent.hint}")
    if behind:
        raise Unconfirmed(
            f"{len(behind)} of {len(found)} clients do not serve revision {revision}: "
            f"{', '.join(named(client) for client in behind)}",
            "look at those processes",
        )


def _behind(store: Store, state: State, found: list[Presence], revision: int) -> list[Presence]:
    if state.head is None:
        return []
    wanted = Head(state.head.epoch, revision)
    live = live_at(revision, state.pointers, entries(store))
    digests = {unit: served.digest for unit, served in live.items()}
    return [client for client in found if not client.serves(wanted, digests, state.head)]


def _facts(client: Presence, units: Units) -> dict[str, object]:
    shown = None
    if units is not None:
        shown = {unit: asdict(served) for unit, served in sorted(units.items())}
    return {**client_facts(client), "age": client.age, "units": shown}


def _text(found: list[tuple[Presence, Units]], state: State) -> str:
    if not found:
        return "no client is present; one with presence=False never is"
    rows = [
        (
            "APP",
            "HOST",
            "PID",
            "VERSION",
            "REVISION",
            "AGE",
            "SERVES INSTEAD",
            "REFUSED",
        )
    ]
    for client, units in found:
        refused = [f"{each.unit}: {each.code} {each.reason}" for each in client.refused]
        rows.append(
            (
                in_line(client.app or client.client),
                printable(client.host),
                str(client.pid),
                printable(client.version),
                str(client.revision or "-"),
                "-" if client.age is None else f"{client.age:.1f} s",
                printable("; ".join(_instead(client, units or {}, state))),
                printable("; ".join([client.error] * bool(client.error) + refused)),
            )
        )
    return table(rows)


def _instead(client: Presence, units: Mapping[str, Served], state: State) -> list[str]:
    said = []
    refused = {each.unit for each in client.refused}
    for unit, pointer in sorted(state.live.items()):
        if unit in refused and unit not in units:
            said.append(f"{unit} (nothing)")
        served = units.get(unit)
        pinned = ", pinned" if unit in client.pins else ""
        if served is not None and (served.digest != pointer.digest or pinned):
            said.append(
                f"{unit} {short(served.digest)} (revision {served.revision or '-'}{pinned})"
            )
    return said
