"""Asking a person once, on a terminal, whether what is about to change is meant."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from promptops.cli import settings
from promptops.cli.changes import change_line, doubt_lines
from promptops.cli.output import in_line, say
from promptops.cli.settings import Environment
from promptops.delivery.ages import age
from promptops.delivery.agreement import Agree, Agreement, as_proposed
from promptops.delivery.way_back import Report, now
from promptops.errors import Refused
from promptops.live.freezing import why as why_frozen
from promptops.live.moves import Doubt, Proposal
from promptops.live.records import Change, Entry, Head, State


def asked(
    place: Environment,
    *,
    yes: bool,
    rehearsed: Callable[[], Mapping[str, Report]] = dict,
    commit_of: Callable[[Change], str | None] = lambda change: change.commit,
) -> Agree:
    """Who agrees: whoever said --yes, or sits at the terminal.

    `rehearsed` are the last reports, by unit, of what one would go back to; `commit_of` says from
    which commit the release is that a change is about.
    """
    return as_proposed if yes else Agreement(partial(_ask, place, rehearsed, commit_of))


def _ask(
    place: Environment,
    rehearsed: Callable[[], Mapping[str, Report]],
    commit_of: Callable[[Change], str | None],
    state: State,
    proposal: Proposal,
) -> str:
    entry = proposal.entry
    assert entry is not None  # noqa: S101 - nobody is asked about nothing
    doubts = proposal.doubts

    def lines() -> Iterator[str]:
        return _lines(place, state, entry, doubts, rehearsed(), commit_of)

    asked = confirm(place, entry.action, lines, doubts=doubts)
    return now() if asked else entry.at


def confirm(
    place: Environment,
    action: str,
    lines: Callable[[], Iterable[str]],
    *,
    why: str = "",
    doubts: Iterable[Doubt] = (),
) -> bool:
    """Ask once whether what the lines say is meant; False where there is nobody, and no need, to.

    There is need in a protected environment, and where there is a `why`. Raises Refused.
    """
    if not _terminal():
        if not why and not settings.is_protected(place):
            return False
        raise Refused(
            "confirmation-needed",
            f"{why or f'{place.name} is protected'}, and there is no terminal to ask on whether "
            f"this {action} is meant",
            "nothing was changed; say --yes when it is meant",
        )
    for line in lines():
        say(in_line(line))
    for line in doubt_lines([doubt.as_json() for doubt in doubts]):
        say(line)
    sys.stderr.write("go on? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        say("")
    if answer.strip().casefold() not in {"y", "yes"}:
        raise Refused("declined", f"the {action} was not agreed to", "--yes says so")
    return True


def _terminal() -> bool:
    # A stream is None where the shell closed it (`>&-`).
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def heading(place: Environment, action: str, head: Head | None) -> str:
    """What is about to be done, and to what."""
    revision = 0 if head is None else head.revision
    return f"{action} in {place.name}, which is at revision {revision} in {place.address}:"


def _lines(
    place: Environment,
    state: State,
    entry: Entry,
    doubts: Iterable[Doubt],
    rehearsed: Mapping[str, Report],
    commit_of: Callable[[Change], str | None],
) -> Iterator[str]:
    at = datetime.now(UTC)
    doubted = {doubt.unit for doubt in doubts}
    yield heading(place, entry.action, state.head)
    if entry.reason:
        yield f"  because: {entry.reason}"
    for change in entry.changes:
        line = f"  {change_line(change.as_json(), entry.action)}"
        if commit := commit_of(change):
            line += f"  from commit {commit[:12]}"
        live = state.pointers.get(change.unit)
        if live is not None:
            line += f"; what is live is {age(live.since, at)} old"
        yield line
        if entry.action == "rollback" and change.unit not in doubted:
            yield f"    {_rehearsed(rehearsed.get(change.unit), change, at)}"
    if not entry.changes:
        frozen = state.freeze
        yield (
            "  no unit moves; only rollback and safe-mode pass until promptops unfreeze"
            if frozen is None
            else f"  no unit moves, and everything may again; {why_frozen(frozen)}"
        )


def _rehearsed(report: Report | None, change: Change, at: datetime) -> str:
    """What the last rehearsal said of going there."""
    target = None if report is None else report.way.to(change.after)
    if report is None or target is None:
        return "going there was not rehearsed"
    said = f"going there was rehearsed {age(report.checked_at, at)} ago: {target.verdict}"
    return f"{said}: {target.why}" if target.why else said
