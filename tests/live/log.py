"""An environment in memory, moved by the pure rules alone; every act happens a second later."""

from collections.abc import Mapping

from promptops.live import moves, moves_of_rollback
from promptops.live.moves import Intent, Proposal
from promptops.live.moves_of_rollback import Target
from promptops.live.records import Entry, Head, State


class Log:
    """`state`, and `history` newest first. Acts return the log itself, so that they chain."""

    def __init__(self) -> None:
        self.state = State(None)
        self.history: list[Entry] = []

    def deploy(self, **wanted: str) -> "Log":
        return self._done(self.propose_deploy(wanted))

    def rollback(self, *units: str, reason: str = "") -> "Log":
        live = self.state.pointers
        targets = {
            unit: moves_of_rollback.previous(live[unit], unit, self.history) for unit in units
        }
        return self._done(self.propose_rollback(targets, reason=reason))

    def hold(self, unit: str, digest: str, reason: str = "") -> "Log":
        return self._done(moves.hold(self.state, unit, digest, self._intent(reason), request=""))

    def lift(self, unit: str, digest: str) -> "Log":
        return self._done(moves.lift(self.state, unit, digest, self._intent(), request=""))

    def go_to(self, targets: Mapping[str, Target], force: bool = False) -> "Log":
        return self._done(self.propose_rollback(targets, force=force))

    def propose_deploy(self, wanted: Mapping[str, str], skip_held: bool = False) -> Proposal:
        return moves.deploy(self.state, wanted, self._intent(), skip_held=skip_held, request="")

    def propose_rollback(
        self, targets: Mapping[str, Target], reason: str = "", force: bool = False
    ) -> Proposal:
        intent = self._intent(reason)
        return moves_of_rollback.rollback(self.state, targets, intent, request="", force=force)

    def _intent(self, reason: str = "") -> Intent:
        number = len(self.history) + 1
        minutes, seconds = divmod(number, 60)
        at = f"2026-11-20T10:{minutes:02}:{seconds:02}Z"
        return Intent(f"operation-{number}", "ann", at, reason, f"commit-{number}")

    def _done(self, proposal: Proposal) -> "Log":
        if proposal.entry is not None:
            self.history.insert(0, proposal.entry)
            pointers = {**self.state.pointers, **proposal.pointers}
            self.state = State(Head(1, proposal.entry.revision), pointers)
        return self
