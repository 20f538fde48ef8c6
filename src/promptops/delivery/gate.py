"""Gate: may this change be merged? One verdict over checks, plans, drift and holds.

Nothing is written, and only commits are looked at: what CI says is what a laptop says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptops.delivery.build import InvalidUnits, below, unit_names
from promptops.delivery.comparison import Comparison
from promptops.delivery.diff import changed_units, compared
from promptops.delivery.in_git import InGit
from promptops.delivery.plan import Plan
from promptops.delivery.plan import plan as make_plan
from promptops.delivery.same_names import same_names
from promptops.delivery.status import compare_with_git
from promptops.finding import Finding, errors_in, in_order
from promptops.live.records import State
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from promptops.source.git import CommitTree, Repository
from promptops.source.project import Project
from promptops.source.resolve import resolve
from promptops.source.unit import Unit, read_unit

Verdict = Literal["pass", "fail"]


@dataclass(frozen=True, slots=True)
class Drift:
    """A unit that is live as the base does not say; `state` as in UnitStatus."""

    unit: str
    state: str

    def as_json(self) -> dict[str, str]:
        return {"unit": self.unit, "state": self.state}


@dataclass(frozen=True, slots=True)
class Held:
    """A unit whose content in the commit is held; `in_change` when this change made it so."""

    unit: str
    digest: str
    reason: str
    at: str
    in_change: bool

    def as_json(self) -> dict[str, str | bool]:
        return {
            "unit": self.unit,
            "digest": self.digest,
            "reason": self.reason,
            "at": self.at,
            "in_change": self.in_change,
        }


@dataclass(frozen=True, slots=True)
class EnvironmentGate:
    """One environment: what deploying would do there, and what stands against it.

    `plan` is None offline and where a unit that would be deployed has errors. `changes` are what
    the change itself does, whatever is live: units with errors left out.
    """

    environment: str
    offline: bool
    plan: Plan | None
    changes: tuple[Comparison, ...]
    drift: tuple[Drift, ...] = ()
    held: tuple[Held, ...] = ()

    @property
    def refused(self) -> tuple[Held, ...]:
        """What of this change is held."""
        return tuple(held for held in self.held if held.in_change)

    @property
    def verdict(self) -> Verdict:
        return "fail" if self.refused or not (self.offline or self.plan) else "pass"


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict over a commit, as a change of `base`; `units` is how many were checked."""

    base: str
    commit: str
    units: int
    findings: tuple[Finding, ...]
    environments: tuple[EnvironmentGate, ...]

    @property
    def verdict(self) -> Verdict:
        failed = any(item.verdict == "fail" for item in self.environments)
        return "fail" if failed or errors_in(self.findings) else "pass"

    def as_json(self) -> dict[str, Any]:
        """`{"verdict", "base", "commit", "findings", "environments"}`.

        Of each environment `{"environment", "verdict", "offline", "plan", "changes", "drift",
        "held"}`.
        """
        return {
            "verdict": self.verdict,
            "base": self.base,
            "commit": self.commit,
            "findings": [finding.as_json() for finding in self.findings],
            "environments": [
                {
                    "environment": item.environment,
                    "verdict": item.verdict,
                    "offline": item.offline,
                    "plan": item.plan and item.plan.as_json(),
                    "changes": [unit.as_json() for unit in item.changes],
                    "drift": [drift.as_json() for drift in item.drift],
                    "held": [held.as_json() for held in item.held],
                }
                for item in self.environments
            ],
        }


def gate(project: Project, base: str, revision: str, stores: Mapping[str, Store | None]) -> Gate:
    """Judge a commit as a change of `base`, for environments with their stores; None is offline.

    What others merged into the base meanwhile is no part of the change. Raises UsageError (E405,
    E406, E407), StoreError.
    """
    repository = Repository.around(project.root)
    commit, onto = repository.commit(revision), repository.commit(base)
    new = repository.files(commit, project.root)
    old = repository.files(repository.fork_point(onto, commit), project.root)
    units = {
        name: read_unit(new, below(project.manifests, name))
        for name in unit_names(new, project.manifests)
    }
    findings = [finding for unit in units.values() for finding in unit.findings]
    findings += same_names(new, project.manifests, units)
    change = set(changed_units(project, old, new))
    sound = [name for name in sorted(change) if name not in units or units[name].ok]
    environments = []
    for name, store in stores.items():
        changes = compared(project, sound, old, new, name)
        if store is None:
            environments.append(EnvironmentGate(name, offline=True, plan=None, changes=changes))
            continue
        state = store.read()
        wanted = {unit.name: _digest(unit, name) for unit in units.values()}
        in_base = _in_base(project, repository, onto, new, wanted, name)
        environments.append(
            EnvironmentGate(
                name,
                offline=False,
                plan=_plan(store, project, commit),
                changes=changes,
                drift=tuple(_drift(state, wanted, in_base)),
                held=tuple(_held(state, wanted, change)),
            )
        )
    return Gate(onto, commit, len(units), tuple(in_order(findings)), tuple(environments))


def _plan(store: Store, project: Project, commit: str) -> Plan | None:
    try:
        return make_plan(store, project, commit)
    except InvalidUnits:
        # They are among the findings.
        return None


def _in_base(
    project: Project,
    repository: Repository,
    commit: str,
    new: CommitTree,
    wanted: Mapping[str, str | None],
    environment: str,
) -> InGit:
    """What the base wants in an environment; most of it is what the new commit wants too."""
    tree = repository.files(commit, project.root)
    changed = set(changed_units(project, tree, new))
    digests = {
        name: _digest(read_unit(tree, below(project.manifests, name)), environment)
        if name in changed
        else wanted[name]
        for name in unit_names(tree, project.manifests)
    }
    return InGit(commit, digests, repository.is_older)


def _digest(unit: Unit, environment: str) -> str | None:
    return digest_of(resolve(unit, environment)) if unit.ok else None


def _drift(state: State, wanted: Mapping[str, str | None], in_base: InGit) -> Iterator[Drift]:
    for name, live in sorted(state.pointers.items()):
        found = compare_with_git(live, name, in_base)
        if live.digest != wanted.get(name) and found not in {"in sync", "held"}:
            yield Drift(name, found)


def _held(state: State, wanted: Mapping[str, str | None], change: set[str]) -> Iterator[Held]:
    for name, live in sorted(state.pointers.items()):
        for hold in live.held:
            if hold.digest == wanted.get(name):
                yield Held(name, hold.digest, hold.reason, hold.at, name in change)
