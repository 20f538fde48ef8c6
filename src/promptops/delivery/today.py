"""What a project asks of a release today: its policies, its manifests, what these say beside."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from promptops.delivery.build import read_units
from promptops.delivery.rehearse import LAST, Means
from promptops.errors import CheckFailed, UsageError
from promptops.live.records import Pointer
from promptops.manifest.digest import digest_of
from promptops.source.git import Repository
from promptops.source.policy import Standard, standard_of
from promptops.source.project import Project
from promptops.source.resolve import resolve
from promptops.source.tree import Tree
from promptops.source.unit import Unit


def means_of(
    project: Project, environment: str, units: Mapping[str, Unit], last: int | None = None
) -> Means:
    """The means of a rehearsal; raises InvalidProject for policies that cannot be applied."""
    return asking(project, means_with(project, standard_of(project, environment), units, last))


def means_with(
    project: Project,  # noqa: ARG001 - `rehearsal.last` and retirement dates join here
    standard: Standard,
    units: Mapping[str, Unit],
    last: int | None = None,
) -> Means:
    """The same with a standard that was read already, and without asking the world outside.

    A gate does so: what a change writes into its project file is not run before it is merged.
    """
    return Means(standard, units, datetime.now(UTC).date(), last or LAST)


def asking(project: Project, means: Means) -> Means:  # noqa: ARG001 - its probes join here
    """The means with the probes of a project."""
    return means


def units_of(project: Project, tree: Tree, names: Collection[str]) -> dict[str, Unit]:
    """Those of the units that a tree has."""
    return read_units(tree, project.manifests, names, project.rules)


def forward_only_in(
    project: Project, means: Means, environment: str
) -> Callable[[str, Pointer], str]:
    """Why there is no way back from what is live, as the manifest that made it says.

    That is the one of today while it makes the same release, else that of the commit.
    """

    def said(unit: str, live: Pointer) -> str:
        if _makes(means.units.get(unit), live.digest, environment) or not live.commit:
            return means.forward_only(unit)
        try:
            repository = Repository.around(project.root)
            if not repository.has(live.commit):
                return ""
            tree = repository.files(live.commit, project.root)
            return replace(means, units=units_of(project, tree, {unit})).forward_only(unit)
        except UsageError:
            return ""

    return said


def _makes(unit: Unit | None, digest: str, environment: str) -> bool:
    try:
        return unit is not None and digest_of(resolve(unit, environment)) == digest
    except CheckFailed:
        return False
