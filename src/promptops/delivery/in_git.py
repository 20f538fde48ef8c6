"""What git wants to be live: the digests of its last commit."""

from promptops.delivery.build import below, unit_names
from promptops.manifest.digest import digest_of
from promptops.source.git import Repository
from promptops.source.project import Project
from promptops.source.resolve import resolve
from promptops.source.unit import read_unit


def digests_in_git(project: Project, environment: str) -> dict[str, str | None]:
    """Unit → digest at HEAD, None for a unit with errors; raises UsageError without git."""
    repository = Repository.around(project.root)
    tree = repository.files(repository.commit("HEAD"), project.root)
    found: dict[str, str | None] = {}
    for name in unit_names(tree, project.manifests):
        unit = read_unit(tree, below(project.manifests, name))
        found[name] = digest_of(resolve(unit, environment)) if unit.ok else None
    return found
