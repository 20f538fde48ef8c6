"""promote: what is live in one environment goes live in another."""

from collections.abc import Collection
from dataclasses import replace

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.asking import asked
from promptops.cli.deploy import warn_of_old_clients
from promptops.cli.findings import say_findings
from promptops.cli.options import (
    WithWait,
    break_glass_option,
    operation_options,
    output_option,
    replicas_option,
    wait_option,
    yes_option,
)
from promptops.cli.output import in_line, say
from promptops.cli.plan_text import unit_lines
from promptops.cli.report import move, new_intent, report, told_in_a_dry_run
from promptops.cli.settings import in_ci
from promptops.delivery.deploy import Conditions
from promptops.delivery.deploy import deploy as make_live
from promptops.delivery.judgement import judge_moves
from promptops.delivery.promote import Promotion, check_soaked, promotion
from promptops.delivery.protection import check_allowed
from promptops.live.records import State
from promptops.live.store import Store
from promptops.source.policy import standard_of
from promptops.source.project import Project


@click.command(cls=WithWait)
@click.argument("units", nargs=-1, metavar="[UNIT]...", shell_complete=completion.units_in_git)
@click.option(
    "--from",
    "source",
    metavar="NAME",
    shell_complete=completion.environments,
    help="The environment in which it is live. [default: that of `soak`]",
)
@click.option(
    "--to",
    "target",
    metavar="NAME",
    required=True,
    shell_complete=completion.environments,
    help="The environment in which it shall go live.",
)
@click.option("--allow-older", is_flag=True, help="Also a commit older than the live one.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@break_glass_option
@yes_option
@operation_options
@wait_option
@replicas_option
@output_option
def promote(
    units: tuple[str, ...],
    source: str | None,
    target: str,
    allow_older: bool,
    dry_run: bool,
    break_glass: str,
    yes: bool,
    reason: str,
    operation: str | None,
    wait: float | None,
    replicas: int | None,
    output: str,
) -> None:
    """Make live in one environment what is live in another, from the same commits.

    It is the very same release where the overlays of the two allow it; else the difference is
    shown. Without units it is all that is live there. Where promptops.yaml names a `soak`, what has
    not been live there for so long is refused. Else everything is as with deploy.

    \b
    promptops promote --from staging --to production
    promptops promote --from staging --to production support-triage --wait
    """
    place = settings.environment(target, None)
    soak = place.settings.soak if place.settings else None
    if source is None and soak is None:
        raise click.UsageError("say which environment it is live in: --from NAME")
    origin = settings.environment(source or (soak.source if soak else None), None)
    if origin.name == place.name:
        raise click.UsageError("--from and --to are the same environment")
    project = settings.project_here("a promotion builds the manifests of a project: run it in one")
    intent = new_intent(place, operation, reason)
    with move(place, intent, output, dry_run=dry_run, replicas=replicas) as opened:
        read = origin.open()
        try:
            with suggested.permitted("client", origin.name):
                found = promotion(project, read, place.name, units)
        finally:
            read.close()
        _say_differences(found, origin.name, place.name)
        intent = replace(intent, commits=found.commits(found.units), break_glass=break_glass)

        def may_move(state: State, moving: Collection[str]) -> None:
            check_soaked(soak, origin.name, [found.units[unit] for unit in moving], intent.at)
            if moving and not break_glass:
                commits = found.commits(moving).values()
                with told_in_a_dry_run(dry_run=dry_run):
                    check_allowed(project, place.name, commits, in_ci=in_ci())
            _judge(opened, project, found, state, moving)

        done = make_live(
            opened,
            {unit: (each.built.digest, each.built.data) for unit, each in found.units.items()},
            intent,
            Conditions(
                skip_held=not units,
                is_older=None if allow_older else found.checkouts[0].is_older,
                may_move=may_move,
                agree=asked(place, yes=yes),
            ),
            safe={unit: each.built.safe for unit, each in found.units.items() if each.built.safe},
            resume=operation is not None,
            dry_run=dry_run,
            action="promote",
        )
        report(
            place,
            opened,
            intent,
            done,
            wait=wait,
            output=output,
            units=[*found.units],
            dry_run=dry_run,
            replicas=replicas,
            more={"promoted": [each.as_json() for each in found.units.values()]},
        )


def _judge(
    store: Store, project: Project, found: Promotion, state: State, moving: Collection[str]
) -> None:
    standard = standard_of(project, store.environment)
    for checkout in found.checkouts:
        say_findings(judge_moves(store, checkout, standard, state, moving))
    warn_of_old_clients(store)


def _say_differences(found: Promotion, source: str, target: str) -> None:
    for unit, each in found.units.items():
        if not each.same:
            say(in_line(f"{unit} is another release in {target} than in {source}:"))
            for line in unit_lines(each.comparison):
                say(line)
