"""collect: delete what nobody can need any more."""

import re
from datetime import UTC, datetime, timedelta

import click

from promptops.cli import settings, suggested
from promptops.cli.asking import confirm
from promptops.cli.options import environment_options, output_option, yes_option
from promptops.cli.output import count, emit
from promptops.cli.settings import Environment
from promptops.delivery.collect import Collected, look
from promptops.delivery.collect import collect as collect_releases
from promptops.delivery.collecting import Keeping
from promptops.manifest.digest import short

_LENGTH = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _length(_: click.Context, __: click.Parameter, value: str) -> timedelta:
    """A length of time as people write it."""
    found = _LENGTH.fullmatch(value)
    if found is None:
        raise click.BadParameter("write a length of time such as 30s, 15m, 24h or 90d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@click.command()
@environment_options
@click.option(
    "--keep-days",
    type=click.IntRange(min=0, max=36500),
    default=90,
    show_default=True,
    metavar="N",
    help="Keep what a deployment of so many days names.",
)
@click.option(
    "--keep-last",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="Keep so many releases of each unit to go back to.",
)
@click.option(
    "--grace",
    callback=_length,
    default="24h",
    show_default=True,
    metavar="TIME",
    help="Delete what is marked for so long.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and change nothing.")
@yes_option
@output_option
def collect(
    env: str | None,
    store: str | None,
    keep_days: int,
    keep_last: int,
    grace: timedelta,
    dry_run: bool,
    yes: bool,
    output: str,
) -> None:
    """Delete releases that nobody can need any more, in two steps.

    What is live, held, safe, pinned by a present client, a target of a rollback or named by a
    rehearsal is kept. The rest is marked, and deleted by a run that finds it unneeded still after
    the grace; so run this every day.

    \b
    promptops collect --env production --dry-run
    promptops collect --env production --yes
    """
    place = settings.environment(env, store)
    keeping = Keeping(keep_days, keep_last, grace)
    now = datetime.now(UTC)

    def may_delete(found: Collected) -> None:
        if not yes:
            releases = count(len(found.decision.delete), "release")
            why = f"{releases} of {place.name} would be deleted for good"
            confirm(place, "collect", lambda: [f"{why}, in {place.address}"], why=why)

    where = suggested.where(place.name)
    opened = place.open()
    try:
        with suggested.permitted("operator", place.name):
            if dry_run:
                found = look(opened, keeping, now, where)[1]
            else:
                found = collect_releases(opened, keeping, now, may_delete, where)
    finally:
        opened.close()
    emit(output, _facts(place, found, dry_run=dry_run), _text(place, found, dry_run=dry_run))


def _facts(place: Environment, found: Collected, *, dry_run: bool) -> dict[str, object]:
    marks = found.decision.marks
    facts: dict[str, object] = {
        "environment": place.name,
        "stored": found.stored,
        "deleted": [*found.decision.delete],
        "marked": {digest: at.isoformat() for digest, at in marks.items()},
    }
    return facts | {"dry_run": True} if dry_run else facts


def _text(place: Environment, found: Collected, *, dry_run: bool) -> str:
    deleted, marks = found.decision.delete, found.decision.marks
    would = "would be " if dry_run else ""
    releases = count(found.stored, "release")
    lines = [
        f"{place.name}: {len(deleted)} of {releases} {would}deleted, {len(marks)} {would}marked"
    ]
    lines += [f"  {short(digest)}  {would}deleted" for digest in deleted]
    lines += [
        f"  {short(digest)}  not needed since {at.isoformat(timespec='seconds')}"
        for digest, at in marks.items()
    ]
    return "\n".join(lines)
