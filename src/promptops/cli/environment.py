"""status and history: look at an environment."""

from pathlib import Path

import click

from promptops.cli import completion, settings
from promptops.cli.changes import aside_lines, change_line
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import emit, in_line, say_warning, table
from promptops.cli.settings import Environment
from promptops.delivery.deployment import read_existing
from promptops.delivery.in_git import InGit, last_commit
from promptops.delivery.status import EnvironmentStatus
from promptops.delivery.status import status as read_status
from promptops.errors import UsageError
from promptops.live.moves import live_pointer
from promptops.live.records import Entry
from promptops.live.store import entries
from promptops.manifest.digest import short
from promptops.source.project import find_project


@click.command()
@environment_options
@output_option
def status(env: str | None, store: str | None, output: str) -> None:
    """What is live, since when, who serves it, and what git says.

    The state of a unit: in sync, behind (git is newer), ahead (git is older), differs (git cannot
    tell), held (git wants what is held), not in git, not deployed, invalid in git; or live, where
    no repository is at hand. Whatever git says: safe mode, retired.

    \b
    promptops status --env production
    """
    place = settings.environment(env, store)
    in_git = _in_git(place)
    opened = place.open()
    try:
        found = read_status(opened, in_git)
    finally:
        opened.close()
    head = found.head
    facts = {
        "environment": found.environment,
        "epoch": head and head.epoch,
        "revision": head and head.revision,
        "units": [unit.as_json() for unit in found.units],
        "clients": {"present": found.present, "current": found.current},
    }
    emit(output, facts, _status_text(found, place))


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


def _status_text(found: EnvironmentStatus, place: Environment) -> str:
    if found.head is None:
        return f"{found.environment}: {place.address} has never held it"
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
            table(rows) if len(rows) > 1 else "nothing is live",
            *aside_lines({unit.unit: unit.live for unit in found.units if unit.live}),
            f"{found.current} of {found.present} clients serve it",
        ]
    )


@click.command()
@click.argument("unit", required=False, shell_complete=completion.units)
@environment_options
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    metavar="N",
    help="How many.",
)
@click.option("--operation", metavar="ID", help="Only the deployment with this operation id.")
@output_option
def history(
    unit: str | None,
    env: str | None,
    store: str | None,
    limit: int,
    operation: str | None,
    output: str,
) -> None:
    """The deployments of an environment, newest first, all of them or those of one unit.

    \b
    promptops history --env production
    promptops history support-triage --env production --limit 5 -o json
    promptops history --env production --operation 8c1f…   did it happen?
    """
    place = settings.environment(env, store)
    opened = place.open()
    try:
        found: list[Entry] = []
        for entry in entries(opened):
            touched = unit is None or any(change.unit == unit for change in entry.changes)
            if touched and operation in {None, entry.operation}:
                found.append(entry)
            if len(found) == limit or (operation and found):
                break
        if not found:
            state = read_existing(opened)
            if unit is not None:
                live_pointer(state, unit, place.name)
    finally:
        opened.close()
    if operation and not found:
        raise UsageError(
            f"no deployment of {place.name} has the operation {operation}",
            "it did not happen; the same command with the same --operation is safe",
        )
    facts = {"environment": place.name, "entries": [entry.as_json() for entry in found]}
    emit(output, facts, "\n".join(_entry_text(entry) for entry in found) or "no deployments")


def _entry_text(entry: Entry) -> str:
    lines = [f"{entry.revision}  {entry.action}  {entry.at}  {in_line(entry.actor)}"]
    lines += [f"    {in_line(entry.reason)}"] if entry.reason else []
    for change in entry.changes:
        line = f"    {change_line(change.as_json())}"
        if change.commit and change.before != change.after:
            line += f"  from commit {change.commit[:12]}"
        lines.append(line)
    return "\n".join(lines)
