"""Gate: may this change be merged? One verdict over checks, plans, drift and holds.

Nothing is written, and only commits are looked at: what CI says is what a laptop says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal

from promptops.delivery.build import Built, built_from
from promptops.delivery.comparison import Comparison
from promptops.delivery.diff import compared
from promptops.delivery.in_git import InGit
from promptops.delivery.lost import Lost, lost_by
from promptops.delivery.merged import Merged, merged
from promptops.delivery.no_return import points_of_no_return
from promptops.delivery.plan import Candidate, Plan, plan_of
from promptops.delivery.rehearse import Present, present
from promptops.delivery.same_names import same_names
from promptops.delivery.status import compare_with_git
from promptops.delivery.today import means_with
from promptops.delivery.versions import as_errors
from promptops.errors import StoreError
from promptops.finding import Finding, errors_in, in_order
from promptops.live.records import Freeze, State
from promptops.live.store import Store
from promptops.source.git import Repository
from promptops.source.judge import judge
from promptops.source.policy import Standard, standard_of
from promptops.source.project import Project, read_project
from promptops.source.severity import ruled

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
    """A unit that git wants to be what is held; `in_change` when it is this change that does."""

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

    `changes` are what the change itself does, whatever is live, in the units without errors. `plan`
    is None offline, where the store could not answer (`error` says why), where clients serve what
    the store has `lost`, and while there are errors in the manifests.
    """

    environment: str
    changes: tuple[Comparison, ...]
    plan: Plan | None = None
    drift: tuple[Drift, ...] = ()
    held: tuple[Held, ...] = ()
    offline: bool = False
    error: StoreError | None = None
    freeze: Freeze | None = None
    lost: Lost | None = None

    @property
    def refused(self) -> tuple[Held, ...]:
        """What of this change is held."""
        return tuple(held for held in self.held if held.in_change)


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict over a commit, as a change of `base`; `units` is how many were checked.

    `in_both` are units that the base has changed too, since the two parted; `unbuilt` says that
    some have errors of their own, so that nobody knows what a deployment does with them.
    """

    base: str
    commit: str
    units: int
    findings: tuple[Finding, ...]
    environments: tuple[EnvironmentGate, ...]
    in_both: tuple[str, ...] = ()
    unbuilt: bool = False

    @property
    def verdict(self) -> Verdict:
        failed = any(self.verdict_in(item) == "fail" for item in self.environments)
        return "fail" if failed or errors_in(self.findings) else "pass"

    def verdict_in(self, item: EnvironmentGate) -> Verdict:
        """The verdict for one environment alone."""
        stopped = item.refused or item.error or item.lost or errors_in(self.findings)
        return "fail" if stopped else "pass"

    def as_json(self) -> dict[str, Any]:
        """`{"verdict", "base", "commit", "in_both", "findings", "environments"}`.

        Of each environment `{"environment", "verdict", "offline", "error", "lost", "freeze",
        "plan", "changes", "drift", "held"}`. A freeze stops deployments, and no merge.
        """
        return {
            "verdict": self.verdict,
            "base": self.base,
            "commit": self.commit,
            "in_both": [*self.in_both],
            "findings": [finding.as_json() for finding in self.findings],
            "environments": [
                {
                    "environment": item.environment,
                    "verdict": self.verdict_in(item),
                    "offline": item.offline,
                    "error": item.error and item.error.message,
                    "lost": item.lost and item.lost.as_json(),
                    "freeze": item.freeze and asdict(item.freeze),
                    "plan": item.plan and item.plan.as_json(),
                    "changes": [unit.as_json() for unit in item.changes],
                    "drift": [drift.as_json() for drift in item.drift],
                    "held": [held.as_json() for held in item.held],
                }
                for item in self.environments
            ],
        }


def gate(
    project: Project,
    base: str,
    revision: str,
    stores: Mapping[str, Store | None],
    accept_no_return: str | None = None,
) -> Gate:
    """Judge a commit as a change of `base`, for environments with their stores; None is offline.

    Project file and policies are those of the commit. Raises UsageError (E405, E406, E407, a
    project file or a policy that cannot be applied). A store that cannot answer is the `error` of
    its environment, and the others are judged.
    """
    repository = Repository.around(project.root)
    tree = repository.files(repository.commit(revision), project.root)
    project = read_project(project.root, tree)
    standards = {name: standard_of(project, name) for name in stores}
    merge = merged(project, base, revision)
    judged = [_judged(merge, name, store, standards[name]) for name, store in stores.items()]
    returns = (
        each
        for item in judged
        for each in _points_of_no_return(
            project, merge, item, stores[item.environment], standards, accept_no_return
        )
    )
    one = next(iter(standards.values()), Standard(project.rules))
    looks = tuple(look for each in standards.values() for look in each.looks)
    everywhere = replace(one, looks=looks)
    return Gate(
        merge.base,
        merge.commit,
        len(merge.units),
        tuple(in_order(dict.fromkeys([*_findings(project, merge, everywhere, judged), *returns]))),
        tuple(judged),
        merge.in_both,
        not all(unit.ok for unit in merge.units.values()),
    )


def _findings(
    project: Project, merge: Merged, standard: Standard, judged: Iterable[EnvironmentGate]
) -> Iterator[Finding]:
    if not merge.units:
        yield _no_unit(project)
    yield from ruled(same_names(merge.tree, merge.folder, merge.units), standard.rules)
    for unit in merge.units.values():
        yield from unit.findings
        yield from judge(merge.tree, unit, standard)
    for item in judged:
        for each in item.plan.units if item.plan else item.changes:
            if each.unit in merge.change and each.unit in merge.units:
                unit = merge.units[each.unit]
                yield from as_errors(merge.tree, unit, each.notices, standard.rules)


def _points_of_no_return(
    project: Project,
    merge: Merged,
    item: EnvironmentGate,
    store: Store | None,
    standards: Mapping[str, Standard],
    accepted: str | None,
) -> Iterator[Finding]:
    """From the units of the change to what is live, or where nobody knows that, to the base."""
    units = item.plan.units if item.plan else item.changes
    changed = [each for each in units if each.unit in merge.change]
    if not changed:
        return
    means = means_with(project, standards[item.environment], merge.units)
    seen = Present() if store is None or item.error else present(store)
    yield from points_of_no_return(merge, changed, means, seen, accepted)


def _no_unit(project: Project) -> Finding:
    """A deployment of all would be refused."""
    document, named = project.document, ("manifests",)
    place = document.place(named if document.has(named) else ())
    message = f"{project.tree.shown(project.manifests)} holds no unit: nothing could be deployed"
    hint = "commit a unit's folder there, or change `manifests:`"
    return Finding("E404", document.file, place, message, hint)


def _judged(
    merge: Merged, environment: str, store: Store | None, standard: Standard
) -> EnvironmentGate:
    changes = _changes(merge, environment)
    if store is None:
        return EnvironmentGate(environment, changes, offline=True)
    built = {name: built_from(unit, environment) for name, unit in merge.units.items() if unit.ok}
    try:
        state = store.read()
        lost = lost_by(store) if state.head is None else None
        if lost is not None:
            return EnvironmentGate(environment, changes, lost=lost)
        plan = _plan(merge, store, state, built, standard)
    except StoreError as error:
        return EnvironmentGate(environment, changes, error=error)
    drift = _drift(state, built, _in_base(merge, built, environment))
    held = _held(state, built, {unit.unit for unit in changes})
    return EnvironmentGate(
        environment, changes, plan, tuple(drift), tuple(held), freeze=state.freeze
    )


def _changes(merge: Merged, environment: str) -> tuple[Comparison, ...]:
    after = {name: unit for name, unit in merge.units.items() if name in merge.change}
    broken = {name for name, unit in after.items() if not unit.ok}
    before, after = (
        {name: unit for name, unit in side.items() if name not in broken}
        for side in (merge.before, after)
    )
    return compared(before, after, environment)


def _plan(
    merge: Merged,
    store: Store,
    state: State,
    built: Mapping[str, Built],
    standard: Standard,
) -> Plan | None:
    if len(built) < len(merge.units):
        return None
    is_older = partial(merge.repository.is_older, merge.commit)
    candidate = Candidate(merge.commit, merge.tree, tuple(merge.units), is_older)
    return plan_of(store, state, candidate, built.values(), standard)


def _in_base(merge: Merged, built: Mapping[str, Built], environment: str) -> InGit:
    """What the base wants in an environment; but for the change, that is what the merge makes."""
    digests: dict[str, str | None] = {}
    for name, unit in merge.in_base.items():
        same = unit is merge.units.get(name)
        digests[name] = None
        if unit.ok:
            digests[name] = (built[name] if same else built_from(unit, environment)).digest
    return InGit(merge.base, digests, merge.repository.is_older)


def _drift(state: State, built: Mapping[str, Built], in_base: InGit) -> Iterator[Drift]:
    for name, live in sorted(state.pointers.items()):
        found = compare_with_git(live, name, in_base)
        wanted = name in built and built[name].digest == live.digest
        wanted = wanted or (live.retired is not None and name not in in_base.digests)
        if not wanted and found not in {"in sync", "held"}:
            yield Drift(name, found)


def _held(state: State, built: Mapping[str, Built], changed: set[str]) -> Iterator[Held]:
    """The holds on what the merge makes."""
    for name, live in sorted(state.pointers.items()):
        for hold in live.held:
            if name in built and hold.digest == built[name].digest:
                yield Held(name, hold.digest, hold.reason, hold.at, name in changed)
