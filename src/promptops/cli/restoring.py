"""export and restore: an environment as a file, and back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from promptops.cli import settings, suggested
from promptops.cli.asking import confirm, heading
from promptops.cli.changes import change_line, doubt_lines
from promptops.cli.options import (
    WithWait,
    environment_options,
    operation_options,
    output_option,
    wait_option,
    yes_option,
)
from promptops.cli.output import count, emit, in_line, say, say_warning
from promptops.cli.progress import progress
from promptops.cli.report import move, new_intent, report
from promptops.cli.settings import Environment
from promptops.delivery.ages import age
from promptops.delivery.checkout import Checkout, from_commit
from promptops.delivery.doubts_of_restore import of_restore
from promptops.delivery.export import Export, read_export
from promptops.delivery.export import export as write_export
from promptops.delivery.protection import check_allowed
from promptops.delivery.restore import Prepared, done_before, prepare, restore_reports
from promptops.delivery.restore import restore as carry_out
from promptops.delivery.way_back import now
from promptops.errors import Refused, StoreError
from promptops.live.chain import walk
from promptops.live.moves import Doubt, Intent
from promptops.live.moves_of_restore import changes_of
from promptops.live.records import Seal
from promptops.live.store import Store
from promptops.source.project import InvalidProject


@click.command()
@environment_options
@click.option("--out", metavar="FILE", required=True, help="The file to write.")
@output_option
def export(env: str | None, store: str | None, out: str, output: str) -> None:
    """Write an environment into one file: releases, pointers, holds, freeze and history.

    Also what rehearsals found, without which a rollback does not know what is blocked. What was
    written is read back and verified. promptops restore rebuilds the environment from it.

    \b
    promptops export --env production --out production.export
    """
    place = settings.environment(env, store)
    opened = place.open()
    try:
        with progress("releases") as tell:
            written = write_export(opened, out, now(), tell, suggested.where(place.name))
    finally:
        opened.close()
    rehearsals = sum(not name.startswith("~") for name in written.reports)
    facts = {
        "environment": written.environment,
        "epoch": written.head.epoch,
        "revision": written.head.revision,
        "at": written.at,
        "file": out,
        "releases": len(written.digests),
        "pointers": len(written.pointers),
        "entries": len(written.history),
        "releases_gone": written.gone,
        "rehearsals": rehearsals,
    }
    holds = (
        f"{out} holds {place.name} at revision {written.head.revision}: "
        f"{count(len(written.digests), 'release')}, {count(len(written.pointers), 'pointer')}, "
        f"{count(len(written.history), 'entry', 'entries')} of the history, "
        f"{count(rehearsals, 'rehearsal')}"
    )
    gone = f"; {count(written.gone, 'release')} of the past not stored any more, or damaged"
    emit(output, facts, holds + gone * bool(written.gone))
    broken = walk(written.history[::-1], Seal(written.head, written.history[-1].link)).breaks
    if broken:
        command = suggested.command("verify", *suggested.where(place.name))
        first = f"revision {broken[-1].revision}: {broken[-1].message}"
        say_warning(f"the history that was exported is not whole: {first}; {command} says more")


@click.command(cls=WithWait)
@environment_options
@click.option("--from", "file", metavar="FILE", help="What promptops export wrote.")
@click.option("--from-git", "revision", metavar="REV", help="A commit, as git names them.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--epoch",
    type=click.IntRange(min=1, max=1 << 40),
    metavar="N",
    help="The new epoch. [default: one above the highest that store, export or clients know]",
)
@click.option("--force", is_flag=True, help="Restore although something newer is lost by it.")
@yes_option
@operation_options
@wait_option
@output_option
def restore(
    env: str | None,
    store: str | None,
    file: str | None,
    revision: str | None,
    dry_run: bool,
    epoch: int | None,
    force: bool,
    yes: bool,
    reason: str,
    operation: str | None,
    wait: float | None,
    output: str,
) -> None:
    """Rebuild an environment that a store lost, from an export or from git.

    From an export everything is as it was, byte for byte, with holds, freeze and history; from git
    the units of a commit go live, in one entry. Either way the epoch is raised, so that clients
    which serve on what they had follow. Refused where something newer would be lost.

    \b
    promptops restore --env production --from production.export
    promptops restore --env production --from-git HEAD --dry-run
    promptops restore --env production --from-git HEAD --yes --wait
    """
    if (file is None) == (revision is None):
        raise click.UsageError("say what to restore from: --from FILE or --from-git REV")
    place = settings.environment(env, store)
    intent = new_intent(place, operation, reason or f"from {file or f'git {revision}'}")
    with move(place, intent, output, dry_run=dry_run, role="operator") as opened:
        source = read_export(file) if file is not None else _checkout(opened, str(revision))
        if isinstance(source, Checkout):
            intent = _allowed(place, replace(intent, commit=source.commit), force=force)
        done = done_before(opened, source, operation) if operation and not dry_run else None
        if done is not None:
            report(place, opened, intent, done, wait=wait, output=output)
            return
        prepared = prepare(opened, source, intent, force=force, epoch=epoch)
        if prepared.there.lost:
            say_warning(f"damaged, and rebuilt by this: {prepared.there.lost}")
        doubts = _doubts(opened, source, prepared, intent)
        if dry_run:
            _emit_dry_run(place, prepared, doubts, output)
            return
        if not yes:
            _confirm(place, source, prepared, intent, doubts)
        if isinstance(source, Export):
            _restore_reports(opened, source)
        with progress("releases") as tell:
            done = replace(carry_out(opened, prepared, tell), doubts=doubts)
        say(f"stored {count(prepared.count, 'release')}")
        report(place, opened, intent, done, wait=wait, output=output, more=_counts(prepared))


def _checkout(opened: Store, revision: str) -> Checkout:
    project = settings.project_here("a restore from git is done in the project")
    return from_commit(project, (), opened.environment, revision)


def _allowed(place: Environment, intent: Intent, *, force: bool) -> Intent:
    """A person may restore by hand, as CI may; what is restored was merged all the same.

    With `force` it need not be, and the history says so. Raises Refused.
    """
    project = settings.project_here("what may go live is said by a project")
    out = "to restore from it all the same, which the history shows: --force"
    try:
        check_allowed(project, place.name, [intent.commit], in_ci=True, way_out=out)
    except Refused as refused:
        if not force:
            raise
        say_warning(f"past the protection, as the history will show: {refused.message}")
        return replace(intent, break_glass=f"--force: {intent.reason}")
    return intent


def _restore_reports(opened: Store, source: Export) -> None:
    """First, so that what is restored is never there without them; nobody depends on them."""
    try:
        restore_reports(opened, source.reports)
    except StoreError as error:
        say_warning(f"what rehearsals found was not restored: {error.message}")


def _doubts(
    opened: Store, source: Export | Checkout, prepared: Prepared, intent: Intent
) -> tuple[Doubt, ...]:
    found: list[Doubt] = []
    if isinstance(source, Checkout):
        project = settings.project_here("what may go live is said by a project")
        try:
            found.extend(of_restore(opened, project, source, prepared, intent))
        except (InvalidProject, StoreError) as error:
            say_warning(f"not all can be told that deploy would refuse: {error.message}")
    return tuple(found)


def _confirm(
    place: Environment,
    source: Export | Checkout,
    prepared: Prepared,
    intent: Intent,
    doubts: tuple[Doubt, ...],
) -> None:
    there = prepared.there
    why = ""
    if there.head is not None or there.history != []:
        at = f"at revision {there.head.revision}" if there.head else "without a head"
        why = f"{place.name} is there, {at}"

    def lines() -> Iterator[str]:
        yield heading(place, "restore", there.head)
        yield f"  because: {intent.reason}"
        yield f"  {_text(place.name, prepared)}"
        if isinstance(source, Export):
            old = age(source.at, datetime.now(UTC))
            yield f"  {source.path} was written {old} ago, at revision {source.head.revision}"
        yield from _in_question(prepared)

    confirm(place, "restore", lines, why=why, doubts=doubts)


def _in_question(prepared: Prepared) -> Iterator[str]:
    """What moves, and what is lost by it."""
    there, lost, since = prepared.there, prepared.lost, prepared.since
    for change in changes_of(there.pointers, prepared.restoration.pointers):
        line = f"  {change_line(change.as_json(), 'restore')}"
        yield f"{line}  from commit {change.commit[:12]}" if change.commit else line
    if lost:
        last = f"the last is revision {lost[0].revision}, {lost[0].action} by {lost[0].actor}"
        yield f"  lost by it: {count(len(lost), 'deployment')}, {last}"
    if there.history is None:
        yield "  lost by it: the history that is there, which cannot be read"
    if since is not None:
        yield f"  lost by it: what came since, because {since.served}"


def _emit_dry_run(
    place: Environment, prepared: Prepared, doubts: tuple[Doubt, ...], output: str
) -> None:
    done, before = prepared.restoration, prepared.there.head
    told = [doubt.as_json() for doubt in doubts]
    facts: dict[str, Any] = {
        "environment": place.name,
        "dry_run": True,
        "from": before and {"epoch": before.epoch, "revision": before.revision},
        "epoch": done.head.epoch,
        "revision": done.head.revision,
        **_counts(prepared),
        "frozen": bool(done.freeze),
        "units": {unit: pointer.digest for unit, pointer in sorted(done.pointers.items())},
        "skipped": [skipped.as_json() for skipped in done.skipped],
    }
    if told:
        facts["doubts"] = told
    lines = [in_line(line) for line in (_text(place.name, prepared), *_in_question(prepared))]
    emit(output, facts, "\n".join([*lines, *doubt_lines(told)]))


def _counts(prepared: Prepared) -> dict[str, Any]:
    return {
        "releases": prepared.count,
        "entries": len(prepared.restoration.history),
        "lost": len(prepared.lost),
        "served_since": prepared.since and prepared.since.as_json(),
    }


def _text(environment: str, prepared: Prepared) -> str:
    done, before = prepared.restoration, prepared.there.head
    was = f"revision {before.revision}, epoch {before.epoch}" if before else "nothing"
    return (
        f"{environment}: {was} becomes revision {done.head.revision}, epoch {done.head.epoch}, "
        f"with {count(len(done.pointers), 'unit')}, {count(prepared.count, 'release')} and "
        f"{count(len(done.history), 'entry', 'entries')} of the history"
    )
