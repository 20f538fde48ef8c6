"""The moves of a freeze: while there is one, only rollback, safe mode and unfreeze pass.

Pure functions, like those of `moves`. Their entries have no changes: no pointer moves.
"""

import shlex

from promptops.errors import Refused
from promptops.live import moves
from promptops.live.moves import Intent, Proposal
from promptops.live.records import Freeze, State


def freeze(state: State, intent: Intent, *, request: str) -> Proposal:
    """Freeze, with the intent's reason; what is frozen already stays as it is."""
    if state.freeze is not None:
        return Proposal(None, {})
    frozen = Freeze(intent.reason, intent.at, intent.actor)
    entry = moves.entry_of("freeze", state, intent, request)
    return Proposal(entry, {}, freeze=frozen.to_json())


def unfreeze(state: State, intent: Intent, *, request: str) -> Proposal:
    """Let everything pass again."""
    if state.freeze is None:
        return Proposal(None, {})
    return Proposal(moves.entry_of("unfreeze", state, intent, request), {}, freeze="")


def check_not_frozen(state: State, intent: Intent) -> None:
    """Raises Refused, with who, when, why and the way out."""
    if state.freeze is not None:
        raise Refused(
            "frozen",
            why(state.freeze),
            "rollback and safe-mode pass, and nothing else until: "
            + shlex.join(["promptops", "unfreeze", *intent.where]),
        )


def why(freeze: Freeze) -> str:
    """Since when nothing moves, by whom, and for what reason."""
    return f"frozen since {freeze.at} by {freeze.actor}: {freeze.reason}"
