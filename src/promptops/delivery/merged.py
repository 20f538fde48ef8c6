"""What a merge makes, unit by unit: those of the change as they stand there, others as in the base.

On a branch that the base has left behind, that is neither the one commit nor the other. Where both
have changed a unit, git decides line by line, and here the change has its way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from promptops.delivery.build import read_units, unit_names
from promptops.delivery.diff import changed_units
from promptops.source.commit_tree import CommitTree
from promptops.source.git import Repository
from promptops.source.project import Project
from promptops.source.unit import Unit


@dataclass(frozen=True, slots=True)
class Merged:
    """A commit and the base that it is to be merged into; all units are checked.

    The units lie in `folder` of its `tree`. `change` names those that differ between the commit and
    where the two parted, those that are gone included; `in_both` those of them that the base has
    changed since, too. `before` are the units of the change as they were, `in_base` all as the base
    has them, `units` what the merge makes.
    """

    repository: Repository
    base: str
    commit: str
    tree: CommitTree
    folder: str
    change: frozenset[str]
    in_both: tuple[str, ...]
    before: Mapping[str, Unit]
    in_base: Mapping[str, Unit]
    units: Mapping[str, Unit]


def merged(project: Project, base: str, revision: str) -> Merged:
    """What merging a commit into a base makes; raises UsageError (E405, E406, E407)."""
    repository = Repository.around(project.root)
    folder, rules = project.manifests, project.rules
    commit, onto = repository.commit(revision), repository.commit(base)
    fork = repository.fork_point(onto, commit)
    old, new, there = (repository.files(each, project.root) for each in (fork, commit, onto))
    change = frozenset(changed_units(project, old, new))
    before = read_units(old, folder, change, rules)
    now = before if fork == onto else read_units(there, folder, change, rules)
    others = read_units(there, folder, {*unit_names(there, folder)} - change, rules)
    units = dict(sorted((others | read_units(new, folder, change, rules)).items()))
    in_both = tuple(sorted(change.intersection(changed_units(project, old, there))))
    return Merged(
        repository, onto, commit, new, folder, change, in_both, before, others | now, units
    )
