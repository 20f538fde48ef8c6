"""What is live, since when, and how that compares with git."""

from dataclasses import asdict, dataclass
from typing import Any

from promptops.delivery.in_git import InGit
from promptops.live.records import Head, Pointer
from promptops.live.store import Store


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One unit: what is live, and whether git says the same.

    `state` is live (no git at hand), in sync, behind (git is newer), ahead (git is older), differs
    (git cannot tell), held (git wants what is held), not in git, not deployed, invalid in git; or,
    whatever git says, safe mode or retired.
    """

    unit: str
    live: Pointer | None
    state: str

    def as_json(self) -> dict[str, Any]:
        live = self.live
        facts: dict[str, Any] = {
            "unit": self.unit,
            "digest": live and live.digest,
            "revision": live and live.revision,
            "commit": live and live.commit,
            "since": live and live.since,
            "state": self.state,
            "held": [hold.digest for hold in live.held] if live else [],
        }
        if live and live.safe:
            facts["safe"] = live.safe
        if live and live.safe_mode:
            facts["safe_mode"] = asdict(live.safe_mode)
        if live and live.retired:
            facts["retired"] = asdict(live.retired)
        return facts


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """An environment in one moment; `present` clients, of which `current` serve the head."""

    environment: str
    head: Head | None
    units: tuple[UnitStatus, ...]
    present: int
    current: int


def status(store: Store, in_git: InGit | None) -> EnvironmentStatus:
    """Read an environment, and compare it with git where git is at hand."""
    clients = store.clients()  # first, so that nobody is ahead of the head that is read
    state = store.read()
    names = sorted({*state.pointers, *(in_git.digests if in_git else ())})
    units = tuple(
        UnitStatus(
            name, state.pointers.get(name), compare_with_git(state.pointers.get(name), name, in_git)
        )
        for name in names
    )
    head = state.head
    live = {unit: pointer.digest for unit, pointer in state.pointers.items()}
    current = sum(head is not None and client.serves(head, live, head) for client in clients)
    return EnvironmentStatus(store.environment, state.head, units, len(clients), current)


def compare_with_git(live: Pointer | None, unit: str, in_git: InGit | None) -> str:
    """The state of a unit; see UnitStatus."""
    if live is None:
        return "not deployed" if in_git else "live"
    if live.safe_mode or live.retired:
        return "safe mode" if live.safe_mode else "retired"
    return _beside_git(live, unit, in_git) if in_git else "live"


def _beside_git(live: Pointer, unit: str, in_git: InGit) -> str:
    if unit not in in_git.digests:
        return "not in git"
    wanted = in_git.digests[unit]
    if wanted is None:
        return "invalid in git"
    if wanted == live.digest:
        return "in sync"
    return "held" if live.holds(wanted) else _relation(live, in_git)


def _relation(live: Pointer, in_git: InGit) -> str:
    """Which of two different contents is newer, by the history of git."""
    if live.commit is None:
        return "differs"
    if in_git.is_older(in_git.commit, live.commit):
        return "ahead"
    return "behind" if in_git.is_older(live.commit, in_git.commit) else "differs"
