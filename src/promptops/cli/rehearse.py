"""rehearse: would going back work now?"""

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.drill import CLIENTS, MOST_CLIENTS
from promptops.cli.drill import drill as run_drill
from promptops.cli.options import environment_options, plan_option, yes_option
from promptops.cli.output import emit
from promptops.cli.rehearse_text import facts_of, keep_reports, rehearsal_markdown, rehearsal_text
from promptops.delivery.checkout import from_commit
from promptops.delivery.deployment import read_existing
from promptops.delivery.rehearse import present, rehearse_from, start_of
from promptops.delivery.rehearse import rehearse as judge
from promptops.delivery.targets import named_target
from promptops.delivery.today import means_of, units_of
from promptops.delivery.way_back import Report
from promptops.live.moves import served_pointer
from promptops.live.records import State
from promptops.live.store import Store
from promptops.source.git import Repository
from promptops.source.project import Project, read_project


@click.command()
@click.argument("units", nargs=-1, metavar="[UNIT]...", shell_complete=completion.units)
@click.option("--all", "everything", is_flag=True, help="Every unit that is live: the default.")
@environment_options
@click.option(
    "--target",
    metavar="DIGEST|REVISION",
    shell_complete=completion.digests,
    help="Only this one, held or not, instead of the last ones.",
)
@click.option("--commit", metavar="REV", help="As if this commit were deployed, by its policies.")
@click.option(
    "--last",
    type=click.IntRange(1, 100),
    metavar="N",
    help="How many earlier releases of each unit.  [default: the project's, or 3]",
)
@click.option("--drill", is_flag=True, help="Really go forward and back, beside the environment.")
@click.option(
    "--clients",
    type=click.IntRange(1, MOST_CLIENTS),
    metavar="N",
    help=f"With --drill: how many client processes take part. [default: {CLIENTS}]",
)
@yes_option
@plan_option
def rehearse(
    units: tuple[str, ...],
    everything: bool,
    env: str | None,
    store: str | None,
    target: str | None,
    commit: str | None,
    last: int | None,
    drill: bool,
    clients: int | None,
    yes: bool,
    output: str,
) -> None:
    """Prove, before it is needed, that going back would work: for each unit, the last releases.

    Is the release there and readable? Does it satisfy today's schema and policies, and fit those
    who call it today? Can it be rendered, is its index there, its model served? Each gets a
    verdict: ready, ready with warnings, blocked, unknown; and so does the safe release. The report
    is kept, for rollback, safe-mode and status. Exits 0 when every unit can go back, 1 when one
    cannot or a safe release is blocked; a unit with no earlier release is said.

    \b
    promptops rehearse --env production
    promptops rehearse support-triage --env production --target 41
    promptops rehearse --all --env production --commit HEAD      what a deployment would leave
    promptops rehearse --drill --env production --clients 20     with real clients, beside it
    """
    if drill:
        if units or target or commit or last:
            raise click.UsageError("--drill goes through all units: it takes none of the others")
        run_drill(settings.environment(env, store), clients or CLIENTS, yes=yes, output=output)
        return
    if clients is not None:
        raise click.UsageError("--clients goes with --drill")
    if units and everything:
        raise click.UsageError("name units or say --all, one of them")
    if target and commit:
        raise click.UsageError("--target goes back from what is live, --commit from a commit")
    place = settings.environment(env, store)
    project = settings.project_here("today's policies are those of a project: run it in one")
    opened = place.open()
    try:
        state = read_existing(opened, suggested.where(place.name))
        for unit in units:
            served_pointer(state, unit, place.name, suggested.where(place.name))
        if commit is not None:
            reports = _from_commit(opened, state, project, units, commit, last)
        else:
            named = units or tuple(state.live)
            reports = _from_live(opened, state, project, named, target, last)
            if target is None:
                keep_reports(opened, reports)
    finally:
        opened.close()
    facts = facts_of(place.name, reports)
    written = {"text": rehearsal_text, "markdown": rehearsal_markdown}
    emit(output, facts, written[output](place.name, reports, target) if output in written else "")
    if any(report.way.lost or report.way.unsafe for report in reports):
        raise click.exceptions.Exit(1)


def _from_live(
    store: Store,
    state: State,
    project: Project,
    units: tuple[str, ...],
    target: str | None,
    last: int | None,
) -> list[Report]:
    today = units_of(project, project.tree, units)
    means = means_of(project, store.environment, today, last)
    if target is None:
        return judge(store, state, units, means)
    where = suggested.where(store.environment)
    targets = named_target(store, state, units, target, where)
    return judge(store, state, tuple(targets), means, targets)


def _from_commit(
    store: Store,
    state: State,
    project: Project,
    units: tuple[str, ...],
    revision: str,
    last: int | None,
) -> list[Report]:
    """The way back from what a commit makes, by the policies of that commit."""
    repository = Repository.around(project.root)
    project = read_project(
        project.root, repository.files(repository.commit(revision), project.root)
    )
    checkout = from_commit(project, units, store.environment, revision)
    built = [item for item in checkout.built if item.unit in state.live]
    means = means_of(project, store.environment, {item.unit: item.source for item in built}, last)
    starts = {item.unit: start_of(item) for item in built}
    return rehearse_from(store, state, starts, means, present(store))
