"""plan and diff: what would change, and what did; they write nothing but a file that is named."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from promptops.cli import completion, settings, suggested
from promptops.cli.findings import say_findings
from promptops.cli.options import environment_options, plan_option
from promptops.cli.output import as_json, emit
from promptops.cli.plan_markdown import diff_markdown, plan_markdown
from promptops.cli.plan_text import diff_text, plan_text
from promptops.delivery.build import InvalidUnits
from promptops.delivery.diff import diff as compare_commits
from promptops.delivery.plan import plan as make_plan
from promptops.finding import errors_in
from promptops.source.writing import write_file


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-o text|json|markdown`, `--json` for short, and `--exit-code`."""
    function = click.option(
        "--exit-code", is_flag=True, help="Exit with 1 when something differs, as git diff does."
    )(function)
    return plan_option(function)


_IN_A_PROJECT = "what would change is read from the manifests of a project: run it in one"


@contextmanager
def _so_there_is_no(what: str) -> Iterator[None]:
    try:
        yield
    except InvalidUnits as error:
        so = f", so there is no {what}"
        raise InvalidUnits(error.findings, error.environment, so) from error


@click.command()
@environment_options
@click.option("--commit", metavar="REV", default="HEAD", show_default=True, help="What to plan.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the plan to a file, for promptops deploy --plan FILE.",
)
@report_options
def plan(
    env: str | None,
    store: str | None,
    commit: str,
    out: Path | None,
    exit_code: bool,
    output: str,
) -> None:
    """What a deployment of a commit would change in an environment, and how much that means.

    The impact is major when a caller of what is live would break, minor when the unit behaves
    differently, patch when only texts change. What is held is shown, and would be left alone.

    \b
    promptops plan --env production
    promptops plan --env production --commit v1.5.0 --out plan.json
    promptops plan --env production -o markdown      the comment for a pull request
    """
    place = settings.environment(env, store)
    project = settings.project_here(_IN_A_PROJECT)
    opened = place.open()
    try:
        with _so_there_is_no("plan"):
            made = make_plan(opened, project, commit, suggested.where(place.name))
            if errors_in(made.findings):
                raise InvalidUnits(list(made.findings), place.name)
    finally:
        opened.close()
    say_findings(made.findings)
    if out is not None:
        write_file(out, as_json(made.as_json()) + "\n")
    apply = _apply(place.name, out, commit)
    text = plan_markdown(made) if output == "markdown" else plan_text(made, place, apply)
    emit(output, made.as_json(), text)
    if exit_code and made.units:
        raise click.exceptions.Exit(1)


def _apply(environment: str, out: Path | None, commit: str) -> str:
    """The command that carries the plan out."""
    where = suggested.where(environment)
    # The file names the environment, but not the store.
    what = ["--all", *where] if out is None else ["--plan", str(out), *where[2:]]
    return suggested.command("deploy", *what, *(() if commit == "HEAD" else ("--commit", commit)))


@click.command()
@click.argument("revisions", metavar="A..B")
@click.argument("unit", required=False, shell_complete=completion.units_in_git)
@click.option(
    "--env",
    metavar="NAME",
    shell_complete=completion.environments,
    help="The environment whose overlay applies. [default: none]",
)
@report_options
def diff(revisions: str, unit: str | None, env: str | None, exit_code: bool, output: str) -> None:
    """What changed in the units between two commits. Needs no store.

    \b
    promptops diff main..HEAD
    promptops diff v1.4.0..v1.5.0 support-triage --env production
    """
    project = settings.project_here(_IN_A_PROJECT)
    if env is not None:
        project.check_environment(env)
    with _so_there_is_no("diff"):
        found = compare_commits(project, revisions, unit, env)
    text = diff_markdown(found) if output == "markdown" else diff_text(found)
    emit(output, found.as_json(), text)
    if exit_code and found.units:
        raise click.exceptions.Exit(1)
