"""What a client accepts of what it read: the decisions, without input or output.

Of the store as a whole, given the head that is served and the one that was read:

1. no head at all, a head without any unit (C610), a lower (epoch, revision) (C613): refused;
2. the same head over other releases than before (C614), or over fewer (C610): refused;
3. the same head over the same releases: nothing new. What was refused before is tried again when
   there is a reason: a hint, an input that the app did not pass before, or that all of the store is
   read, as every 30 seconds and after any trouble with it; not at every poll, because a crowd of
   clients would fetch it for ever;
4. a higher head: accepted, and each unit that moved is judged by itself.

What is refused as a whole changes nothing. Of one unit:

5. its release is taken when it is there (C610), whole and verified (C601, C602, C604, C605), of a
   major version that we read (C603), and when it requires no input that the one served does not,
   and that the app, by what it registered and was seen to pass, does not pass (C606);
6. one that is not taken is refused: the unit keeps the release that it serves;
7. a unit whose pointer is gone keeps the release that it serves (C610); one that was retired is
   dropped.

Of units that moved in one deployment, which is to say to one revision:

8. when one is refused, the others that serve an older release stay with theirs, so that nobody
   sees half of a deployment; one that serves nothing yet takes what it can.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from promptops.errors import ReleaseRejected, StoreCorrupt
from promptops.live.records import Head, State


class Refusal(NamedTuple):
    """A release that is live and not taken, as `code` and `reason` say; `revision` made it live.

    `because` names the unit on account of which another one of its deployment stays behind.
    """

    code: str
    reason: str
    digest: str
    revision: int
    because: str = ""


def check_head(served: Head | None, known: Mapping[str, str], state: State) -> Head:
    """The head to go to; raises StoreCorrupt by the rules 1 and 2.

    `known` has the digest of every unit that the store named at the head that is served.
    """
    head = state.head
    if head is None and served is None:
        raise StoreCorrupt(
            "the store does not hold this environment",
            "check the URL and the environment's name, or deploy to it first",
        )
    if head is None:
        raise StoreCorrupt(
            "POINTER_MISSING: the store does not hold this environment any more",
            "it was emptied; the releases of before are served on until promptops restore",
            code="C610",
        )
    if served is None and state.whole and not state.pointers:
        raise StoreCorrupt(
            f"POINTER_MISSING: the store is at revision {head.revision} and has no pointer at all",
            "somebody deleted them: promptops restore",
            code="C610",
        )
    if served is None or head > served:
        return head
    if head < served:
        raise StoreCorrupt(
            f"REGRESSED: the store went back from revision {served.revision} "
            f"(epoch {served.epoch}) to {head.revision} (epoch {head.epoch})",
            "it lost deployments, and the newer releases are served on until its epoch or its "
            "revision is higher: promptops restore",
            code="C613",
        )
    found = {unit: pointer.digest for unit, pointer in state.live.items()}
    if state.whole and found.items() < known.items():
        raise StoreCorrupt(
            f"POINTER_MISSING: the store lost {', '.join(sorted(known.keys() - found.keys()))} at "
            f"revision {head.revision} (epoch {head.epoch})",
            "the releases of before are served on until promptops restore",
            code="C610",
        )
    if state.whole and known != found:
        raise StoreCorrupt(
            f"the store holds other releases at revision {head.revision} (epoch {head.epoch}) "
            "than it did",
            "it lost deployments and got others; those of before stay until promptops restore",
            code="C614",
        )
    return head


def check_inputs(
    unit: str, required: Collection[str], before: Collection[str], passed: Collection[str] | None
) -> None:
    """Raises ReleaseRejected for inputs that are required anew and not passed (rule 5).

    `passed` is None for a unit of which the app registered nothing.
    """
    if passed is None:
        return
    lacking = sorted({*required} - {*before} - {*passed})
    if lacking:
        raise ReleaseRejected(
            "C606",
            f"{unit} now requires {', '.join(lacking)}, which this app does not pass",
            "go back, or upgrade the app first",
        )


def stay_together(
    refused: Mapping[str, Refusal], others: Mapping[str, str], served: Collection[str]
) -> dict[str, Refusal]:
    """The refusals of one deployment, by rule 8; `others` are its units (→ digest) to be taken."""
    if not refused:
        return {}
    unit, first = next(iter(refused.items()))
    reason = f"it moved together with {unit}, which is refused: {first.reason}"
    return {
        **refused,
        **{
            other: Refusal(first.code, reason, digest, first.revision, because=unit)
            for other, digest in others.items()
            if other in served
        },
    }
