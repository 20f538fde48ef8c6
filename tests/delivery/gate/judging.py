"""The gate of a project, and what it found, in short."""

import pytest

from promptops.delivery.gate import EnvironmentGate, Gate, gate
from promptops.live.store import Store
from promptops.source.project import read_project
from tests.cli.projects import Project

# Where the store decides nothing, one kind is enough.
one_backend = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def judged(
    project: Project, *stores: Store, base: str = "main", commit: str = "HEAD", offline: str = ""
) -> Gate:
    places = {store.environment: store for store in stores} | dict.fromkeys(offline.split())
    return gate(read_project(project.root), base, commit, places)


def only(found: Gate) -> EnvironmentGate:
    (item,) = found.environments
    return item


def planned(found: Gate) -> list[str]:
    made = only(found).plan
    assert made is not None
    return [unit.unit for unit in made.units]


def changes(found: Gate) -> dict[str, str]:
    return {unit.unit: unit.grade.impact.word for unit in only(found).changes}


def drift(found: Gate) -> dict[str, str]:
    return {item.unit: item.state for item in only(found).drift}


def on_main(project: Project, unit: str, prompt: str) -> None:
    """Somebody else merges meanwhile."""
    project.git("switch", "--quiet", "main")
    project.says(unit, prompt)
    project.git("switch", "--quiet", "change")
