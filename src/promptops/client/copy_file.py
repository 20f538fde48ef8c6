"""The file that holds an environment without its store: the last known good copy, a bundle, pins.

    promptops-copy/1 <bytes that follow> sha256:<digest of them>
    {"environment", "namespace", "epoch", "revision", "units", "past", "refused", "sizes"}
    the releases, one behind the other

The first line covers all that follows, so no bit of the file can change unnoticed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from promptops.client.accept import Refusal
from promptops.errors import StoreCorrupt
from promptops.live.records import Head, Pointer, State
from promptops.manifest.digest import digest_of

FORMAT = b"promptops-copy/1"
_LONGEST_FIRST_LINE = 120


class Kept(NamedTuple):
    """A release that was live, and the revision at which it became so; 0 where none is known."""

    digest: str
    revision: int


@dataclass(frozen=True, slots=True)
class Copy:
    """An environment as it was at `head`, with every release that it names.

    `past` are the releases that were live before, newest first, and `safe` the safe release of each
    unit that has one, so that one can pin them.
    `refused` are those that the one who wrote it did not take; `units` has what it served instead.
    """

    environment: str
    namespace: str
    head: Head
    units: Mapping[str, Kept]
    releases: Mapping[str, bytes]
    past: Mapping[str, tuple[Kept, ...]] = field(default_factory=dict)
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    safe: Mapping[str, Kept] = field(default_factory=dict)

    @property
    def state(self) -> State:
        """As a store would have answered."""
        pointers = {
            unit: Pointer(kept.digest, kept.revision, since="") for unit, kept in self.units.items()
        }
        return State(self.head, pointers)


def encode(copy: Copy) -> bytes:
    named = {kept.digest for kept in (*copy.units.values(), *copy.safe.values())}
    named |= {kept.digest for past in copy.past.values() for kept in past}
    digests = sorted(named)
    facts = {
        "environment": copy.environment,
        "namespace": copy.namespace,
        "epoch": copy.head.epoch,
        "revision": copy.head.revision,
        "units": copy.units,
        "past": copy.past,
        "safe": copy.safe,
        "refused": {unit: asdict(refusal) for unit, refusal in copy.refused.items()},
        "sizes": [[digest, len(copy.releases[digest])] for digest in digests],
    }
    head = json.dumps(facts, separators=(",", ":")).encode()
    body = b"".join([head, b"\n", *(copy.releases[digest] for digest in digests)])
    return b"%s %d %s\n%s" % (FORMAT, len(body), digest_of(body).encode(), body)


def decode(data: bytes, where: str) -> Copy:
    """Raises StoreCorrupt: C620 for what is cut off, C621 for what is something else."""
    first, _, body = data.partition(b"\n")
    words = first.split(b" ")
    if not data.startswith(FORMAT[: len(data)]) or len(first) > _LONGEST_FIRST_LINE:
        raise _other(where)
    if len(first) == len(data):
        raise _cut_off(where)
    if len(words) != 3 or words[0] != FORMAT or not words[1].isdigit():
        raise _other(where)
    if len(body) < int(words[1]):
        raise _cut_off(where)
    if len(body) > int(words[1]) or digest_of(body).encode() != words[2]:
        raise _other(where)
    try:
        return _parse(body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _other(where) from error


def _parse(body: bytes) -> Copy:
    head, _, rest = body.partition(b"\n")
    facts: dict[str, Any] = json.loads(head)
    releases, at = {}, 0
    for digest, size in facts["sizes"]:
        releases[digest] = rest[at : at + size]
        at += size
        if digest_of(releases[digest]) != digest:
            raise ValueError(digest)
    units = {unit: _kept(kept, releases) for unit, kept in facts["units"].items()}
    past = {
        unit: tuple(_kept(kept, releases) for kept in each) for unit, each in facts["past"].items()
    }
    return Copy(
        str(facts["environment"]),
        str(facts["namespace"]),
        Head(int(facts["epoch"]), int(facts["revision"])),
        units,
        releases,
        past,
        {unit: Refusal(**refusal) for unit, refusal in facts["refused"].items()},
        {unit: _kept(kept, releases) for unit, kept in facts.get("safe", {}).items()},
    )


def _kept(kept: Any, releases: Mapping[str, bytes]) -> Kept:
    digest, revision = kept
    if digest not in releases:
        raise KeyError(digest)
    return Kept(digest, int(revision))


def _cut_off(where: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{where} is cut off", "it is written anew at the next change; or remove it", code="C620"
    )


def _other(where: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"{where} is damaged or not a file of promptops {FORMAT[-1:].decode()}",
        "it is not used; remove it, or write it anew",
        code="C621",
    )
