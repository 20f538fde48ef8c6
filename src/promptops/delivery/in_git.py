"""What git wants to be live: the digests of its last commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from promptops.delivery.build import below, unit_names
from promptops.manifest.digest import digest_of
from promptops.source.git import Repository
from promptops.source.project import Project
from promptops.source.resolve import resolve
from promptops.source.unit import read_unit


@dataclass(frozen=True, slots=True)
class InGit:
    """The last commit: unit → digest, None for a unit with errors.

    `is_older(a, b)` says whether commit `a` is a strict ancestor of `b`; None when git cannot tell.
    """

    commit: str
    digests: Mapping[str, str | None]
    is_older: Callable[[str, str], bool | None]


def last_commit(project: Project, environment: str) -> InGit:
    """What HEAD wants in an environment; raises UsageError without git or a commit."""
    repository = Repository.around(project.root)
    commit = repository.commit("HEAD")
    tree = repository.files(commit, project.root)
    found: dict[str, str | None] = {}
    for name in unit_names(tree, project.manifests):
        unit = read_unit(tree, below(project.manifests, name), project.rules)
        found[name] = digest_of(resolve(unit, environment)) if unit.ok else None
    return InGit(commit, found, repository.is_older)
