"""What a project asks of a release today: its policies, its manifests, what these say beside."""

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

from promptops.delivery import probes
from promptops.delivery.build import read_units
from promptops.delivery.probes import Probed, Served, is_served, look_at_models
from promptops.delivery.rehearsal import Outcome
from promptops.delivery.rehearse import Means
from promptops.manifest.release import Model
from promptops.source.models import date_of
from promptops.source.policy import Standard, standard_of
from promptops.source.project import Project
from promptops.source.tree import Tree
from promptops.source.unit import Unit


def means_of(
    project: Project, environment: str, units: Mapping[str, Unit], last: int | None = None
) -> Means:
    """The means of a rehearsal; raises InvalidProject for policies that cannot be applied."""
    return asking(project, means_with(project, standard_of(project, environment), units, last))


def means_with(
    project: Project,
    standard: Standard,
    units: Mapping[str, Unit],
    last: int | None = None,
) -> Means:
    """The same with a standard that was read already, and without asking the world outside.

    A gate does so: what a change writes into its project file is not run before it is merged.
    """
    dates = dict(standard.models)
    for unit in units.values():
        dates |= _own_dates(unit)
    return Means(
        standard,
        units,
        datetime.now(UTC).date(),
        last or project.rehearsal.last,
        retires=dates.get,
    )


def asking(project: Project, means: Means) -> Means:
    """The means with the probes of a project, which ask the world outside."""
    rehearsal, folder = project.rehearsal, project.root
    listed: list[Served] = []  # asked for once, when it is needed first

    @cache
    def probe(index: str, version: str) -> Outcome | None:
        if rehearsal.probe_of(index) is None:
            return None
        return _outcome(probes.probe(rehearsal, index, version, folder, os.environ))

    def served(model: Model) -> Outcome | None:
        if rehearsal.models is None:
            return None
        if not listed:
            listed.append(look_at_models(rehearsal.models, os.environ))
        if model.provider != listed[0].provider:
            return None
        return _outcome(is_served(listed[0], model.provider, model.id))

    return replace(means, probe=probe, served=served)


def _outcome(found: Probed) -> Outcome:
    return Outcome("passed" if found.state == "ok" else found.state, found.message)


def _own_dates(unit: Unit) -> dict[str, date]:
    """What a manifest says of the end of its own model."""
    document = unit.document
    model = None if document is None else document.get(("model",))
    if not isinstance(model, dict):
        return {}
    day = date_of(model.get("retires"))
    return {} if day is None else {str(model.get("id")): day}


def units_of(project: Project, tree: Tree, names: Collection[str]) -> dict[str, Unit]:
    """Those of the units that a tree has."""
    return read_units(tree, project.manifests, names, project.rules)
