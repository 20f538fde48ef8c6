"""A rehearsal for the terminal, for GitHub, and for scripts."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from promptops.cli.markdown import code, fitting, inline
from promptops.cli.output import count, cut, in_line, say_warning
from promptops.cli.plan_markdown import LONGEST_WARNING, MOST
from promptops.delivery.rehearsal import Hindrance, Rehearsed, WayBack
from promptops.delivery.way_back import Report, keep, now
from promptops.errors import StoreError
from promptops.live.records import Pointer
from promptops.live.store import Store
from promptops.manifest.digest import short

_COLOURS = {"ready": "green", "blocked": "red"}
_SIGNS = {"ready": "✅", "ready with warnings": "⚠️", "blocked": "❌", "unknown": "❔"}


def facts_of(environment: str, reports: list[Report]) -> dict[str, Any]:
    """`{"environment", "checked_at", "units"}`; see WayBack for the units."""
    return {
        "environment": environment,
        "checked_at": max((report.checked_at for report in reports), default=now()),
        "units": [report.way.as_json() for report in reports],
    }


def rehearsal_text(environment: str, reports: list[Report], target: str | None) -> str:
    """Each unit with its targets, and the sum as the last line; `target` is the one named."""
    parts = ["\n".join(_unit(report)) for report in reports]
    return "\n\n".join([*parts, f"{environment}: {_sum(reports, target)}"])


def _sum(reports: list[Report], target: str | None) -> str:
    lost = sum(report.way.lost for report in reports)
    ready = sum(report.way.best is not None for report in reports)
    unknown = sum(report.way.unknown for report in reports)
    said = f"{count(ready, 'unit')} can go back"
    # Of one target that was named nothing follows for the others.
    said += "" if target is None else " there"
    said += f", {lost - unknown} cannot" if lost > unknown else ""
    said += f", {unknown} unknown" if unknown else ""
    first = len(reports) - ready - lost
    said += f", {first} without an earlier release" if first else ""
    unsafe = sum(report.way.unsafe for report in reports)
    return said + (f"; {count(unsafe, 'safe release')} blocked" if unsafe else "")


def _unit(report: Report) -> Iterator[str]:
    way = report.way
    yield f"{click.style(in_line(way.unit), bold=True)}  live: {short(way.live)}"
    if not way.targets:
        yield "  no earlier release that is not held: there is nothing to go back to"
    for target in way.targets:
        best = "  ← best" if target is way.best else ""
        yield from _judged(f"revision {target.revision}", target, best)
    if way.safe is not None:
        yield from _judged("safe release", way.safe)


def _judged(name: str, release: Rehearsed, best: str = "") -> Iterator[str]:
    colour = _COLOURS.get(release.verdict, "yellow")
    verdict = click.style(release.verdict, fg=colour, bold=True)
    yield f"  {name}  {short(release.digest)}  {verdict}{best}"
    for finding in release.findings:
        yield from _finding(finding)


def _finding(finding: Hindrance) -> Iterator[str]:
    colour = "red" if finding.severity == "error" else "yellow"
    word = click.style(f"{finding.severity}[{finding.code}]", fg=colour, bold=True)
    yield f"    {word}: {in_line(finding.message)}"
    if finding.hint:
        yield f"      = help: {in_line(finding.hint)}"


def rehearsal_markdown(environment: str, reports: list[Report], target: str | None) -> str:
    """The same as a comment."""
    verdict = "❌" if any(report.way.lost or report.way.unsafe for report in reports) else "✅"
    head = f"### promptops: the way back in {code(environment)}: {verdict} {_sum(reports, target)}"
    lines = ["| unit | live | back to | verdict |", "| --- | --- | --- | --- |"]
    rows = [(report, each) for report in reports for each in _judgements(report.way)]
    lines += fitting(rows, _row, MOST // 2, lambda left: f"| … and {left:,} more | | | |")
    found = [
        (report.way.unit, target, finding)
        for report in reports
        for target in _judgements(report.way)
        if target is not None
        for finding in target.findings
    ]
    said = fitting(found, _said, MOST // 3, lambda left: f"- … and {left:,} more")
    return "\n".join([head, "", *lines, "", *said]).rstrip() + "\n"


def _judgements(way: WayBack) -> Iterator[Rehearsed | None]:
    """Each target, or None where there is none, and the safe release."""
    yield from way.targets or (None,)
    if way.safe is not None:
        yield way.safe


def _row(row: tuple[Report, Rehearsed | None]) -> str:
    report, target = row
    unit, live = code(report.way.unit), code(short(report.way.live))
    if target is None:
        return f"| {unit} | {live} | – | no earlier release |"
    best = " (best)" if target is report.way.best else ""
    name = "safe release" if target.revision is None else f"revision {target.revision}{best}"
    back = f"{code(short(target.digest))}, {name}"
    return f"| {unit} | {live} | {back} | {_SIGNS[target.verdict]} {target.verdict} |"


def _said(item: tuple[str, Rehearsed, Hindrance]) -> str:
    unit, target, finding = item
    message = inline(cut(finding.message, LONGEST_WARNING))
    word = "in safe mode, " if target.revision is None else "back to "
    back = f"{code(unit)} {word}{code(short(target.digest))}"
    return f"- {back}: **{inline(finding.code)}** {message}"


def keep_reports(store: Store, reports: Iterable[Report]) -> None:
    """For rollback and status; what was done and said stands without that."""
    try:
        for report in reports:
            keep(store, report)
    except (StoreError, KeyboardInterrupt) as error:
        why = error.message if isinstance(error, StoreError) else "interrupted"
        say_warning(f"the rehearsal was not kept: {why}")


def way_back_facts(report: Report | None) -> dict[str, Any] | None:
    """The last rehearsal of a unit for `status`; `live` is what it went back from."""
    if report is None:
        return None
    best = report.way.best
    return {
        "live": report.way.live,
        "best": best and best.digest,
        "revision": best and best.revision,
        "checked_at": report.checked_at,
        "seconds": report.seconds,
    }


def way_back_line(report: Report | None, live: Pointer) -> str:
    """`to revision 41, checked 4 min ago, 0.21 s`."""
    if report is None or not report.is_from(live):
        return "not rehearsed" + (" since it went live" if report else "")
    best = report.way.best
    where = f"to revision {best.revision}" if best else "none is ready"
    if not report.way.targets:
        where = "no earlier release"
    said = f"{where}, checked {_ago(report.age(datetime.now(UTC)))}, {report.seconds:.2f} s"
    return said + ("; its safe release is blocked" if report.way.unsafe else "")


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return f"{max(0, int(seconds))} s ago"
