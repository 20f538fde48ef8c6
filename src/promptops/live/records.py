"""What a store holds about an environment, as frozen facts and as the JSON they are stored in."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from promptops.errors import StoreCorrupt
from promptops.live.stored import JUNK, encode, listed, typed
from promptops.manifest.digest import digest_of


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
class Freeze:
    """Why an environment takes nothing but rollback and safe mode, since when, and who said so."""

    reason: str
    at: str
    actor: str

    def to_json(self) -> str:
        return encode(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Freeze":
        """Raises StoreCorrupt when `text` is no freeze."""
        try:
            return cls(**typed(json.loads(text), cls.__slots__))
        except JUNK as error:
            raise StoreCorrupt("the head has a freeze that promptops did not write") from error


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release of a unit is live.

    `revision` is the environment's at which this unit last changed, `since` when that was (RFC
    3339, UTC), `commit` the one that the release was built from, `break_glass` why it was deployed
    past the protection of the environment, where it was.
    """

    digest: str
    revision: int
    since: str
    commit: str | None = None
    held: tuple[Hold, ...] = ()
    break_glass: str = ""

    def holds(self, digest: str) -> bool:
        return any(hold.digest == digest for hold in self.held)

    def to_json(self) -> str:
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        if not self.break_glass:
            del facts["break_glass"]
        return encode(facts | {"held": [asdict(hold) for hold in self.held]})

    @classmethod
    def from_json(cls, text: str | bytes, unit: str) -> "Pointer":
        """Raises StoreCorrupt when `text` is no pointer."""
        try:
            facts = {"commit": None, "held": [], "break_glass": ""} | json.loads(text)
            held = tuple(Hold(**typed(hold, Hold.__slots__)) for hold in listed(facts["held"]))
            names = [name for name in cls.__slots__ if name != "held"]
            return cls(**typed(facts, names), held=held)
        except JUNK as error:
            raise StoreCorrupt(
                f"the pointer of {unit} is not one that promptops wrote",
                "somebody changed the store by hand; nothing was changed now",
                code="C612" if error.args == ("revision",) else "C611",
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
        return cls(*typed(known, ("unit", "from", "to", "commit", "held", "lifted")).values())


@dataclass(frozen=True, slots=True)
class Entry:
    """One deployment of the history.

    `request` names what was asked for, so that an operation id that is used again can be told
    from one that is used for something else. `previous` is the `link` of the entry before, so that
    nobody changes, drops or reorders one unnoticed. `break_glass` says why the protection of the
    environment was passed by, where it was.
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
    previous: str = ""
    break_glass: str = ""
    _stored: str = field(default="", compare=False, repr=False)

    @property
    def link(self) -> str:
        """The digest of this entry as it is stored."""
        return digest_of(self.to_json().encode())

    def as_json(self) -> dict[str, Any]:
        facts = {name: getattr(self, name) for name in _SHOWN}
        for name in ("previous", "break_glass"):
            if not facts[name]:
                del facts[name]
        return facts | {"changes": [change.as_json() for change in self.changes]}

    def to_json(self) -> str:
        """As it is stored: one that was read is written back byte for byte."""
        if self._stored:
            return self._stored
        changes = [{**change.as_json(), "commit": change.commit} for change in self.changes]
        facts = self.as_json() | {"request": self.request, "changes": changes}
        return encode(facts)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Entry":
        """Raises StoreCorrupt when `text` is no entry."""
        try:
            facts = {"previous": "", "break_glass": ""} | json.loads(text)
            changes = tuple(Change.from_json(change) for change in listed(facts["changes"]))
            names = [name for name in (*_SHOWN, "request") if name != "changes"]
            stored = text if isinstance(text, str) else text.decode()
            return cls(**typed(facts, names), changes=changes, _stored=stored)
        except JUNK as error:
            raise StoreCorrupt("the history holds an entry that promptops did not write") from error


_SHOWN = tuple(name for name in Entry.__slots__ if name not in {"request", "_stored"})


@dataclass(frozen=True, slots=True)
class Seal:
    """Where an environment stands, and the `link` that its last entry had when it was written.

    The link is empty where a version wrote last that kept none.
    """

    head: Head | None
    link: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What was read of an environment in one moment.

    `head` is None when the store has never held it. `whole` says whether `pointers` are all of
    them, or only those that changed since the head that the reader named, `stale` why the store
    itself may be behind, as far as it can tell.
    """

    head: Head | None
    pointers: Mapping[str, Pointer] = field(default_factory=lambda: MappingProxyType({}))
    whole: bool = True
    freeze: Freeze | None = None
    stale: str = ""
