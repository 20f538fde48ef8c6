"""Promote: what is live in one environment is made live in another, from the very same commits.

Where the overlays allow it, that is the very same release; else it is what the commit makes for the
target, and the difference is shown.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from promptops.delivery import look
from promptops.delivery.build import Built, build, named_units
from promptops.delivery.checkout import Checkout
from promptops.delivery.comparison import Comparison, compare
from promptops.delivery.deployment import read_existing
from promptops.errors import Refused, UsageError
from promptops.live.moves import live_pointer
from promptops.live.records import Pointer
from promptops.live.store import Store
from promptops.source.git import Repository
from promptops.source.project import Project, Soak


@dataclass(frozen=True, slots=True)
class Promoted:
    """One unit: as it is live in the source, and what its commit makes for the target."""

    live: Pointer
    commit: str
    built: Built
    comparison: Comparison

    @property
    def same(self) -> bool:
        return self.live.digest == self.built.digest

    def as_json(self) -> dict[str, Any]:
        """`{"unit", "commit", "from", "to", "same", "changes"}`; `from` is live in the source."""
        return {
            "unit": self.built.unit,
            "commit": self.commit,
            "from": self.live.digest,
            "to": self.built.digest,
            "same": self.same,
            "changes": [change.as_json() for change in self.comparison.changes],
        }


@dataclass(frozen=True, slots=True)
class Promotion:
    """What is promoted, by unit, and the checkouts that it was built from."""

    units: Mapping[str, Promoted]
    checkouts: tuple[Checkout, ...]

    def commits(self, units: Collection[str]) -> dict[str, str]:
        return {unit: self.units[unit].commit for unit in units}


def promotion(project: Project, source: Store, target: str, units: tuple[str, ...]) -> Promotion:
    """Build for the target what is live in the source: these units, or all of it.

    Raises UsageError where git has not what is live there, InvalidUnits, Refused, StoreError.
    """
    state = read_existing(source)
    wanted = {
        unit: live_pointer(state, unit, source.environment)
        for unit in units or sorted(state.pointers)
    }
    by_commit: dict[str, list[str]] = defaultdict(list)
    for unit, live in wanted.items():
        by_commit[_commit(unit, live, source.environment)].append(unit)
    repository = Repository.around(project.root)
    checkouts = [
        _checkout(project, repository, target, commit, names) for commit, names in by_commit.items()
    ]
    found: dict[str, Promoted] = {}
    for checkout in checkouts:
        for item in checkout.built:
            live = wanted[item.unit]
            before = look.pointed_to(source, item.unit, live)
            after = look.built(item.unit, item.digest, item.data)
            comparison = compare(item.unit, before, after)
            found[item.unit] = Promoted(live, str(checkout.commit), item, comparison)
    return Promotion(found, tuple(checkouts))


def _commit(unit: str, live: Pointer, environment: str) -> str:
    if not live.commit:
        raise UsageError(
            f"{unit} is live in {environment} from the work tree, and from no commit",
            f"commit it, and deploy it to {environment} first",
        )
    return live.commit


def _checkout(
    project: Project, repository: Repository, target: str, commit: str, units: list[str]
) -> Checkout:
    tree = repository.files(repository.commit(commit), project.root)
    names = named_units(tree, project.manifests, tuple(units))
    built = build(tree, project.manifests, names, target, project.rules)
    findings = [finding for item in built for finding in item.source.findings]
    return Checkout(built, findings, tree, commit, repository.is_older)


def check_soaked(soak: Soak | None, source: str, moving: Iterable[Promoted], at: str) -> None:
    """Raises Refused for what comes from elsewhere, or was not live there for long enough."""
    if soak is None:
        return
    if soak.source != source:
        raise Refused(
            "soak",
            f"what is promoted here must have been live in {soak.source}, and not in {source}",
            f"say --from {soak.source}",
        )
    for each in moving:
        lived = (_time(at) - _time(each.live.since)).total_seconds()
        if lived < soak.seconds:
            raise Refused(
                "soak",
                f"{each.built.unit} has been live in {source} for {_hours(max(lived, 0))}, and "
                f"must be for {_hours(soak.seconds)}",
                f"wait another {_hours(soak.seconds - lived)}; what cannot wait is deployed: "
                "promptops deploy",
            )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _hours(seconds: float) -> str:
    """`23 h 59 min`, or seconds where it is less than a minute."""
    minutes = int(seconds) // 60
    if not minutes:
        return f"{int(seconds)} s"
    hours, left = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{left} min"] * bool(left or not hours))
