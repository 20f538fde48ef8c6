"""doctor: what is not well, before the night in which it matters."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from promptops.cli import settings, suggested
from promptops.cli.options import environment_options, output_option
from promptops.cli.output import emit, in_line, say, table
from promptops.cli.settings import Environment
from promptops.delivery.diagnosis import Line, worst
from promptops.delivery.diagnosis_of_machine import of_git, of_machine
from promptops.delivery.examine import examine, this_machine
from promptops.errors import CheckFailed, UsageError
from promptops.source.git_state import git_state
from promptops.source.project import Project, find_project


@click.command()
@environment_options
@output_option
def doctor(env: str | None, store: str | None, output: str) -> None:
    """What is not well, with what to type: here, in git, and in every store of the project.

    Each line is ok, warning, problem or unknown, where this user may not ask. Changes nothing, and
    exits 1 when there is a problem.

    \b
    promptops doctor
    promptops doctor --env production
    """
    project = find_project(Path.cwd())
    here = of_machine(this_machine())
    if project is not None:
        here += _git(project, env)
    parts: list[tuple[str, str, list[Line]]] = [("here", "", here)]
    unusable: UsageError | None = None
    if store or env or project is not None:
        try:
            parts += _environments(project, env, store)
        except UsageError as error:
            unusable = error  # what is so here needs no store
    lines = [line for _, _, found in parts for line in found]
    facts = {
        "verdict": worst(lines),
        "here": _facts(here),
        "environments": [
            {"environment": name, "store": where, "lines": _facts(found)}
            for name, where, found in parts[1:]
        ],
    }
    emit(output, facts, "\n\n".join(_text(*part) for part in parts))
    if unusable is not None:
        raise unusable
    problems = sum(line.verdict == "problem" for line in lines)
    if problems:
        raise CheckFailed(f"{problems} problem{'s' * (problems > 1)}", "see what is listed above")
    say(f"no problem in {len(lines)} lines")


def _environments(
    project: Project | None, env: str | None, store: str | None
) -> Iterator[tuple[str, str, list[Line]]]:
    """The one that was named, which must be one; else every one of the project."""
    if env or store or project is None:
        place = settings.environment(env, store)
        yield place.name, str(place.address), _examined(place)
        return
    for name in project.environments:
        try:
            place = settings.environment(name, None)
        except UsageError as error:
            yield name, "", [Line("store", "unknown", error.message, error.hint)]
        else:
            yield name, str(place.address), _examined(place)


def _examined(place: Environment) -> list[Line]:
    opened = place.open()
    try:
        at = shlex.join(suggested.where(place.name))
        return examine(opened, datetime.now(UTC), at, create=place.create)
    finally:
        opened.close()


def _git(project: Project, env: str | None) -> list[Line]:
    named = project.environments.get(env or "")
    try:
        return of_git(git_state(project, named.branch if named else None))
    except UsageError as error:
        return [Line("git", "unknown", error.message, error.hint)]


def _facts(lines: list[Line]) -> list[dict[str, Any]]:
    return [asdict(line) for line in lines]


def _text(name: str, where: str, lines: list[Line]) -> str:
    rows = [(f"  {line.verdict}", line.about, in_line(line.says)) for line in lines]
    shown = table(rows).splitlines()
    said = [in_line(f"{name} in {where}" if where else name)]
    for line, row in zip(lines, shown, strict=True):
        said.append(row)
        if line.remedy and line.verdict != "ok":
            said.append(f"           → {in_line(line.remedy)}")
    return "\n".join(said)
