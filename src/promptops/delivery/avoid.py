"""Where a rollback does not go: what the last rehearsal found blocked, and past forward_only.

Only what the store keeps is asked, once: on a bad night there may be neither git nor a probe.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from promptops.delivery.rehearsal import against_forward_only
from promptops.delivery.way_back import Report, releases_before
from promptops.errors import Refused, ReleaseRejected
from promptops.live.moves import Skipped
from promptops.live.moves_of_rollback import Target, previous
from promptops.live.records import Entry, Pointer, State
from promptops.live.store import Store, entries
from promptops.manifest.digest import short
from promptops.manifest.release import release_document

Blocked = Mapping[str, Mapping[str, str]]  # unit → digest → why, and since when that is known
Wrong = Callable[[str, str], str]  # what is wrong with a unit's digest in the store, if anything


def blocked_in(reports: Mapping[str, Report], state: State) -> Blocked:
    """What the last reports call blocked, also those from a release that is not live any more.

    Most of what blocks a release has nothing to do with what is live; where it has, a rehearsal
    says so before anybody goes there.
    """
    return {
        unit: {
            target.digest: f"{target.why} ({_rehearsed(report, state.pointers.get(unit))})"
            for target in report.way.targets
            if target.verdict == "blocked"
        }
        for unit, report in reports.items()
    }


def _rehearsed(report: Report, live: Pointer | None) -> str:
    said = f"rehearsed {report.checked_at}"
    outdated = live is None or not report.is_from(live)
    return said + (f" from {short(report.way.live)}, which is not live" if outdated else "")


@dataclass(frozen=True, slots=True)
class _Without:
    """A history without the changes to what is blocked; it remembers what it left out."""

    live: Pointer
    unit: str
    blocked: Mapping[str, str]
    left_out: dict[str, None]

    def of(self, history: Iterable[Entry]) -> Iterator[Entry]:
        for entry in history:
            changes = [change for change in entry.changes if change.unit == self.unit]
            for change in changes:
                if self._avoids(change.after):
                    self.left_out[change.after] = None
            yield replace(
                entry,
                changes=tuple(change for change in changes if not self._avoids(change.after)),
            )

    def _avoids(self, digest: str) -> bool:
        is_live_or_held = digest == self.live.digest or self.live.holds(digest)
        return digest in self.blocked and not is_live_or_held


def previous_unblocked(
    live: Pointer,
    unit: str,
    history: Callable[[], Iterable[Entry]],
    blocked: Mapping[str, str],
    wrong: Wrong,
    typed: Sequence[str],
) -> tuple[Target, tuple[Skipped, ...]]:
    """The newest earlier release that is neither held, blocked nor wrong, and what was skipped.

    `typed` is the command, to name the one that goes there all the same. Raises Refused, with why,
    when there is none.
    """
    reasons = dict(blocked)
    while True:
        without = _Without(live, unit, reasons, {})
        try:
            target = previous(live, unit, without.of(history()))
        except Refused as refused:
            if not without.left_out:
                raise
            listed = "; ".join(f"{short(digest)}: {reasons[digest]}" for digest in without.left_out)
            raise Refused(
                "blocked",
                f"{unit} has no earlier release that is neither held nor blocked: {listed}",
                _all_the_same(typed),
            ) from refused
        why = wrong(unit, target.digest)
        if not why:
            break
        reasons[target.digest] = why
    said = reasons | {
        digest: f"blocked: {why}; --force goes there all the same"
        for digest, why in blocked.items()
    }
    skipped = tuple(Skipped(unit, digest, said[digest]) for digest in without.left_out)
    return target, skipped


def refuse_blocked(
    targets: Mapping[str, Target], blocked: Blocked, wrong: Wrong, typed: Sequence[str]
) -> None:
    """Raises Refused when a target that was named is blocked, or no client would take it."""
    for unit, target in sorted(targets.items()):
        if why := blocked.get(unit, {}).get(target.digest):
            raise _blocked(unit, target.digest, why, typed)
        if why := wrong(unit, target.digest):
            raise Refused(
                "missing-release",
                f"{unit} cannot go back to {short(target.digest)}: {why}",
                "nothing was changed; promptops verify says what else is damaged, and promptops "
                "restore puts it back",
            )


def refuse_no_return(store: Store, targets: Mapping[str, Target], typed: Sequence[str]) -> None:
    """Raises Refused when one would go back past a release that says forward_only.

    Asked of the releases themselves, because what is older than all that was rehearsed lies behind
    the same point of no return. One that cannot be read stops nobody.
    """
    wanted = {unit: target.digest for unit, target in targets.items()}
    for unit, why in past_no_return(store, wanted):
        raise _blocked(unit, wanted[unit], why, typed)


def past_no_return(store: Store, targets: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The units whose target (unit → digest) lies before a release that says forward_only; why."""
    wanted = dict(targets)
    for unit, target in releases_before(
        entries(store), targets, lambda unit, digest: wanted.get(unit) == digest
    ):
        del wanted[unit]
        for digest, revision in target.since:
            for found in against_forward_only(digest, revision, _document(store, digest)):
                if found.severity == "error":
                    yield unit, found.message
        if not wanted:
            return


def _document(store: Store, digest: str) -> dict[str, Any] | None:
    try:
        data = store.release(digest)
        return None if data is None else release_document(data, digest)
    except ReleaseRejected:
        return None


def _blocked(unit: str, digest: str, why: str, typed: Sequence[str]) -> Refused:
    return Refused(
        "blocked",
        f"{unit}: going back to {short(digest)} is blocked: {why}",
        _all_the_same(typed),
    )


def _all_the_same(typed: Sequence[str]) -> str:
    forced = shlex.join([*typed, "--force"])
    return f"promptops rehearse says what is so now; to go there all the same: {forced}"
