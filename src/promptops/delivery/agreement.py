"""That a person agrees to what a command is about to do: asked once, for exactly that."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from promptops.errors import Refused
from promptops.live.moves import Proposal
from promptops.live.records import Entry, Freeze, State

# What is proposed → the same as of the moment it was agreed to. Raises Refused.
Agree = Callable[[State, Proposal], Proposal]


def as_proposed(_: State, proposal: Proposal) -> Proposal:
    """Nobody is asked."""
    return proposal


@dataclass(slots=True)
class Agreement:
    """Asks at the first proposal, and refuses another one after a lost race.

    `ask` says when it was agreed to (RFC 3339, UTC); it raises Refused when it was not.
    """

    ask: Callable[[State, Proposal], str]
    _agreed: tuple[object, str] | None = field(default=None, init=False)

    def __call__(self, state: State, proposal: Proposal) -> Proposal:
        if proposal.entry is None:
            return proposal
        what = (proposal.freeze is None, proposal.entry.changes)
        if self._agreed is None:
            self._agreed = (what, self.ask(state, proposal))
        agreed, at = self._agreed
        if what != agreed:
            raise Refused(
                "moved",
                "the environment was changed meanwhile, and this is not what was agreed to",
                "nothing of yours was changed; look at promptops history, then try again",
            )
        return _as_of(proposal, proposal.entry, at)


def _as_of(proposal: Proposal, entry: Entry, at: str) -> Proposal:
    """The same, of another moment: people take time to agree."""
    pointers = {
        unit: replace(
            pointer,
            since=at if pointer.since == entry.at else pointer.since,
            retired=(
                replace(pointer.retired, at=at)
                if pointer.retired and pointer.retired.at == entry.at
                else pointer.retired
            ),
            held=tuple(
                replace(hold, at=at) if hold.at == entry.at else hold for hold in pointer.held
            ),
        )
        for unit, pointer in proposal.pointers.items()
    }
    freeze = proposal.freeze
    if freeze:
        freeze = replace(Freeze.from_json(freeze), at=at).to_json()
    return replace(proposal, entry=replace(entry, at=at), pointers=pointers, freeze=freeze)
