"""Hold a digest, or lift a hold: a deployment of its own."""

from collections.abc import Iterable

from promptops.delivery.agreement import Agree, as_proposed
from promptops.delivery.deployment import Deployment, carry_out, read_existing, repeated
from promptops.errors import UsageError
from promptops.live import moves
from promptops.live.freezing import check_not_frozen
from promptops.live.moves import Intent, Proposal
from promptops.live.records import Change, State
from promptops.live.store import Store, entries
from promptops.manifest.digest import beginning, is_digest, short


def hold(
    store: Store,
    unit: str,
    digest: str,
    intent: Intent,
    *,
    lift: bool,
    resume: bool = False,
    agree: Agree = as_proposed,
) -> Deployment:
    """Hold a unit's digest, or lift its hold. A prefix of a digest is enough where it is clear.

    Raises UsageError for a digest that cannot be meant, Refused, StoreError, OutcomeUnknown.
    """
    request = moves.request_of("lift" if lift else "hold", [unit, digest])
    if resume:
        done = repeated(store, intent.operation, request)
        if done is not None:
            return done
    state = read_existing(store, intent.where)
    live = moves.live_pointer(state, unit, store.environment)
    held = [item.digest for item in live.held]
    seen = [
        change.after for entry in entries(store) for change in entry.changes if change.unit == unit
    ]
    known = held if lift else [live.digest, *held, *seen]
    whole = whole_digest(digest, known, missing="no held digest" if lift else "no digest")

    def decide(state: State) -> Proposal:
        check_not_frozen(state, intent)
        move = moves.lift if lift else moves.hold
        return agree(state, move(state, unit, whole, intent, request=request))

    return carry_out(store, state, decide, request)


def commit_of(store: Store, change: Change) -> str | None:
    """The commit of the release that is held or let in again, as far as the history knows it."""
    wanted = (change.unit, change.held or change.lifted)
    lived = (each for entry in entries(store) for each in entry.changes)
    return next((each.commit for each in lived if (each.unit, each.after) == wanted), None)


def whole_digest(digest: str, known: Iterable[str], *, missing: str = "no digest") -> str:
    """The digest that a prefix names; a whole one stands for itself, known or not."""
    digits = beginning(digest)
    wanted = f"sha256:{digits}"
    if is_digest(wanted):
        return wanted
    known = list(dict.fromkeys(known))
    found = [item for item in known if digits and item.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(short(item) for item in found or known)
    what = "the beginning of several digests" if found else f"{missing} of this unit"
    raise UsageError(
        f"'{digest}' is {what}",
        f"choose among: {listed}" if listed else "nothing is held for it",
    )
