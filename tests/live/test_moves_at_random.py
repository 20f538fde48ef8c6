"""After any moves in any order: what the history and the pointers say of each other."""

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from promptops.errors import Refused
from promptops.live import moves_of_rollback
from promptops.live.moves_of_rollback import Target
from promptops.live.records import Entry, Head, Pointer
from promptops.manifest.digest import digest_of
from tests.live.log import Log

UNITS = ["greeter", "farewell", "thanks"]
DIGESTS = [digest_of(bytes([number])) for number in range(5)]
units, digests = st.sampled_from(UNITS), st.sampled_from(DIGESTS)
some_units = st.sets(units, min_size=1)


class AnyMoves(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log = Log()

    @rule(wanted=st.dictionaries(units, digests))
    def deploy(self, wanted: dict[str, str]) -> None:
        held = [unit for unit, digest in wanted.items() if self.holds(unit, digest)]
        # What is live may be held too, and to want it is to want nothing.
        held = [unit for unit in held if self.live(unit).digest != wanted[unit]]
        if held:
            with pytest.raises(Refused, match="is held for"):
                self.log.deploy(**wanted)
            return
        self.log.deploy(**wanted)
        assert all(self.live(unit).digest == digest for unit, digest in wanted.items())

    @rule(wanted=st.dictionaries(units, digests))
    def deploy_on_merge(self, wanted: dict[str, str]) -> None:
        proposal = self.log.propose_deploy(wanted, skip_held=True)
        for skipped in proposal.skipped:
            assert self.holds(skipped.unit, wanted[skipped.unit])
        for unit, pointer in proposal.pointers.items():
            assert not self.holds(unit, pointer.digest)
        self.log.deploy(**{unit: pointer.digest for unit, pointer in proposal.pointers.items()})

    @rule(chosen=some_units)
    def rollback(self, chosen: set[str]) -> None:
        chosen &= set(self.log.state.pointers)
        before = self.log.state
        if not all(self.may_go_back(unit) for unit in chosen):
            with pytest.raises(Refused, match=r"has no earlier release|has only ever had one"):
                self.log.rollback(*chosen)
            return
        self.log.rollback(*chosen)
        for unit in chosen:
            left = before.pointers[unit]
            assert self.live(unit).digest != left.digest
            assert not left.holds(self.live(unit).digest)
            assert self.live(unit).holds(left.digest)

    @rule(unit=units, digest=digests, force=st.booleans())
    def rollback_to(self, unit: str, digest: str, force: bool) -> None:
        if unit not in self.log.state.pointers:
            return
        before = self.live(unit)
        if before.holds(digest) and before.digest != digest and not force:
            with pytest.raises(Refused, match="is held for"):
                self.log.go_to({unit: Target(digest, None)})
            return
        self.log.go_to({unit: Target(digest, None)}, force=force)
        assert self.live(unit).digest == digest
        if before.digest != digest:
            assert not self.live(unit).holds(digest)

    @rule(chosen=some_units, back=st.integers(0, 10))
    def rollback_to_a_revision(self, chosen: set[str], back: int) -> None:
        revision = max(0, len(self.log.history) - back)
        chosen &= set(self.log.state.pointers)
        targets, skipped = moves_of_rollback.as_it_was(
            self.log.state, chosen, revision, self.log.history
        )
        assert set(targets) | {each.unit for each in skipped} == chosen
        then = replayed(self.log.history[len(self.log.history) - revision :])
        assert {unit: target.digest for unit, target in targets.items()} == {
            unit: digest for unit, (digest, _) in then.items() if unit in chosen
        }
        self.log.go_to(targets, force=True)

    @precondition(lambda self: self.log.state.pointers)
    @rule(data=st.data(), digest=digests)
    def hold(self, data: st.DataObject, digest: str) -> None:
        unit = data.draw(st.sampled_from(sorted(self.log.state.pointers)))
        live = self.live(unit).digest
        self.log.hold(unit, digest)
        assert self.live(unit).holds(digest)
        assert self.live(unit).digest == live

    @precondition(lambda self: any(each.held for each in self.log.state.pointers.values()))
    @rule(data=st.data())
    def lift(self, data: st.DataObject) -> None:
        pointers = self.log.state.pointers
        unit = data.draw(st.sampled_from(sorted(unit for unit in pointers if pointers[unit].held)))
        digest = data.draw(st.sampled_from([hold.digest for hold in pointers[unit].held]))
        self.log.lift(unit, digest)
        assert not self.live(unit).holds(digest)

    @invariant()
    def the_revision_grows_by_one_with_every_entry(self) -> None:
        revisions = [entry.revision for entry in self.log.history]
        assert revisions == list(range(len(revisions), 0, -1))
        assert self.log.state.head == (Head(1, len(revisions)) if revisions else None)

    @invariant()
    def what_is_live_and_held_follows_from_the_history(self) -> None:
        assert replayed(self.log.history) == {
            unit: (pointer.digest, {hold.digest for hold in pointer.held})
            for unit, pointer in self.log.state.pointers.items()
        }

    @invariant()
    def a_digest_is_held_once(self) -> None:
        for pointer in self.log.state.pointers.values():
            held = [hold.digest for hold in pointer.held]
            assert len(held) == len(set(held))

    @invariant()
    def every_entry_changed_something(self) -> None:
        for entry in self.log.history:
            for change in entry.changes:
                assert change.before != change.after or change.held or change.lifted

    def may_go_back(self, unit: str) -> bool:
        """Whether another release was ever live for it that is not held now."""
        lived = {
            change.after
            for entry in self.log.history
            for change in entry.changes
            if change.unit == unit
        }
        live = self.live(unit)
        return any(digest != live.digest and not live.holds(digest) for digest in lived)

    def live(self, unit: str) -> Pointer:
        return self.log.state.pointers[unit]

    def holds(self, unit: str, digest: str) -> bool:
        return unit in self.log.state.pointers and self.live(unit).holds(digest)


def replayed(history: list[Entry]) -> dict[str, tuple[str, set[str]]]:
    """Unit → the digest that is live and those that are held, from the entries alone."""
    found: dict[str, tuple[str, set[str]]] = {}
    for entry in reversed(history):
        for change in entry.changes:
            before, held = found.get(change.unit, (None, set[str]()))
            assert change.before == before
            held = held | {change.held} if change.held else held
            found[change.unit] = (change.after, held - {change.lifted or ""})
    return found


AnyMoves.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyMoves = AnyMoves.TestCase
