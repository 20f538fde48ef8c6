"""What a store holds about an environment, as frozen facts and as the JSON they are stored in."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

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
class SafeMode:
    """What a unit in safe mode goes back to, and why it is there."""

    digest: str
    commit: str | None
    since: str
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class Retired:
    """Why a unit is not served any more, since when, and who said so."""

    reason: str
    at: str
    actor: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """Which release of a unit is live.

    `revision` is the environment's at which this unit last changed, `since` when that was (RFC
    3339, UTC), `commit` the one that the release was built from, `break_glass` why it was deployed
    past the protection of the environment, where it was. `safe` is the safe release that belongs to
    it, which in safe mode is `digest` itself. Of a unit that is `retired` nothing is live; the rest
    says what was.
    """

    digest: str
    revision: int
    since: str
    commit: str | None = None
    held: tuple[Hold, ...] = ()
    break_glass: str = ""
    safe: str | None = None
    safe_mode: SafeMode | None = None
    retired: Retired | None = None

    def holds(self, digest: str) -> bool:
        return any(hold.digest == digest for hold in self.held)

    @property
    def meant(self) -> str:
        """The release that is live, or that would be without safe mode."""
        return self.safe_mode.digest if self.safe_mode else self.digest

    @property
    def releases(self) -> set[str]:
        """Every release that it names."""
        named = {self.digest, self.meant, *(hold.digest for hold in self.held)}
        return named | {self.safe} if self.safe else named

    def to_json(self) -> str:
        facts: dict[str, Any] = {name: getattr(self, name) for name in _ALWAYS}
        facts["held"] = [asdict(hold) for hold in self.held]
        if self.break_glass:
            facts["break_glass"] = self.break_glass
        if self.safe is not None:
            facts["safe"] = self.safe
        if self.safe_mode is not None:
            facts["safe_mode"] = asdict(self.safe_mode)
        if self.retired is not None:
            facts["retired"] = asdict(self.retired)
        return encode(facts)

    @classmethod
    def from_json(cls, text: str | bytes, unit: str) -> "Pointer":
        """Raises StoreCorrupt when `text` is no pointer."""
        try:
            facts = {"commit": None, "held": [], "break_glass": "", "safe": None} | json.loads(text)
            held = tuple(Hold(**typed(hold, Hold.__slots__)) for hold in listed(facts["held"]))
            mode, gone = facts.get("safe_mode"), facts.get("retired")
            names = ("digest", "revision", "since", "commit", "break_glass", "safe")
            return cls(
                **typed(facts, names),
                held=held,
                safe_mode=None if mode is None else SafeMode(**typed(mode, SafeMode.__slots__)),
                retired=None if gone is None else Retired(**typed(gone, Retired.__slots__)),
            )
        except JUNK as error:
            raise StoreCorrupt(
                f"the pointer of {unit} is not one that promptops wrote",
                "somebody changed the store by hand; nothing was changed now. "
                "promptops verify says what else is damaged, "
                "promptops restore --from-git HEAD writes all of it anew",
                code="C612" if error.args == ("revision",) else "C611",
            ) from error


class Change(NamedTuple):
    """What a deployment did to one unit: the digest before and after, a hold set or lifted.

    `commit` is the one that the release `after` was built from, `safe` the safe release that
    belongs to it: `after` itself when that stands in for another, in safe mode.
    """

    unit: str
    before: str | None
    after: str
    commit: str | None = None
    held: str | None = None
    lifted: str | None = None
    safe: str | None = None

    @property
    def stands_in(self) -> bool:
        """Whether `after` is live for as long as safe mode is on."""
        return self.after == self.safe

    def as_json(self) -> dict[str, str | None]:
        """`{"unit", "from", "to"}`, and `held`, `lifted` or `safe` where there is one."""
        facts = {"unit": self.unit, "from": self.before, "to": self.after}
        if self.held is not None:
            facts["held"] = self.held
        if self.lifted is not None:
            facts["lifted"] = self.lifted
        if self.safe is not None:
            facts["safe"] = self.safe
        return facts

    @classmethod
    def from_json(cls, facts: Any) -> "Change":
        known = dict.fromkeys(("commit", "held", "lifted", "safe")) | facts
        names = ("unit", "from", "to", "commit", "held", "lifted", "safe")
        return cls(*typed(known, names).values())


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
    def units(self) -> tuple[str, ...]:
        """What it changed: a rollback that holds several releases names its unit with each."""
        return tuple(dict.fromkeys(change.unit for change in self.changes))

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


_ALWAYS = ("digest", "revision", "since", "commit", "held")
_SHOWN = tuple(name for name in Entry.__slots__ if name not in {"request", "_stored"})


class Seal(NamedTuple):
    """Where an environment stands, and the `link` that its last entry had when it was written.

    The link is empty where a version wrote last that kept none.
    """

    head: Head | None
    link: str = ""


class State(NamedTuple):
    """What was read of an environment in one moment.

    `head` is None when the store has never held it. `whole` says whether `pointers` are all of
    them, or only those that changed since the head that the reader named, `stale` why the store
    itself may be behind, as far as it can tell.
    """

    head: Head | None
    pointers: Mapping[str, Pointer] = MappingProxyType({})
    whole: bool = True
    freeze: Freeze | None = None
    stale: str = ""

    @property
    def live(self) -> dict[str, Pointer]:
        """The pointers of what is served: all but those of retired units."""
        return {unit: each for unit, each in self.pointers.items() if each.retired is None}
