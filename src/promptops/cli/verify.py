"""verify: is everything in the store what was written there?"""

import click

from promptops.cli import settings, suggested
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import count, emit, in_line
from promptops.cli.progress import progress
from promptops.delivery.deployment import read_existing
from promptops.delivery.verify import Verification
from promptops.delivery.verify import verify as look_through


@click.command()
@environment_options
@output_option
def verify(env: str | None, store: str | None, output: str) -> None:
    """Is everything in the store what was written there?

    Computes the digest of every release that a pointer or the history names, compares every pointer
    with the history, and follows the chain in which each entry of the history names the one before:
    an edit, a gap and a reordering are found. Exits with 1 when there is a problem.

    \b
    promptops verify --env production
    """
    place = settings.environment(env, store)
    opened = place.open()
    try:
        with progress("releases") as tell:
            found = look_through(opened, tell)
        if found.head is None and not found.problems:
            read_existing(opened, suggested.where(place.name))
    finally:
        opened.close()
    head = found.head
    facts = {
        "environment": found.environment,
        "epoch": head and head.epoch,
        "revision": head and head.revision,
        "verified": {
            "releases": found.releases,
            "pointers": found.pointers,
            "entries": found.walk.entries,
        },
        "releases_gone": found.gone,
        "chain_since": found.walk.since,
        "problems": [problem.as_json() for problem in found.problems],
    }
    emit(output, facts, _text(found))
    if found.problems:
        raise click.exceptions.Exit(1)


def _text(found: Verification) -> str:
    at = f"at revision {found.head.revision}" if found.head else "without a head"
    looked_at = ", ".join(
        [
            count(found.releases, "release"),
            count(found.pointers, "pointer"),
            count(found.walk.entries, "entry", "entries") + " of the history",
        ]
    )
    lines = [f"{found.environment} is {at}; looked at {looked_at}"]
    if found.walk.since is not None:
        lines.append(f"the chain of the history holds since revision {found.walk.since}")
        if any(problem.kind in _OF_A_CHAIN for problem in found.problems):
            lines[-1] = "the chain of the history is broken"
    if found.gone:
        lines.append(f"{count(found.gone, 'release')} of the past not stored any more")
    for problem in found.problems:
        lines += [f"{problem.kind}: {in_line(problem.message)}", f"    {in_line(problem.hint)}"]
    return "\n".join([*lines, count(len(found.problems), "problem")])


_OF_A_CHAIN = {"edited", "gap", "reordered", "unlinked"}
