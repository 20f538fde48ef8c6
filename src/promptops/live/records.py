"""What a store holds about an environment, as frozen facts and as the JSON they are stored in."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType, NoneType
from typing import Any

from promptops.errors import StoreCorrupt

# One encoder: `json.dumps` with separators builds a new one at every call.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_JUNK = (ValueError, KeyError, TypeError, RecursionError)
_KINDS: dict[str, tuple[type, ...]] = {
    "epoch": (int,),
    "revision": (int,),
    "pid": (int,),
    "age": (int, float, NoneType),
    "commit": (str, NoneType),
    "from": (str, NoneType),
    "held": (str, NoneType),
    "lifted": (str, NoneType),
}


def _typed(facts: Any, names: Iterable[str]) -> dict[str, Any]:
    """Just these facts; raises one of _JUNK when one is missing or of another type than it has."""
    found = {name: facts[name] for name in names}
    for name, value in found.items():
        if type(value) not in _KINDS.get(name, (str,)):
            raise TypeError(name)
        if type(value) is int and not 0 <= value < 1 << 63:
            raise ValueError(name)
    return found


def _listed(facts: Any) -> list[Any]:
    if not isinstance(facts, list):
        raise TypeError(facts)
    return facts


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """Where an environment stands: `epoch` counts restores of the store, `revision` deployments."""

    epoch: int
    revision: int


@dataclass(frozen=True, slots=True)
class Hold:
    """A digest that must not come back to a unit unless a person overrides it."""

    digest: str
    reason: str
    at: str
    actor: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release of a unit is live.

    `revision` is the environment's at which this unit last changed, `since` when that was (RFC
    3339, UTC), `commit` the one that the release was built from.
    """

    digest: str
    revision: int
    since: str
    commit: str | None = None
    held: tuple[Hold, ...] = ()

    def holds(self, digest: str) -> bool:
        return any(hold.digest == digest for hold in self.held)

    def to_json(self) -> str:
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        return _encode(facts | {"held": [asdict(hold) for hold in self.held]})

    @classmethod
    def from_json(cls, text: str | bytes, unit: str) -> "Pointer":
        """Raises StoreCorrupt when `text` is no pointer."""
        try:
            facts = {"commit": None, "held": []} | json.loads(text)
            held = tuple(Hold(**_typed(hold, Hold.__slots__)) for hold in _listed(facts["held"]))
            return cls(**_typed(facts, ("digest", "revision", "since", "commit")), held=held)
        except _JUNK as error:
            raise StoreCorrupt(
                f"the pointer of {unit} is not one that promptops wrote",
                "somebody changed the store by hand; nothing was changed now",
            ) from error


