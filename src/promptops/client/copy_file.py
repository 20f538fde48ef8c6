"""The file that holds an environment without its store: the last known good copy, a bundle, pins.

    promptops-copy/1 <bytes that follow> sha256:<digest of them>
    {"environment", "namespace", "epoch", "revision", "units", "past", "refused", "sizes"}
    the releases, one behind the other

Behind that, the last known good copy may have changes, one behind the other:

    promptops-change/1 <bytes that follow> sha256:<digest of them> sha256:<seal>
    {"epoch", "revision", "units", "past", "refused", "sizes"} of what changed, null for what went
    the releases that are new

The seal is the digest of the first line before and of this one up to here. So no bit of the file
can change unnoticed, and no change can be taken out between others or put elsewhere. What stands
before the first one that is damaged counts, and is said to have lost what came after it. A last
change with fewer bytes than it should have is not there yet: its writer is about to go on, or was
killed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from promptops.client.accept import Refusal
from promptops.client.damage import FORMAT, changes_lost, cut_off, damaged
from promptops.client.kept import Kept
from promptops.errors import StoreCorrupt
from promptops.live.records import Head, Pointer, State
from promptops.manifest.digest import digest_of

CHANGE = b"promptops-change/1"
_LONGEST_FIRST_LINE = 120
_SEAL = len("sha256:") + 64 + len("\n")
_CHANGE_LINE = len(CHANGE) + len(" 123456789012 ") + _SEAL + _SEAL

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Copy:
    """An environment as it was at `head`, with every release that it names.

    `past` are the releases that were live before, newest first, and `safe` the safe release of each
    unit that has one, so that one can pin them.
    `refused` are those that the one who wrote it did not take; `units` has what it served instead.
    `lost` is what to say of newer changes that were damaged or cut off.
    """

    environment: str
    namespace: str
    head: Head
    units: Mapping[str, Kept]
    releases: Mapping[str, bytes]
    past: Mapping[str, tuple[Kept, ...]] = field(default_factory=dict)
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    safe: Mapping[str, Kept] = field(default_factory=dict)
    lost: StoreCorrupt | None = field(default=None, compare=False)

    @property
    def state(self) -> State:
        """As a store would have answered."""
        pointers = {
            unit: Pointer(kept.digest, kept.revision, since="") for unit, kept in self.units.items()
        }
        return State(self.head, pointers)


@dataclass(frozen=True, slots=True)
class Change:
    """What is another than before at `head`: None for what went, and the releases that are new."""

    head: Head
    units: Mapping[str, Kept | None]
    past: Mapping[str, tuple[Kept, ...] | None]
    refused: Mapping[str, Refusal | None]
    releases: Mapping[str, bytes]
    safe: Mapping[str, Kept | None] = field(default_factory=dict)


class Contents:
    """What a file holds, change after change.

    `releases` are those of which the file has the bytes, under their `digests`; a writer needs only
    the latter. `line` is the last first line, `base` where the first of the `changes` begins, `end`
    where the next one will. `lost` is what to say of changes behind it that are damaged, `cut` of
    one that was cut off, which the next one overwrites.
    """

    def __init__(self, environment: str = "", namespace: str = "") -> None:
        self.environment = environment
        self.namespace = namespace
        self.head = Head(0, 0)
        self.units: dict[str, Kept] = {}
        self.past: dict[str, tuple[Kept, ...]] = {}
        self.refused: dict[str, Refusal] = {}
        self.safe: dict[str, Kept] = {}
        self.releases: dict[str, bytes] = {}
        self.digests: set[str] = set()
        self.line = b""
        self.base = self.end = self.changes = 0
        self.lost: StoreCorrupt | None = None
        self.cut: StoreCorrupt | None = None

    def copy(self) -> Copy:
        return Copy(
            self.environment,
            self.namespace,
            self.head,
            dict(self.units),
            {digest: self.releases[digest] for digest in _named(self.units, self.past, self.safe)},
            dict(self.past),
            dict(self.refused),
            dict(self.safe),
            self.lost or self.cut,
        )

    def take(self, change: Change) -> None:
        """Raises KeyError when it names a release that neither it nor the file has."""
        self.releases |= change.releases
        self.digests.update(change.releases)
        for digest in _named(change.units, change.past, change.safe):
            if digest not in self.digests:
                raise KeyError(digest)
        self.head = change.head
        _update(self.units, change.units)
        _update(self.past, change.past)
        _update(self.refused, change.refused)
        _update(self.safe, change.safe)

    def whole(self) -> bytes:
        """The file anew, without changes and with those releases alone that are still named."""
        copy = self.copy()
        data = encode(copy)
        self.digests = {*copy.releases}
        self.line = data[: data.index(b"\n")]
        self.base, self.end, self.changes = len(data), len(data), 0
        self.lost = self.cut = None
        return data

    def append(self, change: Change) -> bytes:
        """Take it; what to write for it at the `end` of before."""
        body = _body({}, change)
        start = b"%s %012d %s " % (CHANGE, len(body), digest_of(body).encode())
        self.cut = None
        self.take(change)
        self._step(start + self._seal(start), len(body))
        return self.line + body

    def follow(self, data: bytes, where: str) -> None:
        """Take the changes in what stands behind `end`; raises StoreCorrupt (C621)."""
        at = 0
        while line := data[at : at + _CHANGE_LINE]:
            if not CHANGE.startswith(line[: len(CHANGE)]):
                raise damaged(where)
            if len(line) < _CHANGE_LINE:
                return
            # Sealed by itself, so that a damaged length is not taken for a change that is cut off.
            start = line[:-_SEAL]
            if line != start + self._seal(start):
                raise damaged(where)
            _, size, digest = start.split()
            at += _CHANGE_LINE
            body = data[at : at + int(size)]
            if len(body) < int(size):
                return
            if digest_of(body).encode() != digest:
                raise damaged(where)
            self.read(body, where)
            self._step(line, len(body))
            at += len(body)

    def read(self, body: bytes, where: str) -> None:
        """Take what follows a first line; raises StoreCorrupt (C621)."""
        try:
            facts, change = _parse(body)
            self.take(change)
            self.environment = str(facts.get("environment", self.environment))
            self.namespace = str(facts.get("namespace", self.namespace))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(where) from error

    def _seal(self, start: bytes) -> bytes:
        return digest_of(self.line + start).encode() + b"\n"

    def _step(self, line: bytes, size: int) -> None:
        self.line = line
        self.end += len(line) + size
        self.changes += 1


def encode(copy: Copy) -> bytes:
    digests = sorted(_named(copy.units, copy.past, copy.safe))
    releases = {digest: copy.releases[digest] for digest in digests}
    owner = {"environment": copy.environment, "namespace": copy.namespace}
    change = Change(copy.head, copy.units, copy.past, copy.refused, releases, copy.safe)
    body = _body(owner, change)
    return b"%s %d %s\n%s" % (FORMAT, len(body), digest_of(body).encode(), body)


def decode(data: bytes, where: str) -> Copy:
    """Raises StoreCorrupt, as `contents_of` does, and C621 for anything damaged behind it too."""
    contents = contents_of(data, where)
    if contents.lost is not None:
        raise damaged(where)
    return contents.copy()


def contents_of(data: bytes, where: str) -> Contents:
    """What is there before the first change that is damaged.

    Raises StoreCorrupt: C620 for what is cut off, C621 for what is something else.
    """
    first, _, _ = data[:_LONGEST_FIRST_LINE].partition(b"\n")
    words = first.split(b" ")
    if not data.startswith(FORMAT[: len(data)]) or len(first) == _LONGEST_FIRST_LINE:
        raise damaged(where)
    if len(first) == len(data):
        raise cut_off(where)
    if len(words) != 3 or words[0] != FORMAT or not words[1].isdigit():
        raise damaged(where)
    at, size = len(first) + 1, int(words[1])
    body = data[at : at + size]
    if len(body) < size:
        raise cut_off(where)
    if digest_of(body).encode() != words[2]:
        raise damaged(where)
    contents = Contents()
    contents.read(body, where)
    contents.line, contents.base, contents.end = first, at + size, at + size
    try:
        contents.follow(data[at + size :], where)
    except StoreCorrupt:
        contents.lost = changes_lost(where, contents.head.revision)
    else:
        if contents.end < len(data):
            contents.cut = changes_lost(where, contents.head.revision)
    return contents


def _body(owner: Mapping[str, str], change: Change) -> bytes:
    facts = {
        **owner,
        "epoch": change.head.epoch,
        "revision": change.head.revision,
        "units": change.units,
        "past": change.past,
        "safe": change.safe,
        "refused": {unit: each and each._asdict() for unit, each in change.refused.items()},
        "sizes": [[digest, len(data)] for digest, data in change.releases.items()],
    }
    head = json.dumps(facts, separators=(",", ":")).encode()
    return b"".join([head, b"\n", *change.releases.values()])


def _parse(body: bytes) -> tuple[dict[str, Any], Change]:
    at = body.index(b"\n") + 1
    facts: dict[str, Any] = json.loads(body[:at])
    releases = {}
    for digest, size in facts["sizes"]:
        releases[digest] = body[at : at + size]
        at += size
        if digest_of(releases[digest]) != digest:
            raise ValueError(digest)
    return facts, Change(
        Head(int(facts["epoch"]), int(facts["revision"])),
        {unit: kept and _kept(kept) for unit, kept in facts["units"].items()},
        {
            unit: None if past is None else tuple(map(_kept, past))
            for unit, past in facts["past"].items()
        },
        {unit: each and Refusal(**each) for unit, each in facts["refused"].items()},
        releases,
        {unit: kept and _kept(kept) for unit, kept in facts.get("safe", {}).items()},
    )


def _kept(kept: Any) -> Kept:
    digest, revision = kept
    return Kept(str(digest), int(revision))


def _named(
    units: Mapping[str, Kept | None],
    past: Mapping[str, tuple[Kept, ...] | None],
    safe: Mapping[str, Kept | None],
) -> set[str]:
    """The digests of the releases that are live, were, or stand ready for safe mode."""
    named = {kept.digest for kept in (*units.values(), *safe.values()) if kept is not None}
    return named | {kept.digest for each in past.values() for kept in each or ()}


def _update(facts: dict[str, T], changed: Mapping[str, T | None]) -> None:
    for unit, value in changed.items():
        if value is None:
            facts.pop(unit, None)
        else:
            facts[unit] = value
