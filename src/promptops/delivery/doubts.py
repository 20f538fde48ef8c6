"""What is done although no rehearsal speaks for it: going back must never need one.

Only what the store keeps is asked. What is said here stops nobody.
"""

import shlex
from collections.abc import Iterator, Mapping

from promptops.delivery.way_back import Report
from promptops.live.moves import Doubt, Intent, Proposal
from promptops.live.records import Pointer, State
from promptops.manifest.digest import short

Reports = Mapping[str, Report]


def of_rollback(
    state: State, proposal: Proposal, reports: Reports, intent: Intent
) -> Iterator[Doubt]:
    """Where a rollback goes to a release that was not found ready from what is live now."""
    for change in proposal.entry.changes if proposal.entry else ():
        unit, live = change.unit, state.pointers[change.unit]
        if live.retired is not None and live.digest == change.after:
            continue  # nothing else is live then than before
        why = _why_not_ready(live, change.after, reports.get(unit))
        if why:
            target = ("--target", short(change.after))
            hint = shlex.join(["promptops", "rehearse", unit, *intent.where, *target])
            yield Doubt(unit, change.after, f"goes back to {short(change.after)}: {why}", hint)


def of_safe_mode(proposal: Proposal, reports: Reports, intent: Intent) -> Iterator[Doubt]:
    """Where a safe release was blocked when it was last rehearsed."""
    for change in proposal.entry.changes if proposal.entry else ():
        report = reports.get(change.unit)
        safe = report and report.way.safe
        if report and safe and safe.digest == change.after and safe.verdict == "blocked":
            said = f"goes to its safe release {short(change.after)}, which was blocked: "
            hint = shlex.join(["promptops", "rehearse", change.unit, *intent.where])
            why = f"{said}{safe.why} (rehearsed {report.checked_at})"
            yield Doubt(change.unit, change.after, why, hint)


def _why_not_ready(live: Pointer, digest: str, report: Report | None) -> str:
    if report is None:
        return "it was never rehearsed"
    when = f"rehearsed {report.checked_at}"
    target = report.way.to(digest)
    if target is None:
        blocked = all(each.verdict == "blocked" for each in report.way.targets)
        also = "; what was is blocked" if report.way.targets and blocked else ""
        return f"it was not among what was {when}{also}"
    if not report.is_from(live):
        return f"it was {target.verdict} from {short(report.way.live)}, which is not live ({when})"
    if target.verdict == "unknown":
        unknown = (each.message for each in target.findings if each.severity == "unknown")
        return f"it is unknown whether that works: {'; '.join(unknown)} ({when})"
    return ""
