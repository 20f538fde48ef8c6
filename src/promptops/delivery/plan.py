"""Plan: what a deployment of a commit would change in an environment. Nothing is written.

A unit that is the same as live is found by two facts. Its folder is the very one of the commit
that it is live from, so it has passed the checks and they are not repeated; and its release has
the digest that is live, which is computed all the same: another overlay, another project in the
repository or another promptops could make another release of the same files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from shlex import quote
from typing import Any

from promptops.delivery import look
from promptops.delivery.build import Built, below, build, built_from, unit_names
from promptops.delivery.comparison import Comparison, Notice, compare
from promptops.delivery.lost import check_not_lost
from promptops.delivery.versions import Past, as_errors, other_texts_before, past_of
from promptops.errors import CheckFailed
from promptops.finding import Finding
from promptops.live.records import Freeze, Head, Pointer, State
from promptops.live.store import Store
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of, short
from promptops.source.commit_tree import CommitTree
from promptops.source.git import Repository
from promptops.source.judge import judge
from promptops.source.policy import Standard, standard_of
from promptops.source.project import Project
from promptops.source.tree import Tree
from promptops.source.unit import read_unit


@dataclass(frozen=True, slots=True)
class Plan:
    """What a commit would change in an environment; `head` is None when the store never held it.

    `untouched` are live and not in git: no deployment removes them. `in_safe_mode` are left alone
    as well. `findings` are about the manifests that were read; an error among them is what would
    stop the deployment.
    """

    environment: str
    head: Head | None
    commit: str
    units: tuple[Comparison, ...]
    untouched: tuple[str, ...]
    findings: tuple[Finding, ...]
    freeze: Freeze | None = None
    in_safe_mode: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return plan_digest(self._facts())

    def as_json(self) -> dict[str, Any]:
        """`{"environment", "head", "freeze", "commit", "digest", "units"}`; see Comparison for the
        units."""
        facts = self._facts()
        units = facts.pop("units")
        return {**facts, "digest": self.digest, "units": units}

    def _facts(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "head": None if self.head is None else asdict(self.head),
            "freeze": self.freeze and asdict(self.freeze),
            "commit": self.commit,
            "units": [unit.as_json() for unit in self.units],
        }


@dataclass(frozen=True, slots=True)
class Candidate:
    """What would be deployed: the names of all `units` that git has, from a commit and its tree.

    `is_older(commit)` says whether it is an ancestor of another commit.
    """

    commit: str
    tree: Tree
    units: tuple[str, ...]
    is_older: Callable[[str], bool | None]


def plan_digest(facts: Mapping[str, Any]) -> str:
    """The name of a plan: over all that it says, so that what was reviewed is what is applied."""
    said = {name: fact for name, fact in facts.items() if name != "digest"}
    return digest_of(canonical_bytes(said))


def plan(store: Store, project: Project, revision: str, where: Sequence[str] = ()) -> Plan:
    """What `promptops deploy --all` of a commit would change in the store's environment.

    `where` are the options that name the environment in what one types. Raises UsageError (E406,
    E407, a policy that cannot be applied), InvalidUnits for a unit with errors that cannot be
    built, Refused where the store lost the environment, StoreError, and ReleaseRejected when a live
    release is not what its digest says.
    """
    standard = standard_of(project, store.environment)
    repository = Repository.around(project.root)
    commit = repository.commit(revision)
    tree = repository.files(commit, project.root)
    state = store.read()
    if state.head is None:
        check_not_lost(store, where)
    names = unit_names(tree, project.manifests)
    changed = [
        name
        for name in names
        if not _is_live(tree, project, name, state.pointers.get(name), store.environment)
    ]
    built = build(tree, project.manifests, changed, store.environment, project.rules)
    is_older = partial(repository.is_older, commit)
    return plan_of(store, state, Candidate(commit, tree, tuple(names), is_older), built, standard)


def plan_of(
    store: Store,
    state: State,
    candidate: Candidate,
    built: Iterable[Built],
    standard: Standard,
) -> Plan:
    """What deploying some releases of a candidate would change; raises StoreError."""
    built = list(built)
    differing = [item for item in built if not _has(state.pointers.get(item.unit), item)]
    past = past_of(store, [item.unit for item in differing if item.unit in state.pointers])
    units = tuple(
        _compared(store, state.pointers.get(item.unit), item, past, candidate.is_older)
        for item in differing
    )
    untouched = tuple(sorted(state.live.keys() - set(candidate.units)))
    in_safe_mode = tuple(unit for unit, each in sorted(state.pointers.items()) if each.safe_mode)
    findings = [finding for item in built for finding in item.source.findings]
    for item, unit in zip(differing, units, strict=True):
        if not unit.held:
            findings += judge(candidate.tree, item.source, standard)
            findings += as_errors(candidate.tree, item.source, unit.notices, standard.rules)
    return Plan(
        store.environment,
        state.head,
        candidate.commit,
        units,
        untouched,
        tuple(findings),
        state.freeze,
        in_safe_mode,
    )


def _is_live(
    tree: CommitTree, project: Project, name: str, live: Pointer | None, environment: str
) -> bool:
    """Whether a unit is known to be what is live, without checking it again."""
    folder = below(project.manifests, name)
    if live is None or live.commit is None or not tree.same_at(live.commit, folder):
        return False
    # It has passed already: what the project forbids since then is for those that move.
    lowered = tuple(rule for rule in project.rules if rule.severity == "warning")
    try:
        unit = read_unit(tree, folder, lowered, check=False)
        return _has(live, built_from(unit, environment))
    except (CheckFailed, LookupError, TypeError, ValueError, AttributeError):
        # The commit that the store names never passed the checks here: they shall say what is so.
        return False


def _has(live: Pointer | None, item: Built) -> bool:
    """Whether a deployment of all leaves a unit alone because its content is what it is."""
    if live is None or live.meant != item.digest:
        return False
    settled = live.safe_mode is not None or live.retired is not None
    return settled or live.safe == (item.safe and item.safe[0])


def _compared(
    store: Store,
    live: Pointer | None,
    item: Built,
    past: Past,
    is_older: Callable[[str], bool | None],
) -> Comparison:
    after = look.built(item.unit, item.digest, item.data)
    if live is None:
        return compare(item.unit, None, after)
    if live.retired is not None:
        return compare(item.unit, None, after, _held(live, item, store.environment))
    before = look.pointed_to(store, item.unit, replace(live, digest=live.meant))
    notices = [
        *_held(live, item, store.environment),
        *_safe(live, item),
        *_older(live, item, is_older),
        *other_texts_before(store, item.unit, before.release, after.release, past),
    ]
    return compare(item.unit, before, after, notices)


def _held(live: Pointer, item: Built, environment: str) -> Iterator[Notice]:
    for hold in live.held:
        if hold.digest == item.digest:
            digest = short(item.digest)
            yield Notice(
                "held",
                f"{digest} is held and will not be deployed: {hold.reason} ({hold.at})",
                "change the prompt, or promptops hold "
                f"{quote(item.unit)} {digest} --lift --env {environment}",
            )


def _safe(live: Pointer, item: Built) -> Iterator[Notice]:
    if live.safe_mode is not None:
        yield Notice(
            "safe-mode",
            f"it is in safe mode and will not be deployed: {live.safe_mode.reason}",
            f"to leave that: promptops rollback {quote(item.unit)}, or promptops safe-mode off "
            f"{quote(item.unit)}",
        )
    elif live.safe and item.safe is None:
        yield Notice(
            "no-safe-release",
            "its safe release is gone: there would be no safe mode to switch to",
            "keep safe: in the manifest",
        )
    elif item.safe is not None and item.safe[0] != live.safe:
        said = "changes" if live.safe else "is new"
        yield Notice("safe-release", f"its safe release {said}: {short(item.safe[0])}")


def _older(live: Pointer, item: Built, is_older: Callable[[str], bool | None]) -> Iterator[Notice]:
    if not live.commit:
        return
    older = is_older(live.commit)
    if older is None:
        yield Notice(
            "unknown-commit",
            f"this clone does not have {live.commit[:12]}, which is live: a deploy is refused",
            "fetch first (in CI: fetch-depth: 0)",
        )
    elif older:
        yield Notice(
            "older",
            f"this commit is older than {live.commit[:12]}, which is live: a deploy is refused",
            f"to go back: promptops rollback {quote(item.unit)}; otherwise deploy with "
            "--allow-older",
        )
