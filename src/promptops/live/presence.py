"""What a client says of itself in the store."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from promptops.live.records import Head
from promptops.live.stored import JUNK, encode, listed, typed


@dataclass(frozen=True, slots=True)
class RefusedRelease:
    """A release that is live since `revision`, and that a client does not take."""

    unit: str
    digest: str
    revision: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeptRelease:
    """What a client serves of a unit whatever is live, because of a pin or of a refusal.

    The digest is empty when it serves nothing; `revision` made that digest live, 0 when unknown.
    """

    unit: str
    digest: str
    revision: int
    pinned: bool


MOST_REFUSED = 20
MOST_KEPT = 100
LONGEST_REASON = 300
MOST_NAMES = 500
SPOKEN_FOR = 30  # seconds for which a presence lasts
_OPTIONAL: dict[str, Any] = {"age": None, "error": "", "refused": [], "kept": [], "inputs": {}}


@dataclass(frozen=True, slots=True)
class Presence:
    """What a client says of itself: who it is, which head it serves, and what it refuses.

    `age` is how many seconds ago the store's answer was last accepted, `error` why the store as a
    whole is refused, `kept` what it serves instead of what is live, `inputs` the names (never
    values) that the app passes, per unit. What is said is bounded: the newest refusals, and so
    many names.
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
    kept: tuple[KeptRelease, ...] = ()
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def aged(self, left: float) -> "Presence":
        """As it is now, when it lasts for so many more seconds."""
        if self.age is None:
            return self
        return replace(self, age=round(self.age + max(0.0, SPOKEN_FOR - left), 3))

    @property
    def head(self) -> Head:
        return Head(self.epoch, self.revision)

    @property
    def pins(self) -> dict[str, str]:
        return {each.unit: each.digest for each in self.kept if each.pinned}

    def serves(self, head: Head, wanted: Mapping[str, str], latest: Head | None = None) -> bool:
        """Whether it serves `head`, or a later one up to `latest`, where the store stands.

        `wanted` has the digests that were live then, of the units that count. A client that keeps
        an older one of these does not serve it, nor one that stays above a store which went back.
        """
        return (
            not self.error
            and self.head >= head
            and (latest is None or self.head <= latest)
            and not any(self._lacking(head, wanted))
        )

    def declines(self, head: Head, wanted: Mapping[str, str]) -> bool:
        """Whether it says itself that waiting for it to serve `head` is in vain.

        Who refused a store that stood below it takes the store when that has caught up.
        """
        stays = self.head > head or (self.head == head and not self.error.startswith("REGRESSED"))
        return (bool(self.error) and stays) or any(
            each.pinned or self.head >= head for each in self._lacking(head, wanted)
        )

    def keeps_of(self, head: Head, wanted: Mapping[str, str]) -> Iterator[str]:
        """The units of which it serves something else than is wanted at `head`."""
        return (each.unit for each in self._lacking(head, wanted))

    def _lacking(self, head: Head, wanted: Mapping[str, str]) -> Iterator[KeptRelease]:
        for each in self.kept:
            older = each.pinned or each.revision < head.revision
            if older and wanted.get(each.unit, each.digest) != each.digest:
                yield each

    def to_json(self) -> str:
        newest = sorted(self.refused, key=lambda each: -each.revision)[:MOST_REFUSED]
        refused = [asdict(each) | {"reason": each.reason[:LONGEST_REASON]} for each in newest]
        facts = {name: getattr(self, name) for name in self.__slots__}
        facts |= {"error": self.error[:LONGEST_REASON], "refused": refused}
        facts["kept"] = [asdict(each) for each in self.kept[:MOST_KEPT]]
        facts["inputs"] = _bounded(self.inputs)
        # Left out where there is nothing to say: hundreds of clients say it every ten seconds.
        return encode(
            {
                name: value
                for name, value in facts.items()
                if name not in _OPTIONAL or value not in (None, "", [], {})
            }
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> "Presence | None":
        """None for what is no presence: a stranger's record must not stop an operator."""
        try:
            facts = _OPTIONAL | json.loads(text)
            names = [name for name in cls.__slots__ if name not in {"refused", "kept", "inputs"}]
            return cls(
                **typed(facts, names),
                refused=tuple(
                    RefusedRelease(**typed(each, RefusedRelease.__slots__))
                    for each in listed(facts["refused"])
                ),
                kept=tuple(
                    KeptRelease(**typed(each, KeptRelease.__slots__))
                    for each in listed(facts["kept"])
                ),
                inputs={
                    str(unit): tuple(str(name) for name in listed(passed))
                    for unit, passed in dict(facts["inputs"]).items()
                },
            )
        except JUNK:
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
