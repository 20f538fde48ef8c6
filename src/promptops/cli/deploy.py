"""deploy: make units live from a git commit."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.asking import asked
from promptops.cli.awaiting import named
from promptops.cli.findings import say_findings
from promptops.cli.options import (
    WithWait,
    break_glass_option,
    environment_options,
    operation_options,
    output_option,
    replicas_option,
    wait_option,
    yes_option,
)
from promptops.cli.output import say_warning
from promptops.cli.rehearse_text import keep_reports
from promptops.cli.report import move, new_intent, report, told_in_a_dry_run
from promptops.cli.settings import Environment, in_ci
from promptops.delivery.checkout import from_commit, from_work_tree
from promptops.delivery.deploy import Conditions
from promptops.delivery.deploy import deploy as make_live
from promptops.delivery.judgement import judge_moves
from promptops.delivery.mending import put_back
from promptops.delivery.no_return import check_moves
from promptops.delivery.plan_file import as_planned, checkout_of, read_plan
from promptops.delivery.protection import check_allowed
from promptops.delivery.readers import too_old
from promptops.delivery.today import asking, means_with
from promptops.errors import Refused, StoreError
from promptops.live.inspection import durability_of
from promptops.live.records import State
from promptops.live.store import Store
from promptops.source.policy import standard_of

if TYPE_CHECKING:
    from promptops.delivery.way_back import Report


@click.command(cls=WithWait)
@click.argument("units", nargs=-1, metavar="[UNIT]...", shell_complete=completion.units_in_git)
@click.option("--all", "everything", is_flag=True, help="Every unit of the commit that differs.")
@environment_options
@click.option("--commit", metavar="REV", default="HEAD", show_default=True, help="What to deploy.")
@click.option(
    "--dirty", is_flag=True, help="Deploy the work tree, where the environment allows it."
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Apply exactly this plan, or refuse; from promptops plan --out FILE.",
)
@click.option("--create", is_flag=True, help="Create the environment if the store never held it.")
@click.option("--expect-revision", type=int, metavar="N", help="Refuse unless it is at revision N.")
@click.option("--allow-older", is_flag=True, help="Deploy a commit older than the live one.")
@click.option(
    "--accept-no-return",
    metavar="REASON",
    envvar="PROMPTOPS_ACCEPT_NO_RETURN",
    help="Deploy although there would be no way back to what is live. "
    "[env: PROMPTOPS_ACCEPT_NO_RETURN]",
)
@click.option(
    "--accept-callers",
    metavar="REASON",
    envvar="PROMPTOPS_ACCEPT_CALLERS",
    help="Deploy although present clients do not pass what is required. "
    "[env: PROMPTOPS_ACCEPT_CALLERS]",
)
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@break_glass_option
@yes_option
@operation_options
@wait_option
@replicas_option
@output_option
def deploy(
    units: tuple[str, ...],
    everything: bool,
    env: str | None,
    store: str | None,
    commit: str,
    dirty: bool,
    plan: Path | None,
    create: bool,
    expect_revision: int | None,
    allow_older: bool,
    accept_no_return: str | None,
    accept_callers: str | None,
    dry_run: bool,
    break_glass: str,
    yes: bool,
    reason: str,
    operation: str | None,
    wait: float | None,
    replicas: int | None,
    output: str,
) -> None:
    """Make units live from a git commit, all of them in one step or none.

    The commit decides, never the work tree. What is live already is left alone; what is held is
    refused, or skipped with --all. What leaves no way back to what is live is refused, and what
    asks of present clients an input that they do not pass, unless that is accepted with a reason,
    which the history keeps.

    \b
    promptops deploy support-triage --env staging
    promptops deploy --all --env production --commit v1.4.0 --reason "new rules" --wait
    promptops deploy --all --env production --dry-run
    promptops deploy --plan plan.json
    """
    if sum([bool(units), everything, plan is not None]) != 1:
        raise click.UsageError("name the units to deploy or say --all or --plan FILE, one of them")
    if dirty and (commit != "HEAD" or plan is not None):
        raise click.UsageError("--dirty excludes --commit and --plan")
    planned = None if plan is None else read_plan(plan)
    place = settings.environment(env if env or planned is None else planned.environment, store)
    project = settings.project_here("a deploy builds the manifests of a project: run it in one")
    standard = standard_of(project, place.name)
    accepted = _accepted(reason, accept_no_return, accept_callers)
    intent = new_intent(place, operation, accepted)
    reports: dict[str, Report] = {}
    with move(place, intent, output, dry_run=dry_run, replicas=replicas) as opened:
        moved: list[str] = []
        if planned is not None:
            checkout, moved = checkout_of(project, planned, place.name, commit)
        elif dirty:
            _check_dirty(place)
            checkout = from_work_tree(project, units, place.name)
        else:
            checkout = from_commit(project, units, place.name, commit)
        say_findings(checkout.findings)
        intent = replace(intent, commit=checkout.commit, break_glass=break_glass)
        # What loses a race is decided again; this is said once.
        say_durability = cache(partial(_say_durability, opened))

        def may_move(state: State, units: Collection[str]) -> None:
            if units and not break_glass:
                with told_in_a_dry_run(dry_run=dry_run):
                    check_allowed(project, opened.environment, [checkout.commit], in_ci=in_ci())
            say_findings(judge_moves(opened, checkout, standard, state, units))
            warn_of_old_clients(opened)
            if units:
                say_durability()
            items = [item for item in checkout.built if item.unit in units]
            sources = {item.unit: item.source for item in items}
            found = check_moves(
                opened,
                state,
                items,
                asking(project, means_with(project, standard, sources)),
                any_callers=accept_callers is not None,
                any_return=accept_no_return is not None,
            )
            reports.update({each.way.unit: each for each in found})

        conditions = Conditions(
            create=create or place.create,
            skip_held=not units,
            expect_revision=expect_revision,
            is_older=None if allow_older else checkout.is_older,
            as_planned=None if planned is None else partial(as_planned, opened, planned, moved),
            may_move=may_move,
            agree=asked(place, yes=yes),
        )
        for mended in put_back(opened, checkout.built) if not dry_run else ():
            say_warning(mended)
        done = make_live(
            opened,
            {item.unit: (item.digest, item.data) for item in checkout.built},
            intent,
            conditions,
            safe={item.unit: item.safe for item in checkout.built if item.safe},
            resume=operation is not None,
            dry_run=dry_run,
        )
        if done.entry is not None and not dry_run:
            keep_reports(opened, reports.values())
        report(
            place,
            opened,
            intent,
            done,
            wait=wait,
            output=output,
            units=[item.unit for item in checkout.built],
            dry_run=dry_run,
            replicas=replicas,
        )


def warn_of_old_clients(store: Store) -> None:
    old = too_old(store)
    if old:
        listed = ", ".join(f"{named(client)} has promptops {client.version}" for client in old)
        say_warning(f"not every present client can read the format of this release: {listed}")


def _say_durability(store: Store) -> None:
    """One line where a crash would lose what is deployed; nothing where nobody may ask."""
    with suppress(StoreError):
        if durability_of(store.address, store.environment).forgets:
            command = suggested.command("doctor", *suggested.where(store.environment))
            say_warning(
                f"{store.address} forgets in a crash: appendonly is no and there is no replica; "
                f"see {command}"
            )


def _accepted(reason: str, no_return: str | None, callers: str | None) -> str:
    """The reason of the entry, with what was accepted and why."""
    said = [reason] if reason else []
    for what, why in (("no way back", no_return), ("callers", callers)):
        if why is not None:
            if not why.strip():
                raise click.UsageError("what is accepted needs a reason")
            said.append(f"{what} accepted: {why}")
    return "; ".join(said)


def _check_dirty(place: Environment) -> None:
    if not place.allow_dirty:
        raise Refused(
            "dirty",
            f"{place.name} takes commits only, not the work tree",
            "commit, then deploy; or set allow_dirty: true for this environment in promptops.yaml",
        )
