"""collect: what is deleted nobody can need, whatever happened before."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from promptops.delivery.collecting import Keeping, decide, needed, read_marks, written_marks
from promptops.errors import Refused
from promptops.live import moves, moves_of_rollback
from promptops.live.moves import Intent, Proposal
from promptops.live.moves_of_retiring import retire
from promptops.live.moves_of_rollback import Target
from promptops.live.moves_of_safe_mode import switch_off, switch_on
from promptops.live.presence import KeptRelease, Presence
from promptops.live.records import Entry, Head, State
from promptops.live.store import needed as needed_by_swap
from promptops.manifest.digest import digest_of

UNITS = ["greeter", "farewell"]
DIGESTS = [digest_of(bytes([number])) for number in range(12)]
KEEPING = Keeping(days=30, last=3, grace=timedelta(hours=24))
BEGIN = datetime(2026, 11, 20, tzinfo=UTC)


class World:
    """An environment in memory whose days go by, with one client, and releases to be collected."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now = BEGIN
        self.state = State(None)
        self.history: list[Entry] = []
        self.stored: set[str] = set()
        self.marks: dict[str, datetime] = {}
        self.pinned: set[str] = set()
        self.report = ""
        self.kept: dict[str, set[str]] = {}
        self.deleted = 0
        self.refused = 0

    def pick(self) -> str:
        return self.chance.choice(sorted(self.state.pointers))

    def intent(self) -> Intent:
        at = self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Intent(str(len(self.history)), "ann", at, "because")

    def swap(self, proposal: Proposal) -> None:
        entry = proposal.entry
        if entry is None:
            return
        if not self.stored.issuperset(needed_by_swap(entry, proposal.pointers)):
            self.refused += 1
            return
        self.history.insert(0, entry)
        pointers = {**self.state.pointers, **proposal.pointers}
        self.state = State(Head(1, entry.revision), pointers)

    def deploy(self) -> None:
        """What it puts lies there for a while before something points to it."""
        unit, digest, safe = self.chance.choice(UNITS), *self.chance.sample(DIGESTS, 2)
        safes = {unit: safe} if self.chance.random() < 0.5 else {}
        self.stored |= {digest, *safes.values()}
        if self.chance.random() < 0.3:
            self.now += timedelta(minutes=self.chance.randrange(60))
            self.collect()
        self.swap(
            moves.deploy(
                self.state, {unit: digest}, self.intent(), skip_held=True, request="", safe=safes
            )
        )

    def die_before_the_swap(self) -> None:
        self.stored.add(self.chance.choice(DIGESTS))

    def rollback(self) -> None:
        unit = self.pick()
        live = self.state.pointers[unit]
        target = moves_of_rollback.previous(live, unit, self.history)
        used_up = all(live.holds(each) or each == live.meant for each in self.kept.get(unit, ()))
        assert target.digest in self.stored or used_up, "the way back is gone"
        self.go({unit: target})

    def rollback_to_a_revision(self) -> None:
        entry = self.chance.choice(self.history)
        targets, _ = moves_of_rollback.as_it_was(
            self.state, self.state.pointers, entry.revision, self.history
        )
        if datetime.fromisoformat(entry.at) >= self.now - timedelta(days=KEEPING.days):
            gone = {target.digest for target in targets.values()} - self.stored
            assert not gone, f"revision {entry.revision} cannot be gone back to"
        self.go(targets)

    def go(self, targets: dict[str, Target]) -> None:
        intent = self.intent()
        self.swap(moves_of_rollback.rollback(self.state, targets, intent, request="", force=True))

    def safe_mode(self) -> None:
        if self.chance.random() < 0.5:
            self.swap(switch_off(self.state, self.state.pointers, self.intent(), request=""))
            return
        live = self.state.live
        self.swap(switch_on(self.state, live, self.intent(), request="", skip_unsafe=True))

    def hold_or_lift(self) -> None:
        unit, digest = self.pick(), self.chance.choice(DIGESTS)
        move = moves.lift if self.state.pointers[unit].holds(digest) else moves.hold
        self.swap(move(self.state, unit, digest, self.intent(), request=""))

    def retire(self) -> None:
        self.swap(retire(self.state, [self.pick()], self.intent(), request=""))

    def pin(self) -> None:
        self.pinned = {self.chance.choice(sorted(self.stored))}

    def rehearse(self) -> None:
        self.report = f'{{"digest":"{self.chance.choice(sorted(self.stored))}"}}'

    def collect(self) -> None:
        kept = tuple(KeptRelease("greeter", digest, 0, pinned=True) for digest in self.pinned)
        client = Presence("c", "app", "host", 1, "1", 1, 1, kept=kept)
        wanted = needed(self.state, self.history, [client], [self.report], KEEPING, self.now)
        before = self.marks
        decision = decide(self.stored, wanted, self.marks, KEEPING, self.now)
        self.kept = self.targets()
        assert not set().union(*self.kept.values()) & {*decision.delete}
        assert not {each.safe for each in self.state.pointers.values()} & {*decision.delete}
        for digest in decision.delete:
            assert before[digest] <= self.now - KEEPING.grace
        self.deleted += len(decision.delete)
        self.stored -= {*decision.delete}
        self.marks = read_marks(written_marks(decision.marks), self.now)

    def dangling(self) -> set[str]:
        """What somebody needs and nobody has."""
        wanted = {*self.pinned, self.report[11:-2]} - {""}
        for pointer in self.state.pointers.values():
            wanted |= {pointer.digest, pointer.meant}
        return wanted - self.stored

    def targets(self) -> dict[str, set[str]]:
        """The last releases of each unit that it can go back to. None of one that has used them
        up: who holds all that was kept, without a deployment between, comes to those of before.
        """
        found: dict[str, set[str]] = {}
        for unit, pointer in self.state.pointers.items():
            usable = [
                change.after
                for entry in self.history
                for change in entry.changes
                if change.unit == unit
                and not change.stands_in
                and change.after != pointer.meant
                and not pointer.holds(change.after)
            ]
            last = {*[*dict.fromkeys(usable)][: KEEPING.last]}
            found[unit] = last if last <= self.stored else set()
        return found


