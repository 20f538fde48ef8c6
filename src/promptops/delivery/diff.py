"""Diff: what changed in the units of a repository between two commits. Needs no store."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from promptops.delivery import look
from promptops.delivery.build import InvalidUnits, below, build, unit_names
from promptops.delivery.comparison import Comparison, Notice, compare
from promptops.delivery.look import Shown
from promptops.errors import UnknownUnit, UsageError
from promptops.source.git import CommitTree, Repository
from promptops.source.project import Project


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
    sides = [set(unit_names(tree, project.manifests)) for tree in (old, new)]
    names = sorted(sides[0] | sides[1])
    if unit is not None:
        _check_known(unit, names, revisions)
        names = [unit]
    changed = [
        # The same files under the same overlay, by the same promptops, are the same release.
        name
        for name in names
        if not new.same_at(before, below(project.manifests, name))
    ]
    found = [
        _compared(
            project,
            name,
            old if name in sides[0] else None,
            new if name in sides[1] else None,
            environment or "",
        )
        for name in changed
    ]
    units = tuple(item for item in found if item.digest_before != item.digest_after)
    return Diff(before, after, environment, units)


def _compared(
    project: Project, name: str, old: CommitTree | None, new: CommitTree | None, environment: str
) -> Comparison:
    """One unit in two commits; None for a commit that does not have it."""
    after = None if new is None else _shown(project, new, name, environment)
    try:
        before = None if old is None else _shown(project, old, name, environment)
    except InvalidUnits as invalid:
        first = invalid.findings[0]
        said = f"the earlier commit cannot be read: {first.code} {first.message}"
        return compare(name, None, after, [Notice("invalid", said, "it is shown as new")])
    return compare(name, before, after)


def _shown(project: Project, tree: CommitTree, name: str, environment: str) -> Shown:
    item = build(tree, project.manifests, [name], environment, project.rules)[0]
    return look.built(item.unit, item.digest, item.data)


def _check_known(unit: str, names: list[str], revisions: str) -> None:
    if unit not in names:
        close = get_close_matches(unit, names, n=1)
        raise UnknownUnit(
            f"there is no unit '{unit}' in {revisions}",
            f"did you mean '{close[0]}'?" if close else f"its units are: {', '.join(names) or '-'}",
            code="E404",
        )
