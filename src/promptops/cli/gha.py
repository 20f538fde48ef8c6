"""gha: put verdicts on GitHub, of a gate and of a rehearsal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from promptops.cli.github import run
from promptops.cli.github.api import ApiFailed
from promptops.cli.github.comment import AUTHOR, comments_of, keep_up_to_date
from promptops.cli.github.gate import Gate, Judged, read_gate
from promptops.cli.github.issue import keep_open, run_url, text_of
from promptops.cli.github.way_back import read_drill, read_rehearsal, trouble
from promptops.cli.github.workflow_commands import annotations, command
from promptops.live.address import check_environment_name

from_option = click.option(
    "--from",
    "path",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="What promptops gate --out FILE wrote.",
)

author_option = click.option(
    "--author",
    metavar="LOGIN",
    default=AUTHOR,
    show_default=True,
    help="Whose texts are ours; name the account when the token is not the workflow's own.",
)


@click.group()
def gha() -> None:
    """Put verdicts on GitHub: a gate's as comment, summary, annotations, a rehearsal's as issue.

    Runs in a step of a workflow and takes everything from the variables that GitHub sets there.
    These commands report and do not judge: they exit 0 whatever the verdict is, also when GitHub
    does not answer or the token may not comment, as that of a fork. The gate's own exit code is
    what fails the job.

    \b
    promptops gha summary --from gate.json
    """


@gha.command()
@from_option
@author_option
def comment(path: Path, author: str) -> None:
    """Keep one comment for each environment up to date on the pull request.

    Where that is not possible, a warning says so, and the summary and annotations say the rest.

    \b
    promptops gha comment --from gate.json
    """
    gate = read_gate(path)
    pull = run.pull_request(os.environ)
    if pull is None:
        click.echo("no pull request started this run, so there is nothing to comment on")
        return
    api = run.api(os.environ)
    left = list(gate.environments)
    try:
        comments = comments_of(api, pull)
        while left:
            done = keep_up_to_date(api, pull, left[0], comments, author)
            click.echo(f"comment about {left.pop(0).environment}: {done}")
    except ApiFailed as error:
        click.echo(command("warning", _why(error), title="promptops cannot comment"))
        _say_otherwise(gate, left)


@gha.command()
@from_option
def summary(path: Path) -> None:
    """Write the summary of the step, and its outputs verdict, errors and warnings.

    \b
    promptops gha summary --from gate.json
    """
    gate = read_gate(path)
    with _told_when_it_fails("the summary"):
        run.add_summary(os.environ, gate.markdown)
        click.echo(f"summary written: {gate.verdict}")
    errors, warnings = (len(gate.with_severity(severity)) for severity in ("error", "warning"))
    with _told_when_it_fails("the outputs of the step"):
        run.add_outputs(os.environ, verdict=gate.verdict, errors=errors, warnings=warnings)


@gha.command()
@from_option
def annotate(path: Path) -> None:
    """Annotate the lines that findings are about; GitHub shows 10 errors and 10 warnings.

    \b
    promptops gha annotate --from gate.json
    """
    for line in annotations(read_gate(path)):
        click.echo(line)


@gha.command()
@click.option("--env", "name", metavar="NAME", required=True, help="The environment.")
@click.option(
    "--rehearsal",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="What promptops rehearse --all -o json printed.",
)
@click.option(
    "--drill",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What promptops rehearse --drill -o json printed.",
)
@author_option
def issue(name: str, rehearsal: Path, drill: Path | None, author: str) -> None:
    """Open an issue when the way back is blocked, or update the one that is open.

    A command that ended without a result counts as blocked: what is not known is no way back.
    Issues are never closed. Where GitHub does not take one, a warning says so, and the summary all.

    \b
    promptops gha issue --env production --rehearsal rehearsal.json --drill drill.json
    """
    check_environment_name(name)
    lost = read_rehearsal(rehearsal)
    found = trouble(lost, read_drill(drill) if drill else None, drilled=drill is not None)
    if not found:
        click.echo(f"{name}: the way back is not blocked, so no issue is opened")
        return
    text = text_of(name, found, run_url(os.environ))
    in_repository, api = run.repository(os.environ), run.api(os.environ)
    with _told_when_it_fails("the summary"):
        run.add_summary(os.environ, text)
    try:
        done, number = keep_open(api, in_repository, name, text, author)
        click.echo(f"issue {number} about {name}: {done}")
    except ApiFailed as error:
        why = f"GitHub said {error.message}. The summary says what the issue would have said."
        if error.status in {403, 410}:
            why += " The job needs permissions: {issues: write}, the repository issues."
        click.echo(command("warning", why, title="promptops cannot open an issue"))


@contextmanager
def _told_when_it_fails(what: str) -> Iterator[None]:
    """A file of the runner's that cannot be written is a warning: reporting fails no job."""
    try:
        yield
    except OSError as error:
        why = f"{what} cannot be written: {error.strerror}. The verdict stands."
        click.echo(command("warning", why, title="promptops cannot report"))


def _why(error: ApiFailed) -> str:
    if error.status == 403:
        return (
            f"GitHub said {error.message}. The token of a pull request from a fork may only read; "
            "any other needs permissions: {pull-requests: write}. See the summary instead."
        )
    return f"GitHub said {error.message}. See the summary instead; the verdict stands."


def _say_otherwise(gate: Gate, left: list[Judged]) -> None:
    """What the comments would have said, unless this step said it already."""
    with _told_when_it_fails("the summary"):
        _summarise(gate, left)


def _summarise(gate: Gate, left: list[Judged]) -> None:
    if not run.has_summary(os.environ, gate.markdown):
        for line in annotations(gate):
            click.echo(line)
        run.add_summary(os.environ, gate.markdown)
    for judged in left:
        run.add_summary(os.environ, judged.markdown)
