"""Diff: what changed in the units of a repository between two commits. Needs no store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promptops.closest import closest
from promptops.delivery import look
from promptops.delivery.build import below, built_from, check_valid, read_units, unit_names
from promptops.delivery.comparison import Comparison, Notice, compare
from promptops.delivery.look import Shown
from promptops.errors import UnknownUnit, UsageError
from promptops.finding import errors_in
from promptops.source.commit_tree import CommitTree
from promptops.source.git import Repository
from promptops.source.project import Project
from promptops.source.unit import Unit


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed between two commits, as `environment` sees it; None is without an overlay."""

    before: str
    after: str
    environment: str | None
    units: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        """`{"from", "to", "environment", "units"}`; see Comparison for the units."""
        return {
            "from": self.before,
            "to": self.after,
            "environment": self.environment,
            "units": [unit.as_json() for unit in self.units],
        }


def diff(project: Project, revisions: str, unit: str | None, environment: str | None) -> Diff:
    """What `A..B` changed; either side may be left out and is HEAD then.

    Raises UsageError for revisions that cannot be meant (E406), UnknownUnit, and InvalidUnits for
    a unit with errors in the later commit.
    """
    first, dots, second = revisions.partition("..")
    if not dots or second.startswith(".") or not (first or second):
        raise UsageError(
            f"'{revisions}' is no range of commits",
            "write A..B, for example main..HEAD or v1.4.0..v1.5.0",
        )
    repository = Repository.around(project.root)
    before, after = (repository.commit(revision or "HEAD") for revision in (first, second))
    old, new = (repository.files(commit, project.root) for commit in (before, after))
    if unit is not None:
        _check_known(unit, project, (old, new), revisions)
    changed = [name for name in changed_units(project, old, new) if unit in {None, name}]
    were, are = (read_units(tree, project.manifests, changed, project.rules) for tree in (old, new))
    check_valid(are.values())
    return Diff(before, after, environment, compared(were, are, environment or ""))


def changed_units(project: Project, old: CommitTree, new: CommitTree) -> list[str]:
    """Units whose files differ between two commits, with those that only one of them has.

    The same files under the same overlay, by the same promptops, are the same release.
    """
    names = {*unit_names(old, project.manifests), *unit_names(new, project.manifests)}
    return sorted(
        name for name in names if not new.same_at(old.commit, below(project.manifests, name))
    )


def compared(
    before: Mapping[str, Unit], after: Mapping[str, Unit], environment: str
) -> tuple[Comparison, ...]:
    """The units whose release differs, those included that only one side has.

    The later ones must be without errors; an earlier one with errors makes its unit a new one.
    """
    found = (
        _compared(name, before.get(name), after.get(name), environment)
        for name in sorted({*before, *after})
    )
    return tuple(item for item in found if item.digest_before != item.digest_after)


def _compared(name: str, before: Unit | None, after: Unit | None, environment: str) -> Comparison:
    new = None if after is None else _shown(after, environment)
    errors = [] if before is None else errors_in(before.findings)
    if errors:
        said = f"the earlier commit cannot be read: {errors[0].code} {errors[0].message}"
        return compare(name, None, new, [Notice("invalid", said, "it is shown as new")])
    return compare(name, None if before is None else _shown(before, environment), new)


def _shown(unit: Unit, environment: str) -> Shown:
    item = built_from(unit, environment)
    return look.built(item.unit, item.digest, item.data)


def _check_known(unit: str, project: Project, trees: Iterable[CommitTree], revisions: str) -> None:
    names = sorted({name for tree in trees for name in unit_names(tree, project.manifests)})
    if unit not in names:
        close = closest(unit, names)
        raise UnknownUnit(
            f"there is no unit '{unit}' in {revisions}",
            f"did you mean '{close}'?" if close else f"its units are: {', '.join(names) or '-'}",
            code="E404",
        )
