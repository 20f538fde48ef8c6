"""Plan: what a deployment of a commit would change in an environment. Nothing is written.

A unit that is the same as live is found by two facts. Its folder is the very one of the commit
that it is live from, so it has passed the checks and they are not repeated; and its release has
the digest that is live, which is computed all the same: another overlay, another project in the
repository or another promptops could make another release of the same files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from promptops.delivery import look
from promptops.delivery.build import Built, below, build, unit_names
from promptops.delivery.comparison import Comparison, Notice, compare, same_version_before
from promptops.errors import CheckFailed, ReleaseRejected
from promptops.finding import Finding
from promptops.live.records import Head, Pointer, State
from promptops.live.store import Store, entries
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of, short
from promptops.manifest.document import Json
from promptops.manifest.release import Release, read_release
from promptops.source.git import CommitTree, Repository
from promptops.source.project import Project
from promptops.source.resolve import resolve
from promptops.source.unit import read_unit

# How far back W232 looks for another text of the same version.
MOST_DEPLOYMENTS = 1000
MOST_RELEASES = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What a commit would change in an environment; `head` is None when the store never held it.

    `untouched` are live and not in git: no deployment removes them. `findings` are warnings about
    the manifests that were read.
    """

    environment: str
    head: Head | None
    commit: str
    units: tuple[Comparison, ...]
    untouched: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def digest(self) -> str:
        moves = [(unit.unit, unit.digest_before, unit.digest_after) for unit in self.units]
        return plan_digest(self.environment, self.head, self.commit, moves)

    def as_json(self) -> dict[str, Any]:
        """`{"environment", "head", "commit", "digest", "units"}`; see Comparison for the units."""
        return {
            "environment": self.environment,
            "head": head_json(self.head),
            "commit": self.commit,
            "digest": self.digest,
            "units": [unit.as_json() for unit in self.units],
        }


def plan_digest(
    environment: str,
    head: Head | None,
    commit: str,
    moves: Iterable[tuple[str, str | None, str | None]],
) -> str:
    """The name of a plan, over all that decides what it does: `moves` are unit, from, to."""
    units: list[Json] = [
        {"unit": unit, "from": before, "to": after} for unit, before, after in sorted(moves)
    ]
    facts: Json = {
        "environment": environment,
        "head": head_json(head),
        "commit": commit,
        "units": units,
    }
    return digest_of(canonical_bytes(facts))


def head_json(head: Head | None) -> Json:
    return None if head is None else {"epoch": head.epoch, "revision": head.revision}


def plan(store: Store, project: Project, revision: str) -> Plan:
    """What `promptops deploy --all` of a commit would change in the store's environment.

    Raises UsageError (E406, E407), InvalidUnits for a unit with errors that would be deployed,
    StoreError, and ReleaseRejected when a live release is not what its digest says.
    """
    repository = Repository.around(project.root)
    commit = repository.commit(revision)
    tree = repository.files(commit, project.root)
    state = store.read()
    names = unit_names(tree, project.manifests)
    changed = [
        name
        for name in names
        if not _is_live(
            tree, below(project.manifests, name), state.pointers.get(name), store.environment
        )
    ]
    built = build(tree, project.manifests, changed, store.environment)
    return plan_of(store, state, built, names, commit, partial(repository.is_older, commit))


def plan_of(
    store: Store,
    state: State,
    built: Iterable[Built],
    names: Iterable[str],
    commit: str,
    is_older: Callable[[str], bool | None],
) -> Plan:
    """What deploying some releases would change; `names` are all units that git has.

    `is_older(other)` is about the commit that they are deployed from. Raises StoreError.
    """
    built = list(built)
    differing = [item for item in built if not _has(state.pointers.get(item.unit), item.digest)]
    past = _past(store, [item.unit for item in differing if item.unit in state.pointers])
    units = tuple(
        _compared(store, state.pointers.get(item.unit), item, past, is_older) for item in differing
    )
    untouched = tuple(sorted(state.pointers.keys() - set(names)))
    findings = tuple(finding for item in built for finding in item.source.findings)
    return Plan(store.environment, state.head, commit, units, untouched, findings)


def _is_live(tree: CommitTree, folder: str, live: Pointer | None, environment: str) -> bool:
    """Whether a unit is known to be what is live, without checking it again."""
    if live is None or live.commit is None or not tree.same_at(live.commit, folder):
        return False
    try:
        return _has(live, digest_of(resolve(read_unit(tree, folder, check=False), environment)))
    except (CheckFailed, LookupError, TypeError, ValueError, AttributeError):
        # The commit that the store names never passed the checks here: they shall say what is so.
        return False


def _has(live: Pointer | None, digest: str) -> bool:
    return live is not None and live.digest == digest


def _compared(
    store: Store,
    live: Pointer | None,
    item: Built,
    past: Mapping[str, Mapping[str, int]],
    is_older: Callable[[str], bool | None],
) -> Comparison:
    after = look.built(item.unit, item.digest, item.data)
    if live is None:
        return compare(item.unit, None, after)
    before = look.pointed_to(store, item.unit, live)
    seen = _releases(store, item.unit, past[item.unit])
    notices = [
        *_held(live, item, store.environment),
        *_older(live, item, is_older),
        *same_version_before(before.release, after.release, seen),
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
                f"{item.unit} {digest} --lift --env {environment}",
            )


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
            f"to go back: promptops rollback {item.unit}; otherwise deploy with --allow-older",
        )


def _past(store: Store, units: list[str]) -> dict[str, dict[str, int]]:
    """The latest releases of some units, newest first: digest → revision at which it came."""
    found: dict[str, dict[str, int]] = {unit: {} for unit in units}
    for entry in islice(entries(store), MOST_DEPLOYMENTS) if units else ():
        for change in entry.changes:
            seen = found.get(change.unit)
            if seen is not None and len(seen) < MOST_RELEASES:
                seen.setdefault(change.after, entry.revision)
    return found


def _releases(store: Store, unit: str, past: Mapping[str, int]) -> Iterator[tuple[int, Release]]:
    for digest, revision in past.items():
        try:
            data = store.release(digest)
            if data is not None:
                yield revision, read_release(data, digest, unit)
        except ReleaseRejected:
            # What was live long ago stands in nobody's way.
            continue