@dataclass(frozen=True, slots=True)
class Change:
    """What a deployment did to one unit: the digest before and after, a hold set or lifted.

    `commit` is the one that the release `after` was built from.
    """

    unit: str
    before: str | None
    after: str
    commit: str | None = None
    held: str | None = None
    lifted: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """`{"unit", "from", "to"}`, and `held` or `lifted` where the deployment did that."""
        facts = {"unit": self.unit, "from": self.before, "to": self.after}
        if self.held is not None:
            facts["held"] = self.held
        if self.lifted is not None:
            facts["lifted"] = self.lifted
        return facts

    @classmethod
    def from_json(cls, facts: Any) -> "Change":
        known = {"commit": None, "held": None, "lifted": None} | facts
        return cls(*_typed(known, ("unit", "from", "to", "commit", "held", "lifted")).values())


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployment of the history.

    `request` names what was asked for, so that an operation id that is used again can be told
    from one that is used for something else.
    """

    revision: int
    action: str
    at: str
    actor: str
    commit: str | None
    reason: str
    operation: str
    request: str
    changes: tuple[Change, ...]

    def as_json(self) -> dict[str, Any]:
        facts = {name: getattr(self, name) for name in self.__slots__ if name != "request"}
        return facts | {"changes": [change.as_json() for change in self.changes]}

    def to_json(self) -> str:
        changes = [{**change.as_json(), "commit": change.commit} for change in self.changes]
        facts = self.as_json() | {"request": self.request, "changes": changes}
        return _encode(facts)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Entry":
        """Raises StoreCorrupt when `text` is no entry."""
        try:
            facts = json.loads(text)
            changes = tuple(Change.from_json(change) for change in _listed(facts["changes"]))
            names = [name for name in cls.__slots__ if name != "changes"]
            return cls(**_typed(facts, names), changes=changes)
        except _JUNK as error:
            raise StoreCorrupt("the history holds an entry that promptops did not write") from error


@dataclass(frozen=True, slots=True)
class RefusedRelease:
    """A release that is live since `revision`, and that a client does not take."""

    unit: str
    digest: str
    revision: int
    code: str
    reason: str


MOST_REFUSED = 20
LONGEST_REASON = 300
MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class Presence:
    """What a client says of itself: who it is, which head it serves, and what it refuses.

    `age` is how many seconds ago the store's answer was last accepted, `error` why the store as a
    whole is refused, `inputs` the names (never values) that the app passes, per unit. What is said
    is bounded: the newest refusals, and so many names.
    """

    client: str
    app: str
    host: str
    pid: int
    version: str
    epoch: int
    revision: int
    age: float | None = None
    error: str = ""
    refused: tuple[RefusedRelease, ...] = ()
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def head(self) -> Head:
        return Head(self.epoch, self.revision)

    def serves(self, head: Head, latest: Head | None = None) -> bool:
        """Whether it serves `head`, or a later one up to `latest`, where the store stands.

        A client that refuses a release of that deployment does not, nor one that stays above a
        store which went back.
        """
        return (
            not self.error
            and self.head >= head
            and (latest is None or self.head <= latest)
            and not self.refuses(head)
        )

    def refuses(self, head: Head) -> bool:
        """Whether it says so; who refused a store that stood below it may take a higher head."""
        above = bool(self.error) and self.head >= head
        return above or any(each.revision == head.revision for each in self.refused)

    def to_json(self) -> str:
        newest = sorted(self.refused, key=lambda each: -each.revision)[:MOST_REFUSED]
        refused = [asdict(each) | {"reason": each.reason[:LONGEST_REASON]} for each in newest]
        facts = {name: getattr(self, name) for name in self.__slots__}
        facts |= {"error": self.error[:LONGEST_REASON], "refused": refused}
        facts["inputs"] = _bounded(self.inputs)
        # Left out where there is nothing to say: hundreds of clients say it every ten seconds.
        return _encode(
            {
                name: value
                for name, value in facts.items()
                if name not in {"age", "error", "refused", "inputs"}
                or value not in (None, "", [], {})
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> "Presence | None":
        """None for what is no presence: a stranger's record must not stop an operator."""
        try:
            facts = {"age": None, "error": "", "refused": [], "inputs": {}} | json.loads(text)
            names = [name for name in cls.__slots__ if name not in {"refused", "inputs"}]
            return cls(
                **_typed(facts, names),
                refused=tuple(
                    RefusedRelease(**_typed(each, RefusedRelease.__slots__))
                    for each in _listed(facts["refused"])
                ),
                inputs={
                    str(unit): tuple(str(name) for name in _listed(passed))
                    for unit, passed in dict(facts["inputs"]).items()
                },
            )
        except _JUNK:
            return None


def _bounded(inputs: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """So many names, and no unit with some of its names only."""
    kept: dict[str, list[str]] = {}
    left = MOST_NAMES
    for unit, names in inputs.items():
        left -= 1 + len(names)
        if left >= 0:
            kept[unit] = [name for name in names if len(name) <= LONGEST_REASON]
    return kept


@dataclass(frozen=True, slots=True)
class State:
    """What was read of an environment in one moment.

    `head` is None when the store has never held it. `whole` says whether `pointers` are all of
    them, or only those that changed since the head that the reader named.
    """

    head: Head | None
    pointers: Mapping[str, Pointer] = field(default_factory=lambda: MappingProxyType({}))
    whole: bool = True
