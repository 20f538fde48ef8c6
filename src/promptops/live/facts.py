"""What there is to know about a store beside what it holds: how it keeps it, and who may do what.

None is what the user may not ask, or what this server does not tell.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Durability:
    """What keeps the data of a Redis when its process ends.

    `cannot_save` has the name of the figure by which the server says that its disk fails.
    """

    appendonly: bool | None = None
    replicas: int | None = None
    is_replica: bool = False
    cannot_save: str = ""

    @property
    def forgets(self) -> bool:
        """Whether what was written a moment ago is surely gone after a crash."""
        return self.appendonly is False and self.replicas == 0 and not self.is_replica


@dataclass(frozen=True, slots=True)
class RedisFacts:
    """A Redis or Valkey, as this user may see it.

    `version` is as in "Valkey 8.0.1"; `latency` the median of the answers, in seconds; `clock` how
    many seconds its clock is ahead of ours; `used`, `limit` and `machine` are bytes. `denied` are
    the commands that a `role` needs and this user may not call. `open` says whether one may read
    without a password; `others` are the environments in the same namespace.
    """

    latency: float
    role: str
    denied: tuple[str, ...]
    version: str | None = None
    durability: Durability = Durability()
    lost_primary: bool = False
    policy: str | None = None
    used: int | None = None
    limit: int | None = None
    machine: int | None = None
    user: str | None = None
    open: bool | None = None
    clock: float | None = None
    others: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """An SQLite file that may not be there yet; `free` are bytes on its disk."""

    version: str
    there: bool
    may_write: bool
    for_all: bool = False
    journal: str | None = None
    free: int | None = None
    others: tuple[str, ...] = ()
