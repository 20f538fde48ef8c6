"""validate: check manifests."""

from pathlib import Path

import click

from promptops.cli import completion, settings
from promptops.cli.findings import as_text, counted
from promptops.cli.findings_markdown import as_markdown
from promptops.cli.github.workflow_commands import as_github
from promptops.cli.options import report_option
from promptops.cli.output import emit
from promptops.cli.places import from_the_top
from promptops.cli.progress import progress
from promptops.cli.sarif import as_sarif
from promptops.delivery.validate import Checked
from promptops.delivery.validate import validate as check
from promptops.errors import UsageError
from promptops.finding import errors_in
from promptops.source.project import InvalidProject


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--env",
    metavar="NAME",
    shell_complete=completion.environments,
    help="Apply the policies of this environment too.",
)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@report_option
def validate(paths: tuple[Path, ...], env: str | None, strict: bool, output: str) -> None:
    """Check manifests and say what is wrong, with line and column.

    PATH is a manifest, a unit's folder, or a folder of units; without one, the project's manifests
    are checked. The policies that promptops.yaml names for all environments are applied. Exits 1
    when there is an error.

    \b
    promptops validate
    promptops validate --env production
    promptops validate manifests/support-triage -o json
    """
    try:
        with progress("checking manifests") as tell:
            checked = check(paths or _project_manifests(), env, tell)
    except InvalidProject as invalid:
        if output == "text":
            raise
        # No manifest was checked, so that this is no verdict: the exit code stays 2.
        _report(output, Checked(0, invalid.findings))
        raise click.exceptions.Exit(invalid.exit_code) from invalid
    _report(output, checked)
    if checked.findings if strict else errors_in(checked.findings):
        raise click.exceptions.Exit(1)


def _project_manifests() -> tuple[Path, ...]:
    project = settings.project_here("name what to check: promptops validate FOLDER")
    folder = project.root / project.manifests
    if not folder.is_dir():
        raise UsageError(
            f"{project.shown} names the folder {project.manifests}, which is not there",
            "make it, with a folder for each unit, or change `manifests:`",
        )
    return (folder,)


def _report(output: str, checked: Checked) -> None:
    findings = checked.findings
    last = counted(checked.count, findings)
    if output == "sarif":
        emit("json", as_sarif(from_the_top(findings)), "")
        return
    facts = {"checked": checked.count, "findings": [finding.as_json() for finding in findings]}
    if output == "markdown":
        text = as_markdown(findings, last)
    elif output == "github":
        text = as_github(from_the_top(findings))
    else:
        text = "\n".join([*(as_text(finding) + "\n" for finding in findings), last])
    emit(output, facts, text)