ACTS: list[Callable[[World], None]] = [
    *[World.deploy] * 6,
    *[World.rollback] * 2,
    *[World.collect] * 4,
    World.rollback_to_a_revision,
    World.die_before_the_swap,
    World.safe_mode,
    World.hold_or_lift,
    World.retire,
    World.pin,
    World.rehearse,
]


@pytest.mark.soak(short=1000, full=10_000)
def test_nothing_dangles_after_any_history(times: int) -> None:
    """Fault F35: the release that somebody needs was collected."""
    deleted = dangling = refused = 0
    for seed in range(times):
        world = World(random.Random(seed))  # noqa: S311
        world.deploy()
        for act in world.chance.choices(ACTS, k=40):
            world.now += timedelta(hours=world.chance.choice([0, 1, 5, 30, 300]))
            try:
                act(world)
            except Refused:
                continue
            dangling += len(world.dangling())
        deleted += world.deleted
        refused += world.refused
    assert dangling == 0
    assert deleted > times
    # Who swaps to what was collected a moment before is told so, and nothing is changed.
    assert refused > 0


def test_what_is_seen_for_the_first_time_is_only_marked() -> None:
    first = decide(DIGESTS[:2], DIGESTS[:1], {}, Keeping(grace=timedelta(0)), BEGIN)
    assert (first.delete, first.marks) == ((), {DIGESTS[1]: BEGIN})
    again = decide(DIGESTS[:2], DIGESTS[:1], first.marks, Keeping(grace=timedelta(0)), BEGIN)
    assert (again.delete, again.marks) == ((DIGESTS[1],), {})


def test_what_was_needed_meanwhile_is_marked_anew() -> None:
    marks = {DIGESTS[1]: BEGIN}
    later = BEGIN + timedelta(days=3)
    assert decide(DIGESTS[:2], DIGESTS[:2], marks, KEEPING, later).marks == {}
    assert decide(DIGESTS[:2], DIGESTS[:1], marks, KEEPING, later).delete == (DIGESTS[1],)
    # A clock that was wrong delays it, and hastens nothing.
    ahead = {DIGESTS[1]: later + timedelta(days=9)}
    assert decide(DIGESTS[:2], DIGESTS[:1], ahead, KEEPING, later).marks == {DIGESTS[1]: later}


def test_a_note_that_somebody_changed_marks_what_can_be_read() -> None:
    text = written_marks({DIGESTS[0]: BEGIN}) + f"\nnonsense\n{DIGESTS[1]} tomorrow\n\nx y z"
    assert read_marks(text, BEGIN) == {DIGESTS[0]: BEGIN, DIGESTS[1]: BEGIN}


def test_the_safe_release_of_what_is_held_stays_with_it() -> None:
    state = State(None)
    history: list[Entry] = []
    for number, safe in ((0, 1), (2, 3), (4, 5)):
        intent = Intent(str(number), "ann", "2020-01-01T00:00:00Z", "because")
        wanted, safes = {"greeter": DIGESTS[number]}, {"greeter": DIGESTS[safe]}
        moved = moves.deploy(state, wanted, intent, skip_held=True, request="", safe=safes)
        assert moved.entry is not None
        state = State(Head(1, moved.entry.revision), moved.pointers)
        history.insert(0, moved.entry)
    back = moves_of_rollback.rollback(
        state, {"greeter": Target(DIGESTS[0], None, DIGESTS[1])}, intent, request=""
    )
    assert back.entry is not None
    state = State(Head(1, 4), back.pointers)
    keeping = Keeping(days=0, last=0, grace=timedelta(0))
    found = needed(state, [back.entry, *history], [], [], keeping, BEGIN)
    assert {DIGESTS[0], DIGESTS[1], DIGESTS[4], DIGESTS[5]} <= found
