"""What is live, since when, and how that compares with git."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from promptops.delivery.drift import EXPECTED, Astray, astray, corruption, worst
from promptops.delivery.drill.record import Record, kept
from promptops.delivery.in_git import InGit
from promptops.delivery.lost import Lost, served_on
from promptops.delivery.served import served_by
from promptops.delivery.way_back import Report
from promptops.delivery.way_back import kept as kept_ways
from promptops.live.records import Freeze, Head, Pointer
from promptops.live.store import Store

PATIENCE = 3.0


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One unit: what is live, and whether git says the same.

    `in_git` is how it stands against git: live (no git at hand), in sync, behind (git is newer),
    ahead (git is older), drifted (git cannot tell), held (git wants what is held), orphan (not in
    git), missing (not live), or invalid (in git); safe mode or retired, whatever git says.
    `corrupt` says what is wrong with its release, `astray` which clients serve another; the two are
    empty where nobody looked.
    """

    unit: str
    live: Pointer | None
    in_git: str
    corrupt: str = ""
    astray: tuple[Astray, ...] = ()

    @property
    def state(self) -> str:
        """The worst of it in one word: corrupt, skewed, stale, or that of git."""
        return worst(self.in_git, self.corrupt, self.astray)

    def as_json(self) -> dict[str, Any]:
        live = self.live
        facts: dict[str, Any] = {
            "unit": self.unit,
            "digest": live and live.digest,
            "revision": live and live.revision,
            "commit": live and live.commit,
            "since": live and live.since,
            "state": self.state,
            "in_git": self.in_git,
            "corrupt": self.corrupt,
            "astray": [asdict(each) for each in self.astray],
            "held": [hold.digest for hold in live.held] if live else [],
        }
        if live and live.safe:
            facts["safe"] = live.safe
        if live and live.safe_mode:
            facts["safe_mode"] = asdict(live.safe_mode)
        if live and live.retired:
            facts["retired"] = asdict(live.retired)
        return facts | ({"break_glass": live.break_glass} if live and live.break_glass else {})


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """An environment in one moment; `present` clients, of which `current` serve the head.

    `ways_back` are the last rehearsals, by unit, and `drill` the last drill. `lost` is what clients
    serve of an environment that the store does not hold any more.
    """

    environment: str
    head: Head | None
    units: tuple[UnitStatus, ...]
    present: int
    current: int
    ways_back: Mapping[str, Report]
    drill: Record | None
    freeze: Freeze | None = None
    lost: Lost | None = None

    @property
    def drifted(self) -> bool:
        """Whether a unit is what the ordinary course of things does not bring with it."""
        return self.lost is not None or any(unit.state not in EXPECTED for unit in self.units)


def status(
    store: Store, in_git: InGit | None, *, deep: bool = False, clients: bool = False
) -> EnvironmentStatus:
    """Read an environment, and compare it with git where git is at hand.

    With `deep` the bytes of every live release are verified, with `clients` what each serves is
    compared; who is late is given `PATIENCE` seconds.
    """
    until = time.monotonic() + PATIENCE
    found = _status(store, in_git, deep=deep, clients=clients)
    while any(unit.state == "stale" for unit in found.units) and time.monotonic() < until:
        time.sleep(0.1)
        found = _status(store, in_git, deep=deep, clients=clients)
    return found


def _status(store: Store, in_git: InGit | None, *, deep: bool, clients: bool) -> EnvironmentStatus:
    present = store.clients()  # first, so that nobody is ahead of the head that is read
    state = store.read()
    head = state.head
    served = [(each, served_by(store, state, each)) for each in present] if clients else []

    def of(unit: str) -> UnitStatus:
        pointer = state.pointers.get(unit)
        against_git = compare_with_git(pointer, unit, in_git)
        if pointer is None or head is None:
            return UnitStatus(unit, pointer, against_git)
        corrupt = corruption(store, unit, pointer.digest) if deep else ""
        return UnitStatus(unit, pointer, against_git, corrupt, astray(unit, pointer, head, served))

    units = tuple(
        of(unit) for unit in sorted({*state.pointers, *(in_git.digests if in_git else ())})
    )
    live = {unit: pointer.digest for unit, pointer in state.pointers.items()}
    current = sum(head is not None and client.serves(head, live, head) for client in present)
    return EnvironmentStatus(
        store.environment,
        head,
        units,
        len(present),
        current,
        kept_ways(store),
        kept(store.reports()),
        state.freeze,
        served_on(present) if head is None else None,
    )


def compare_with_git(live: Pointer | None, unit: str, in_git: InGit | None) -> str:
    """How a unit stands against git; see UnitStatus."""
    if live is None:
        return "missing" if in_git else "live"
    if live.safe_mode or live.retired:
        return "safe mode" if live.safe_mode else "retired"
    return _beside_git(live, unit, in_git) if in_git else "live"


def _beside_git(live: Pointer, unit: str, in_git: InGit) -> str:
    if unit not in in_git.digests:
        return "orphan"
    wanted = in_git.digests[unit]
    if wanted is None:
        return "invalid"
    if wanted == live.digest:
        return "in sync"
    return "held" if live.holds(wanted) else _relation(live, in_git)


def _relation(live: Pointer, in_git: InGit) -> str:
    """Which of two different contents is newer, by the history of git."""
    if live.commit is None:
        return "drifted"
    if in_git.is_older(in_git.commit, live.commit):
        return "ahead"
    return "behind" if in_git.is_older(live.commit, in_git.commit) else "drifted"
