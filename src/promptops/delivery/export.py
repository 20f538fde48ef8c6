"""An export: an environment in one file, of which damage is found by line.

Every line is a digest and the JSON that it is of: what was exported, the pointers, the history,
oldest first, the reports of rehearsals, which an older version did not write, the releases, and at
the end how many lines there were, with the digest of theirs.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from promptops.delivery.deployment import read_existing
from promptops.errors import CheckFailed, StoreCorrupt, UsageError
from promptops.live.records import Entry, Freeze, Head, Pointer
from promptops.live.replay import deployed, named
from promptops.live.store import Store, apart, entries
from promptops.live.stored import JUNK, encode
from promptops.manifest.digest import digest_of, short
from promptops.source.writing import file_named, write_file

FORMAT = 1
_LONGEST = 256 << 20
_ANOTHER = "take another export; this one was not written to its end, or changed since"


@dataclass(frozen=True, slots=True)
class Export:
    """What a file holds; `history` is oldest first, `gone` counts releases that were not there.

    `reports` are what the store kept of rehearsals, by unit, and its notes, whose names begin with
    a tilde.
    """

    path: str
    environment: str
    head: Head
    at: str
    freeze: str
    pointers: Mapping[str, Pointer]
    history: Sequence[Entry]
    digests: frozenset[str]
    gone: int = 0
    reports: Mapping[str, str] = field(default_factory=dict)


def export(
    store: Store,
    path: str,
    at: str,
    tell: Callable[[int, int], None],
    where: Sequence[str] = (),
) -> Export:
    """Write an environment to a file, and return what was read back from it.

    `where` are the options that name the environment in what one types. Raises CheckFailed for a
    live release that is missing or damaged, Refused for an environment that was never deployed,
    UsageError for what is no place for a file, StoreError.
    """
    file = file_named(path)
    state = read_existing(store, where)
    assert state.head is not None  # noqa: S101 - an existing environment has one
    # Nothing below the head changes any more, so the two are of one moment.
    history = list(entries(store, state.head.revision + 1))[::-1]
    if not history or history[-1].revision != state.head.revision:
        raise apart(store.environment, state.head, history[-1].revision if history else "nothing")
    reports = store.reports()
    epoch = state.head.epoch
    live = {pointer.digest: unit for unit, pointer in state.pointers.items()}
    digests = named(state.pointers, history)

    def parts() -> Iterator[dict[str, Any]]:
        head = {"epoch": epoch, "revision": history[-1].revision}
        freeze = state.freeze.to_json() if state.freeze else ""
        about = {"environment": store.environment, "at": at, "freeze": freeze, **head}
        yield {"kind": "environment", "format": FORMAT, **about}
        for unit, pointer in sorted(state.pointers.items()):
            yield {"kind": "pointer", "unit": unit, "text": pointer.to_json()}
        for entry in history:
            yield {"kind": "entry", "text": entry.to_json()}
        for name, text in sorted(reports.items()):
            yield {"kind": "report", "name": name, "text": text}
        for number, digest in enumerate(digests, 1):
            data = _whole(store, digest)
            if data is not None:
                text = data.decode("utf-8", "surrogateescape")
                yield {"kind": "release", "digest": digest, "text": text}
            elif digest in live:
                raise CheckFailed(
                    f"the release {short(digest)}, live as {live[digest]}, is missing or damaged; "
                    "nothing was exported",
                    "promptops verify says more",
                )
            tell(number, len(digests))

    write_file(file, _lines(parts()))
    return read_export(path)


def _whole(store: Store, digest: str) -> bytes | None:
    try:
        data = store.release(digest)
    except StoreCorrupt:
        return None
    return data if data is not None and digest_of(data) == digest else None


def _lines(parts: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    number, all_ = 0, sha256()
    for number, part in enumerate(parts, 1):  # noqa: B007 - counted to the end
        text = encode(part).encode()
        digest = digest_of(text).encode()
        all_.update(digest)
        yield digest + b" " + text + b"\n"
    end = encode({"kind": "end", "lines": number, "digest": all_.hexdigest()}).encode()
    yield digest_of(end).encode() + b" " + end + b"\n"


def read_export(path: str) -> Export:
    """What a file holds, every digest computed anew; raises UsageError."""
    parts = _parts(path)
    try:
        about = next(parts, {})
        if about.get("kind") != "environment" or about["format"] != FORMAT:
            raise UsageError(f"{path} is no export that this version reads", "promptops export")
        head = Head(int(about["epoch"]), int(about["revision"]))
        pointers: dict[str, Pointer] = {}
        history: list[Entry] = []
        digests: set[str] = set()
        reports: dict[str, str] = {}
        for part in parts:
            if part["kind"] == "pointer":
                pointers[part["unit"]] = Pointer.from_json(part["text"], part["unit"])
            elif part["kind"] == "entry":
                history.append(Entry.from_json(part["text"]))
            elif part["kind"] == "report":
                reports[str(part["name"])] = str(part["text"])
            elif part["kind"] == "release":
                digests.add(part["digest"])
        freeze = about["freeze"] and Freeze.from_json(about["freeze"]).to_json()
        gone = len(deployed(pointers, history) - digests)
        if not history or {each.digest for each in pointers.values()} - digests:
            raise KeyError("release")
        found = (pointers, history, frozenset(digests), gone, reports)
        return Export(path, about["environment"], head, about["at"], freeze, *found)
    except (*JUNK, StoreCorrupt) as error:
        raise UsageError(f"{path} is no whole export", _ANOTHER) from error


def releases_of(path: str) -> Iterator[bytes]:
    """The bytes of the releases, one after the other; raises UsageError where they are damaged."""
    for part in _parts(path):
        if part["kind"] == "release":
            data: bytes = part["text"].encode("utf-8", "surrogateescape")
            if digest_of(data) != part["digest"]:
                raise UsageError(f"{path}: {short(part['digest'])} is another release", _ANOTHER)
            yield data


def _parts(path: str) -> Iterator[dict[str, Any]]:
    """The lines but the last, each checked; raises UsageError for one that is damaged."""
    all_, number = sha256(), 0
    try:
        with Path(path).open("rb") as file:
            while line := file.readline(_LONGEST):
                digest, _, text = line.removesuffix(b"\n").partition(b" ")
                if digest_of(text).encode() != digest:
                    raise UsageError(f"{path} is damaged in line {number + 1}", _ANOTHER)
                part = json.loads(text)
                if part["kind"] == "end":
                    if (part["lines"], part["digest"]) == (number, all_.hexdigest()):
                        return
                    break
                all_.update(digest)
                number += 1
                yield part
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", "name an export") from error
    except JUNK as error:
        raise UsageError(f"{path} is no export: line {number + 1}", _ANOTHER) from error
    if not number:
        raise UsageError(f"{path} is empty", "name a file that promptops export wrote")
    raise UsageError(f"{path} ends early or lost lines, after {number} of them", _ANOTHER)
