"""Deploy: make built releases live in one swap."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from shlex import quote
from types import MappingProxyType

from promptops.delivery.agreement import Agree, as_proposed
from promptops.delivery.deployment import Deployment, carry_out, read_existing, repeated
from promptops.delivery.lost import check_not_lost
from promptops.errors import Refused
from promptops.live import moves
from promptops.live.freezing import check_not_frozen
from promptops.live.moves import Intent, Proposal
from promptops.live.records import State
from promptops.live.store import Store
from promptops.manifest.digest import short


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold for a deploy to happen.

    `is_older(commit, than)` says whether a commit that is deployed is an ancestor of a live one,
    or None when it cannot tell; without it older ones are allowed. `create` makes an environment
    that the store does not hold, unless present clients prove that it lost it. `as_planned(state)`
    raises Refused when the environment is not what somebody reviewed. `may_move(state, units)`
    raises what it has against units that would move. `agree` asks whether that is meant.
    """

    create: bool = False
    skip_held: bool = False
    expect_revision: int | None = None
    is_older: Callable[[str, str], bool | None] | None = None
    as_planned: Callable[[State], None] | None = None
    may_move: Callable[[State, Collection[str]], None] | None = None
    agree: Agree = as_proposed


def deploy(
    store: Store,
    releases: Mapping[str, tuple[str, bytes]],
    intent: Intent,
    conditions: Conditions,
    *,
    safe: Mapping[str, tuple[str, bytes]] = MappingProxyType({}),
    resume: bool = False,
    dry_run: bool = False,
    action: str = "deploy",
) -> Deployment:
    """Make releases (unit → digest, bytes) live, in one deployment, with their `safe` ones.

    `action` is what the history calls it.

    With `resume` the operation id may have been used before; with `dry_run` nothing is written.
    Raises Refused, StoreError, OutcomeUnknown.
    """
    wanted = {unit: digest for unit, (digest, _) in releases.items()}
    safe_digests = {unit: digest for unit, (digest, _) in safe.items()}
    request = moves.request_of(action, [wanted, safe_digests] if safe else wanted)
    if resume and not dry_run:
        done = repeated(store, intent.operation, request)
        if done is not None:
            return done
    state = store.read() if conditions.create else read_existing(store, intent.where)
    stored: set[str] = set()

    def decide(state: State) -> Proposal:
        if state.head is None:
            check_not_lost(store, intent.where)
        check_not_frozen(state, intent)
        _check_state(state, conditions)
        proposal = moves.deploy(
            state,
            wanted,
            intent,
            skip_held=conditions.skip_held,
            request=request,
            action=action,
            safe=safe_digests,
        )
        _check_age(state, proposal, conditions)
        if conditions.may_move is not None:
            conditions.may_move(state, proposal.pointers.keys())
        if not dry_run:
            proposal = conditions.agree(state, proposal)
        # Content first: a release that nobody points to yet harms nobody when we are killed here.
        for unit in sorted(proposal.pointers.keys() - stored) if not dry_run else ():
            for _, data in filter(None, (releases[unit], safe.get(unit))):
                store.put(data)
            stored.add(unit)
        return proposal

    if dry_run:
        proposal = decide(state)
        return Deployment(state.head, proposal.entry, proposal.skipped)
    return carry_out(store, state, decide, request)


def _check_state(state: State, conditions: Conditions) -> None:
    if conditions.as_planned is not None:
        conditions.as_planned(state)
    revision = 0 if state.head is None else state.head.revision
    if conditions.expect_revision not in {None, revision}:
        raise Refused(
            "moved",
            f"the environment is at revision {revision}, not at {conditions.expect_revision}",
            "look at promptops history, then deploy with the new --expect-revision",
        )


def _check_age(state: State, proposal: Proposal, conditions: Conditions) -> None:
    if conditions.is_older is None:
        return
    for unit, wanted in proposal.pointers.items():
        live = state.pointers.get(unit)
        if live is None or not live.commit:
            continue
        older = conditions.is_older(str(wanted.commit), live.commit)
        if older is None:
            raise Refused(
                "unknown-commit",
                f"{unit} is live from commit {live.commit[:12]}, which this clone does not have: "
                "what is deployed may be older",
                "fetch first (in CI: fetch-depth: 0); to deploy all the same: --allow-older",
            )
        if older:
            raise Refused(
                "older",
                f"{unit} is live from commit {live.commit[:12]}, and {str(wanted.commit)[:12]} is "
                "older than that",
                f"to go back: promptops rollback {quote(unit)}; to deploy the older commit all "
                f"the same: --allow-older (live is {short(live.digest)})",
            )
