"""export and restore: an environment as a file, and back."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click

from promptops.cli import settings, suggested
from promptops.cli.asking import age, confirm, heading
from promptops.cli.changes import change_line
from promptops.cli.options import (
    WithWait,
    environment_options,
    operation_options,
    output_option,
    wait_option,
    yes_option,
)
from promptops.cli.output import count, emit, say, say_warning
from promptops.cli.progress import progress
from promptops.cli.report import move, new_intent, report
from promptops.cli.settings import Environment
from promptops.delivery.checkout import Checkout, from_commit
from promptops.delivery.export import Export, read_export
from promptops.delivery.export import export as write_export
from promptops.delivery.protection import check_allowed
from promptops.delivery.restore import Prepared, done_before, prepare, restore_reports
from promptops.delivery.restore import restore as carry_out
from promptops.delivery.way_back import now
from promptops.errors import StoreError
from promptops.live.moves import Intent
from promptops.live.store import Store


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
        f"{len(written.history)} entries of the history, {count(rehearsals, 'rehearsal')}"
    )
    gone = f"; {count(written.gone, 'release')} of the past not stored any more"
    emit(output, facts, holds + gone * bool(written.gone))


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
            intent = replace(intent, commit=source.commit)
            if not force and not dry_run:
                # A person may restore by hand, as CI may; what is restored was merged all the same.
                project = settings.project_here("what may go live is said by a project")
                out = "to restore from it all the same: --force"
                check_allowed(project, place.name, [source.commit], in_ci=True, way_out=out)
        done = done_before(opened, source, operation) if operation and not dry_run else None
        if done is not None:
            report(place, opened, intent, done, wait=wait, output=output)
            return
        prepared = prepare(opened, source, intent, force=force, epoch=epoch)
        if prepared.there.lost:
            say_warning(f"damaged, and rebuilt by this: {prepared.there.lost}")
        if dry_run:
            emit(output, _facts(place.name, prepared), _text(place.name, prepared))
            return
        if not yes:
            _confirm(place, source, prepared, intent)
        if isinstance(source, Export):
            _restore_reports(opened, source)
        with progress("releases") as tell:
            done = carry_out(opened, prepared, tell)
        say(f"stored {count(prepared.count, 'release')}")
        report(place, opened, intent, done, wait=wait, output=output)


def _checkout(opened: Store, revision: str) -> Checkout:
    project = settings.project_here("a restore from git is done in the project")
    return from_commit(project, (), opened.environment, revision)


def _restore_reports(opened: Store, source: Export) -> None:
    """First, so that what is restored is never there without them; nobody depends on them."""
    try:
        restore_reports(opened, source.reports)
    except StoreError as error:
        say_warning(f"what rehearsals found was not restored: {error.message}")


def _confirm(
    place: Environment, source: Export | Checkout, prepared: Prepared, intent: Intent
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
        for change in prepared.restoration.history[-1].changes:
            yield f"  {change_line(change.as_json())}  from commit {str(change.commit)[:12]}"

    confirm(place, "restore", lines, why=why)


def _facts(environment: str, prepared: Prepared) -> dict[str, Any]:
    done, before = prepared.restoration, prepared.there.head
    return {
        "environment": environment,
        "dry_run": True,
        "from": before and {"epoch": before.epoch, "revision": before.revision},
        "epoch": done.head.epoch,
        "revision": done.head.revision,
        "releases": prepared.count,
        "entries": len(done.history),
        "frozen": bool(done.freeze),
        "units": {unit: pointer.digest for unit, pointer in sorted(done.pointers.items())},
        "skipped": [skipped.as_json() for skipped in done.skipped],
    }


def _text(environment: str, prepared: Prepared) -> str:
    done, before = prepared.restoration, prepared.there.head
    was = f"revision {before.revision}, epoch {before.epoch}" if before else "nothing"
    return (
        f"{environment}: {was} becomes revision {done.head.revision}, epoch {done.head.epoch}, "
        f"with {count(len(done.pointers), 'unit')}, {count(prepared.count, 'release')} and "
        f"{len(done.history)} entries of the history"
    )
