"""Would a deployment leave a way back, and can those who call be served by it?"""

from collections.abc import Iterable, Iterator, Mapping

from promptops.delivery import look
from promptops.delivery.build import Built
from promptops.delivery.comparison import Comparison
from promptops.delivery.merged import Merged
from promptops.delivery.rehearsal import Rehearsed, against_forward_only, said_of, unpassed
from promptops.delivery.rehearse import (
    Means,
    Present,
    Start,
    hindrances,
    present,
    rehearse_from,
    start_of,
)
from promptops.delivery.way_back import Report
from promptops.errors import Refused, ReleaseRejected
from promptops.finding import Finding
from promptops.live.records import State
from promptops.live.store import Store
from promptops.manifest.digest import short
from promptops.manifest.release import Release
from promptops.source.lines import with_lines


def check_moves(
    store: Store,
    state: State,
    items: Iterable[Built],
    means: Means,
    *,
    any_callers: bool = False,
    any_return: bool = False,
) -> list[Report]:
    """Rehearse the way back from what is about to move; the reports, to be kept once it has.

    Raises Refused when present clients do not pass what is newly required, unless `any_callers`,
    and when the way back to what is live is blocked, unless `any_return`.
    """
    # Of what is new there is nothing to go back to, but there may be a safe release.
    starts = {
        item.unit: start_of(item) for item in items if item.unit in state.pointers or item.safe
    }
    if not starts:
        return []
    live = {unit: _live(store, state, unit) for unit in starts if unit in state.pointers}
    seen = present(store)
    for _, refused in () if any_callers else _against_callers(starts, live, seen):
        raise refused
    reports = rehearse_from(store, state, starts, means, seen)
    for _, refused in () if any_return else _against_return(reports, state, live):
        raise refused
    return reports


def against_moves(
    store: Store, state: State, items: Iterable[Built], means: Means
) -> Iterator[tuple[str, Refused]]:
    """All that `check_moves` would refuse, by unit; nothing is kept.

    What is live may be lost: then callers are held to all that is required.
    """
    starts = {item.unit: start_of(item) for item in items}
    live = {unit: _live(store, state, unit) for unit in starts if unit in state.pointers}
    seen = present(store)
    yield from _against_callers(starts, live, seen, may_be_lost=True)
    starts = {unit: start for unit, start in starts.items() if live.get(unit)}
    yield from _against_return(rehearse_from(store, state, starts, means, seen), state, live)


def points_of_no_return(
    merge: Merged,
    units: Iterable[Comparison],
    means: Means,
    seen: Present,
    accepted: str | None,
) -> Iterator[Finding]:
    """Where a merge would leave no way back from its units to those before; needs no store.

    Where that is `accepted`, it is a warning with this reason.
    """
    environment = means.standard.looks[0][0]
    for each in units:
        unit = merge.units.get(each.unit)
        old, new = each.before, each.after
        if unit is None or unit.document is None or old is None or new is None or each.held:
            continue
        start = Start(new.digest, None, new)
        barred = [*against_forward_only(new.digest, None, new.document)]
        found = [*barred, *hindrances(start, old, seen.callers(each.unit), means)]
        target = Rehearsed(old.digest, old.revision, tuple(found))
        if target.verdict != "blocked":
            continue
        document, path = unit.document, ("forward_only",) if barred else ()
        finding = Finding(
            "no-return",
            document.file,
            document.place(path),
            f"point of no return in {environment}: {each.unit} could not go back to "
            f"{short(old.digest)}: {target.why}",
            "make what is live fit first, in a change of its own; or accept it: "
            "--accept-no-return REASON",
            ruled=None if accepted is None else "warning",
            reason=accepted or "",
        )
        yield from with_lines([finding], unit.files, merge.tree)


def _live(store: Store, state: State, unit: str) -> Release | None:
    try:
        return look.pointed_to(store, unit, state.pointers[unit]).release
    except ReleaseRejected:
        return None


def _against_callers(
    starts: Mapping[str, Start],
    live: Mapping[str, Release | None],
    seen: Present,
    *,
    may_be_lost: bool = False,
) -> Iterator[tuple[str, Refused]]:
    for unit, start in sorted(starts.items()):
        old, callers = live.get(unit), seen.callers(unit)
        if start.release is None or not callers or (old is None and not may_be_lost):
            continue
        if names := unpassed(old, start.release, callers):
            yield (
                unit,
                Refused(
                    "callers",
                    f"{unit}: {said_of(names, callers)}",
                    "let the app pass it first, or give it a default; to deploy all the same: "
                    "--accept-callers REASON",
                ),
            )


def _against_return(
    reports: Iterable[Report], state: State, releases: Mapping[str, Release | None]
) -> Iterator[tuple[str, Refused]]:
    for report in reports:
        unit = report.way.unit
        # What cannot be read now is no way back anyhow: that must not keep out what mends it.
        if releases.get(unit) is None:
            continue
        live = state.pointers[unit].digest
        for target in report.way.targets:
            if target.digest == live and target.verdict == "blocked":
                yield (
                    unit,
                    Refused(
                        "no-return",
                        f"point of no return: {unit} could not go back to {short(live)}: "
                        f"{target.why}",
                        "deploy first what makes that possible; to deploy all the same: "
                        "--accept-no-return REASON",
                    ),
                )
