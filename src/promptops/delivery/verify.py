"""Verify: is everything in a store what it was when promptops wrote it?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import Any

from promptops.errors import StoreCorrupt
from promptops.live.chain import Walk, walk
from promptops.live.records import Entry, Head, Pointer, Seal
from promptops.live.replay import deployed, named, replay
from promptops.live.store import Store, entries
from promptops.manifest.digest import digest_of, is_digest, short

_ROUNDS = 5
_RESTORE = "promptops restore puts it back, from an export or from git"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is not as it was written; `kind` is head, history, pointer, release, or one of a chain:
    edited, gap, reordered, unlinked.
    """

    kind: str
    message: str
    hint: str
    unit: str | None = None
    digest: str | None = None
    revision: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at, and what is wrong with it.

    `gone` are releases of the history that are not stored any more and that nothing points to.
    """

    environment: str
    head: Head | None
    pointers: int
    releases: int
    gone: int
    walk: Walk
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Read:
    """What could be read; None for what could not, of which `problems` tell."""

    seal: Seal
    pointers: Mapping[str, Pointer] | None = None
    history: Sequence[Entry] | None = None
    problems: list[Problem] = field(default_factory=list)


def verify(store: Store, tell: Callable[[int, int], None] = lambda _, __: None) -> Verification:
    """Compute every digest anew, and follow every link; raises StoreUnreachable.

    `tell` hears how many releases are done, of how many.
    """
    found = _read(store)
    problems = found.problems
    history = found.history or ()
    chain = walk(history, found.seal)
    if found.history is not None:
        problems += _of_head(found.seal, history)
        problems += _of_chain(chain)
        if found.pointers is not None:
            problems += _of_pointers(found.pointers, replay(reversed(history)))
    live: dict[str, list[str]] = {}
    for unit, pointer in sorted((found.pointers or {}).items()):
        live.setdefault(pointer.digest, []).append(unit)
    digests = named(found.pointers or {}, history)
    stored = deployed(found.pointers or {}, history)
    absent = gone = 0
    for number, digest in enumerate(digests, 1):
        problem, there = _of_release(store, digest, live.get(digest, []))
        problems += problem
        if not there and digest not in live:
            absent += 1
            gone += digest in stored
        tell(number, len(digests))
    return Verification(
        store.environment,
        found.seal.head,
        len(found.pointers or ()),
        len(digests) - absent,
        gone,
        chain,
        tuple(problems),
    )


def _read(store: Store) -> _Read:
    """Of one moment: a deployment between would look like damage."""
    for _ in range(_ROUNDS):
        found = _Read(Seal(None))
        try:
            found.seal = store.seal()
        except StoreCorrupt as error:
            found.problems.append(Problem("head", error.message, error.hint))
        try:
            found.pointers = store.read().pointers
        except StoreCorrupt as error:
            found.problems.append(Problem("pointer", error.message, _RESTORE))
        try:
            found.history = list(entries(store))
        except StoreCorrupt as error:
            found.problems.append(Problem("history", error.message, _RESTORE))
        if found.problems or store.seal() == found.seal:
            break
    return found


def _of_head(seal: Seal, history: Sequence[Entry]) -> Iterator[Problem]:
    head = seal.head.revision if seal.head else None
    last = history[0].revision if history else None
    if head != last:
        yield Problem(
            "head",
            f"the head is at revision {head or 'none'}, the history ends at {last or 'none'}",
            "deployments were lost, or somebody deleted them: promptops restore",
            revision=head,
        )


def _of_chain(chain: Walk) -> Iterator[Problem]:
    for each in chain.breaks:
        yield Problem(
            each.kind,
            f"revision {each.revision}: {each.message}",
            "compare with an export of before (promptops export); the audit trail is not to be "
            "trusted here",
            revision=each.revision,
        )


def _of_pointers(found: Mapping[str, Pointer], told: Mapping[str, Pointer]) -> Iterator[Problem]:
    """What the pointers say against what the history tells."""
    for unit in sorted({*found, *told}):
        is_, was = found.get(unit), told.get(unit)
        if is_ is None and was is not None:
            said = f"{unit} has no pointer; revision {was.revision} made {short(was.digest)} live"
        elif is_ is not None and was is None:
            said = f"{unit} points to {short(is_.digest)}, which no deployment did"
        elif is_ is not None and was is not None and bool(is_.retired) != bool(was.retired):
            said = (
                f"{unit} is {'' if is_.retired else 'not '}retired, and the history says otherwise"
            )
        elif is_ is not None and was is not None and is_.digest != was.digest:
            said = (
                f"{unit} points to {short(is_.digest)}; revision {was.revision} made "
                f"{short(was.digest)} live"
            )
        elif is_ is not None and was is not None and _held(is_) != _held(was):
            said = f"{unit} holds other releases than the history tells: {_names(is_, was)}"
        else:
            continue
        digest, revision = (was.digest, was.revision) if was is not None else (None, None)
        yield Problem("pointer", said, _RESTORE, unit, digest, revision)


def _held(pointer: Pointer) -> set[str]:
    return {hold.digest for hold in pointer.held}


def _names(is_: Pointer, was: Pointer) -> str:
    gone = [f"{short(digest)} is missing" for digest in sorted(_held(was) - _held(is_))]
    new = [f"{short(digest)} is new" for digest in sorted(_held(is_) - _held(was))]
    return ", ".join(gone + new)


def _of_release(store: Store, digest: str, units: list[str]) -> tuple[list[Problem], bool]:
    """The problem that a release has, and whether it is there."""
    of = f", live as {', '.join(units)}," if units else ""
    hint = f"promptops rollback {quote(units[0])} leaves it; {_RESTORE}" if units else _RESTORE
    unit = units[0] if units else None
    if not is_digest(digest):
        return [Problem("release", f"{digest!r}{of} is no digest", hint, unit, digest)], False
    try:
        data = store.release(digest)
    except StoreCorrupt as error:
        return [Problem("release", error.message, hint, unit, digest)], True
    if data is None:
        said = f"the release {short(digest)}{of} is not there"
        return [Problem("release", said, hint, unit, digest)] if units else [], False
    if digest_of(data) != digest:
        said = f"the release {short(digest)}{of} holds other bytes"
        return [Problem("release", said, hint, unit, digest)], True
    return [], True
