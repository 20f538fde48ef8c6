"""init, new and schema: begin a project and a unit, and edit them with help."""

import os
import re
from pathlib import Path

import click

from promptops.cli import settings
from promptops.cli.options import output_option
from promptops.cli.output import emit
from promptops.source.files import top_of_git
from promptops.source.identity import actor
from promptops.source.shipped import SCHEMAS, schema_text
from promptops.source.starter import Written, deployed_to, new_unit, start_project

_EMAIL = re.compile(r"<([A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+)>")
_WORDS = {"made": "made", "added to": "added to", "left": "left alone"}


@click.command()
@click.option("--github", is_flag=True, help="Also write the four workflows for GitHub.")
@output_option
def init(github: bool, output: str) -> None:
    """Make this folder ready: project file, a first unit, schemas and settings for editors.

    What is there is left alone, so that it is safe to run again. --github adds a check of every
    pull request, a deployment of every merge, and a rollback by button.

    \b
    promptops init
    promptops init --github
    """
    root = Path.cwd()
    written = start_project(root, _owner(), github=github)
    project = settings.project_here("")
    names = project.environments
    environment = "local" if "local" in names else next(iter(names), "local")
    steps = ["promptops validate"]
    steps += [] if top_of_git(root) else ["git init"]
    steps.append('git add . && git commit -m "Add promptops"')
    steps.append(f"promptops deploy --all --env {environment}")
    if github:
        there = deployed_to(project)
        steps.append(f"on GitHub: Settings → Environments → {there}, secret PROMPTOPS_STORE")
    _report(written, steps, output)


@click.command()
@click.argument("unit")
@output_option
def new(unit: str, output: str) -> None:
    """Make a unit from a template.

    \b
    promptops new support-triage
    """
    project = settings.project_here("promptops init makes one")
    folder = os.path.relpath(project.root / project.manifests / unit)
    steps = [f"edit {folder}/system.md and manifest.yaml", f"promptops validate {folder}"]
    _report(new_unit(project, unit, _owner()), steps, output)


@click.command()
@click.argument("name", type=click.Choice(SCHEMAS), default="manifest")
def schema(name: str) -> None:
    """Print a schema, of manifests or of the project file, as JSON.

    \b
    promptops schema > schemas/manifest.v1.json
    promptops schema project
    """
    click.echo(schema_text(name), nl=False)


def _owner() -> str:
    """The address that git knows, for somebody has to own the unit."""
    found = _EMAIL.search(actor(os.environ, Path.cwd()))
    return found[1] if found else "you@example.com"


def _report(written: list[Written], steps: list[str], output: str) -> None:
    lines = [
        f"{_WORDS[item.what]:<10}  {item.path}" + (f"  ({item.why})" if item.why else "")
        for item in written
    ]
    lines += ["next:", *(f"  {step}" for step in steps)]
    emit(output, {"files": [item.as_json() for item in written], "next": steps}, "\n".join(lines))
