"""What a merge makes, unit by unit: those of the change as they stand there, others as in the base.

On a branch that the base has left behind, that is neither the one commit nor the other. Where both
have changed a unit, git decides line by line, and here the change has its way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from promptops.delivery.build import below, unit_names
from promptops.delivery.diff import changed_units
from promptops.source.git import CommitTree, Repository
from promptops.source.project import Project
from promptops.source.unit import Unit, read_unit


@dataclass(frozen=True, slots=True)
class Merged:
    """The units of a merge, read and checked.

    `change` are those that differ between `old`, where the two parted, and `new`, those that are
    gone included; `in_both` are those of them that differ between `old` and `base` too.
    """

    project: Project
    repository: Repository
    base: CommitTree
    old: CommitTree
    new: CommitTree
    change: frozenset[str]
    in_both: tuple[str, ...]
    units: Mapping[str, Unit]


def merged(project: Project, base: str, revision: str) -> Merged:
    """What merging a commit into a base makes; raises UsageError (E405, E406, E407)."""
    repository = Repository.around(project.root)
    commit, onto = repository.commit(revision), repository.commit(base)
    fork = repository.fork_point(onto, commit)
    old, new, there = (repository.files(each, project.root) for each in (fork, commit, onto))
    folder = project.manifests
    change = frozenset(changed_units(project, old, new))
    trees = {name: there for name in unit_names(there, folder) if name not in change}
    trees |= {name: new for name in unit_names(new, folder) if name in change}
    units = {name: read_unit(tree, below(folder, name)) for name, tree in sorted(trees.items())}
    in_both = change.intersection(changed_units(project, old, there))
    return Merged(project, repository, there, old, new, change, tuple(sorted(in_both)), units)
