"""What is live, since when, and how that compares with git."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptops.live.records import Head, Pointer
from promptops.live.store import Store


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """One unit: what is live, and whether git says the same.

    `state` is live (no git at hand), in sync, behind (git is newer), held (git wants what is
    held), not in git, not deployed, or invalid in git.
    """

    unit: str
    live: Pointer | None
    state: str

    def as_json(self) -> dict[str, Any]:
        live = self.live
        return {
            "unit": self.unit,
            "digest": live and live.digest,
            "revision": live and live.revision,
            "commit": live and live.commit,
            "since": live and live.since,
            "state": self.state,
            "held": [hold.digest for hold in live.held] if live else [],
        }


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """An environment in one moment; `present` clients, of which `current` serve the head."""

    environment: str
    head: Head | None
    units: tuple[UnitStatus, ...]
    present: int
    current: int


def status(store: Store, in_git: Mapping[str, str | None] | None) -> EnvironmentStatus:
    """Read an environment; `in_git` maps a unit to the digest that git wants, None if invalid."""
    state = store.read()
    clients = store.clients()
    names = sorted({*state.pointers, *(in_git or {})})
    units = tuple(
        UnitStatus(name, state.pointers.get(name), _compare(state.pointers.get(name), name, in_git))
        for name in names
    )
    current = sum(state.head is not None and client.serves(state.head) for client in clients)
    return EnvironmentStatus(store.environment, state.head, units, len(clients), current)


def _compare(live: Pointer | None, unit: str, in_git: Mapping[str, str | None] | None) -> str:
    if in_git is None:
        return "live"
    if live is None:
        return "not deployed"
    if unit not in in_git:
        return "not in git"
    wanted = in_git[unit]
    if wanted is None:
        return "invalid in git"
    if wanted == live.digest:
        return "in sync"
    return "held" if live.holds(wanted) else "behind"
