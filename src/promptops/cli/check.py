"""validate: check manifests."""

from pathlib import Path

import click

from promptops.cli import completion, settings
from promptops.cli.findings import as_text, counted
from promptops.cli.findings_markdown import as_markdown
from promptops.cli.github.workflow_commands import as_github
from promptops.cli.options import report_option
from promptops.cli.output import emit
from promptops.cli.progress import progress
from promptops.cli.sarif import as_sarif
from promptops.delivery.changed import folders_of
from promptops.delivery.validate import Checked
from promptops.delivery.validate import validate as check
from promptops.errors import UsageError
from promptops.finding import errors_in


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option(
    "--env",
    metavar="NAME",
    shell_complete=completion.environments,
    help="Apply the policies of this environment too.",
)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option(
    "--changed",
    is_flag=True,
    help="PATHs are any files: check the units that they belong to. For pre-commit.",
)
@report_option
def validate(
    paths: tuple[Path, ...], env: str | None, strict: bool, changed: bool, output: str
) -> None:
    """Check manifests and say what is wrong, with line and column.

    PATH is a manifest, a unit's folder, or a folder of units; without one, the project's manifests
    are checked. The policies that promptops.yaml names for all environments are applied. Exits 1
    when there is an error.

    \b
    promptops validate
    promptops validate --env production
    promptops validate manifests/support-triage -o json
    """
    with progress("checking manifests") as tell:
        checked = check(folders_of(paths) if changed else paths or _project_manifests(), env, tell)
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
        emit("json", as_sarif(findings), "")
        return
    facts = {"checked": checked.count, "findings": [finding.as_json() for finding in findings]}
    if output == "markdown":
        text = as_markdown(findings, last)
    elif output == "github":
        text = as_github(findings)
    else:
        text = "\n".join([*(as_text(finding) + "\n" for finding in findings), last])
    emit(output, facts, text)
