"""What an environment is to be after it was lost: decisions, without input or output.

- The epoch is raised above everything that is known, which is what clients follow. Where nothing
  is known, it is the minutes of the clock: some client may remember an epoch, and none that high.
- No revision is used twice: the restore is a deployment of its own, after the last one that
  anybody remembers, and leaves out those that were lost.
- From an export all is as it was then, holds and freeze included. From a commit the units of that
  commit go live with their safe releases, what is held stays out, and what is in safe mode or not
  in the commit stays as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from promptops.errors import Refused
from promptops.live import moves
from promptops.live.chain import RESTORE
from promptops.live.moves import Intent, Skipped
from promptops.live.records import Change, Entry, Head, Pointer, State

PLAUSIBLE = 1 << 48


@dataclass(frozen=True, slots=True)
class Restoration:
    """All that takes the place of what is there, but the releases; `history` is oldest first."""

    head: Head
    pointers: Mapping[str, Pointer]
    history: Sequence[Entry]
    freeze: str
    skipped: tuple[Skipped, ...] = ()


def next_head(known: Iterable[Head], epoch: int | None, at: str) -> Head:
    """Above all that are known; raises Refused for a wanted epoch that is not."""
    heads = plausible(known)
    highest = max((head.epoch for head in heads), default=0)
    if not highest and epoch is None:
        epoch = int(datetime.fromisoformat(at).timestamp()) // 60
    if epoch is not None and epoch <= highest:
        raise Refused(
            "epoch",
            f"epoch {epoch} is not above {highest}, which is known already",
            f"clients follow a higher one only: leave --epoch out, or say {highest + 1} or more",
        )
    revision = max((head.revision for head in heads), default=0)
    return Head(highest + 1 if epoch is None else epoch, revision + 1)


def plausible(heads: Iterable[Head]) -> list[Head]:
    """Those that may be: clients write what they serve by themselves, and must not drive us up."""
    return [head for head in heads if max(head.epoch, head.revision) < PLAUSIBLE]


def from_export(
    head: Head,
    pointers: Mapping[str, Pointer],
    history: Sequence[Entry],
    freeze: str,
    intent: Intent,
    request: str,
) -> Restoration:
    """As it was exported, and an entry that says so."""
    last = _entry(head, history, (), intent, request)
    return Restoration(head, pointers, [*history, last], freeze)


def from_commit(
    head: Head,
    live: Mapping[str, Pointer],
    history: Sequence[Entry],
    freeze: str,
    wanted: Mapping[str, str],
    safe: Mapping[str, str],
    intent: Intent,
    request: str,
) -> Restoration:
    """The wanted digests and the safe ones that belong to them (unit → digest), in one entry.

    As a deploy of all would make them live, so that safe mode works afterwards as well.
    """
    before = State(Head(head.epoch, head.revision - 1), live)
    done = moves.deploy(before, wanted, intent, skip_held=True, request=request, safe=safe)
    changes = () if done.entry is None else done.entry.changes
    last = _entry(head, history, changes, intent, request)
    return Restoration(head, {**live, **done.pointers}, [*history, last], freeze, done.skipped)


def unknown_to(export: Iterable[Entry], there: Iterable[Entry]) -> list[Entry]:
    """The deployments of an environment that an export does not have, newest first."""
    known = {(entry.revision, entry.operation) for entry in export}
    return [entry for entry in there if (entry.revision, entry.operation) not in known]


def changes_of(before: Mapping[str, Pointer], after: Mapping[str, Pointer]) -> Iterator[Change]:
    """What is live otherwise afterwards, and the holds that come and go with it, by unit.

    What is not live any more goes to an empty digest.
    """
    for unit in sorted({*before, *after}):
        was, now = before.get(unit), after.get(unit)
        live = _served(now)
        if _served(was) != live:
            yield Change(unit, _served(was) or None, live, now.commit if now else None)
        for digest in sorted(_held(was) - _held(now)):
            yield Change(unit, live, live, lifted=digest)
        for digest in sorted(_held(now) - _held(was)):
            yield Change(unit, live, live, held=digest)


def _served(pointer: Pointer | None) -> str:
    return "" if pointer is None or pointer.retired else pointer.digest


def _held(pointer: Pointer | None) -> set[str]:
    return set() if pointer is None else {hold.digest for hold in pointer.held}


def _entry(
    head: Head,
    history: Sequence[Entry],
    changes: tuple[Change, ...],
    intent: Intent,
    request: str,
) -> Entry:
    return Entry(
        revision=head.revision,
        action=RESTORE,
        at=intent.at,
        actor=intent.actor,
        commit=intent.commit,
        reason=intent.reason,
        operation=intent.operation,
        request=request,
        changes=changes,
        previous=history[-1].link if history else "",
        break_glass=intent.break_glass,
    )
