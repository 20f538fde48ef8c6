"""status and history: look at an environment."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.changes import aside_lines, change_line
from promptops.cli.drilled import drill_facts, drill_lines, drill_warning
from promptops.cli.frozen import frozen_lines
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import emit, in_line, say_warning, table
from promptops.cli.past import clients_facts, clients_text, past_facts, past_text
from promptops.cli.rehearse_text import way_back_facts, way_back_line
from promptops.cli.settings import Environment
from promptops.delivery.confirmed import Confirmed, confirmations
from promptops.delivery.deployment import read_existing
from promptops.delivery.in_git import InGit, last_commit
from promptops.delivery.lost import absence
from promptops.delivery.past import moment, past
from promptops.delivery.status import EnvironmentStatus
from promptops.delivery.status import status as read_status
from promptops.errors import UsageError
from promptops.live.moves import live_pointer
from promptops.live.records import Entry
from promptops.live.store import entries
from promptops.manifest.digest import short
from promptops.source.project import find_project

BREAK_GLASS = click.style("BREAK-GLASS", fg="red", bold=True)
_NEWEST = 50


@click.command()
@environment_options
@click.option("--exit-code", is_flag=True, help="Exit with 1 when a unit is not as it should be.")
@click.option("--clients", is_flag=True, help="Compare with what each client serves, too.")
@click.option("--deep", is_flag=True, help="Verify the bytes of every live release, too.")
@output_option
def status(
    env: str | None,
    store: str | None,
    exit_code: bool,
    clients: bool,
    deep: bool,
    output: str,
) -> None:
    """What is live, since when, who serves it, and what git says.

    The state of a unit: in sync, behind (git is newer), ahead (git is older), held (git wants what
    is held); drifted (git cannot tell which is newer), orphan (live, and without a manifest),
    missing (a manifest, and not live), invalid (its manifest has errors); or live, where no
    repository is at hand. With --deep also corrupt (its release is not what its digest says), with
    --clients skewed (a client keeps another release, or refuses the store) and stale (a client has
    not heard of it within 3 s). Whatever git says: safe mode, retired. --exit-code takes the first
    four and retired as the ordinary course of things, as promptops plan --exit-code does not.

    \b
    promptops status --env production
    promptops status --env production --exit-code --clients --deep      has anything drifted?
    """
    place = settings.environment(env, store)
    in_git = _in_git(place)
    opened = place.open()
    try:
        found = read_status(opened, in_git, deep=deep, clients=clients)
    finally:
        opened.close()
    head, now = found.head, datetime.now(UTC)
    facts = {
        "environment": found.environment,
        "epoch": head and head.epoch,
        "revision": head and head.revision,
        "freeze": found.freeze and asdict(found.freeze),
        "units": [
            {**unit.as_json(), "way_back": way_back_facts(found.ways_back.get(unit.unit))}
            for unit in found.units
        ],
        "clients": {"present": found.present, "current": found.current},
        "drill": drill_facts(found, place, now),
        "lost": found.lost and found.lost.as_json(),
    }
    emit(output, facts, _status_text(found, place, now))
    warning = drill_warning(found, place, now)
    if warning:
        say_warning(f"{warning}: promptops rehearse --drill --env {place.name}")
    if exit_code and found.drifted:
        raise click.exceptions.Exit(1)


def _in_git(place: Environment) -> InGit | None:
    """What git wants, where a project and its repository are at hand."""
    project = find_project(Path.cwd())
    if project is None:
        return None
    try:
        return last_commit(project, place.name)
    except UsageError as error:
        say_warning(f"not compared with git: {error.message}")
        return None


def _status_text(found: EnvironmentStatus, place: Environment, now: datetime) -> str:
    if found.head is None:
        absent = absence(
            place.address, found.environment, found.lost, suggested.where(found.environment)
        )
        return f"{absent.message}\n  {absent.hint}"
    rows = [("UNIT", "DIGEST", "REVISION", "COMMIT", "SINCE", "STATE", "HELD")]
    for unit in found.units:
        live = unit.live
        rows.append(
            (
                in_line(unit.unit),
                short(live.digest) if live else "-",
                str(live.revision) if live else "-",
                (live.commit or "-")[:12] if live else "-",
                live.since if live else "-",
                unit.state,
                ", ".join(short(hold.digest) for hold in live.held) if live else "",
            )
        )
    return "\n".join(
        [
            f"{found.environment} is at revision {found.head.revision} in {place.address}",
            *frozen_lines(found.freeze, found.environment),
            table(rows) if len(rows) > 1 else "nothing is live",
            *_why(found),
            *_broken_glass(found),
            *_ways_back(found),
            *aside_lines({unit.unit: unit.live for unit in found.units if unit.live}),
            f"{found.current} of {found.present} clients serve it",
            *drill_lines(found.drill, now),
        ]
    )


def _broken_glass(found: EnvironmentStatus) -> Iterator[str]:
    for unit in found.units:
        if unit.live is not None and unit.live.break_glass:
            said = in_line(f"{unit.unit} was deployed past the protection: {unit.live.break_glass}")
            yield f"{BREAK_GLASS} {said}"


def _ways_back(found: EnvironmentStatus) -> list[str]:
    """Nothing, while nobody has rehearsed anything here."""
    return [
        in_line(f"{unit.unit}: way back: ")
        + way_back_line(found.ways_back.get(unit.unit), unit.live)
        for unit in found.units
        if unit.live and found.ways_back
    ]


def _why(found: EnvironmentStatus) -> Iterator[str]:
    for unit in found.units:
        if unit.corrupt:
            yield f"{in_line(unit.unit)} is corrupt: {in_line(unit.corrupt)}"
        for each in unit.astray:
            yield in_line(f"{unit.unit} is {each.state} in {each.client}: {each.why}")


@click.command()
@click.argument("unit", required=False, shell_complete=completion.units)
@environment_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"How many. [default: {_NEWEST}]",
)
@click.option("--operation", metavar="ID", help="Only the deployment with this operation id.")
@click.option("--at", metavar="TIME", help="What was live at a moment, instead of deployments.")
@click.option("--clients", is_flag=True, help="Also what clients had confirmed (--wait).")
@output_option
def history(
    unit: str | None,
    env: str | None,
    store: str | None,
    limit: int | None,
    operation: str | None,
    at: str | None,
    clients: bool,
    output: str,
) -> None:
    """The deployments of an environment, newest first, all of them or those of one unit.

    \b
    promptops history --env production
    promptops history support-triage --env production --limit 5 -o json
    promptops history --env production --operation 8c1f…   did it happen?
    promptops history --env production --at "2026-11-20 14:30"   what was live then?
    """
    if at is not None and (limit is not None or operation is not None):
        raise click.UsageError("--at goes without --limit and --operation: it lists no deployments")
    then = None if at is None else moment(at)
    place = settings.environment(env, store)
    if then is not None and then > datetime.now(UTC):
        now = suggested.command("status", *suggested.where(place.name))
        raise UsageError(f"'{at}' is in the future", f"for what is live now: {now}")
    opened = place.open()
    try:
        confirmed = confirmations(opened) if clients else None
        if then is not None:
            state = read_existing(opened, suggested.where(place.name))
            was = past(reversed([*entries(opened)]), then)
            if unit is not None and unit not in was.units:
                live_pointer(state, unit, place.name)
            told = past_facts(place.name, was, unit, confirmed)
            emit(output, told, past_text(told))
            return
        found: list[Entry] = []
        for entry in entries(opened):
            touched = unit is None or any(change.unit == unit for change in entry.changes)
            if touched and operation in {None, entry.operation}:
                found.append(entry)
            if len(found) == (limit or _NEWEST) or (operation and found):
                break
        if not found:
            state = read_existing(opened, suggested.where(place.name))
            if unit is not None:
                live_pointer(state, unit, place.name)
    finally:
        opened.close()
    if operation and not found:
        raise UsageError(
            f"no deployment of {place.name} has the operation {operation}",
            "it did not happen; the same command with the same --operation is safe",
        )
    entries_facts = [_entry_facts(entry, confirmed) for entry in found]
    facts = {"environment": place.name, "entries": entries_facts}
    text = "\n".join(_entry_text(entry, confirmed) for entry in found)
    emit(output, facts, text or "no deployments")


def _entry_facts(entry: Entry, confirmed: Mapping[int, Confirmed] | None) -> dict[str, Any]:
    facts = entry.as_json()
    if confirmed is not None:
        facts["clients"] = clients_facts(confirmed, entry.revision)
    return facts


def _entry_text(entry: Entry, confirmed: Mapping[int, Confirmed] | None) -> str:
    lines = [f"{entry.revision}  {entry.action}  {entry.at}  {in_line(entry.actor)}"]
    lines += [f"    {in_line(entry.reason)}"] if entry.reason else []
    if entry.break_glass:
        lines.append(f"    {BREAK_GLASS} {in_line(entry.break_glass)}")
    for change in entry.changes:
        line = f"    {change_line(change.as_json(), entry.action)}"
        if change.commit and change.before != change.after:
            line += f"  from commit {change.commit[:12]}"
        lines.append(line)
    if confirmed is not None:
        lines.append(f"    {clients_text(clients_facts(confirmed, entry.revision))}")
    return "\n".join(lines)
