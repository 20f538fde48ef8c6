"""Asking a person once, on a terminal, whether what is about to change is meant."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

from promptops.cli import settings
from promptops.cli.changes import change_line, doubt_lines
from promptops.cli.output import count, in_line, say
from promptops.cli.report import now
from promptops.cli.settings import Environment
from promptops.delivery.agreement import Agree, Agreement, as_proposed
from promptops.errors import Refused
from promptops.live.moves import Proposal
from promptops.live.records import Entry, State

_LENGTHS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def asked(place: Environment, *, yes: bool) -> Agree:
    """Who agrees: whoever said --yes, or sits at the terminal."""
    return as_proposed if yes else Agreement(partial(_ask, place))


def _ask(place: Environment, state: State, proposal: Proposal) -> str:
    assert proposal.entry is not None  # noqa: S101 - nobody is asked about nothing
    if not _terminal():
        if settings.is_protected(place):
            raise Refused(
                "confirmation-needed",
                f"{place.name} is protected, and there is no terminal to ask on whether this "
                f"{proposal.entry.action} is meant",
                "nothing was changed; say --yes when it is meant",
            )
        return proposal.entry.at
    for line in _lines(place, state, proposal.entry):
        say(in_line(line))
    for line in doubt_lines([doubt.as_json() for doubt in proposal.doubts]):
        say(line)
    sys.stderr.write("go on? [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        say("")
    if answer.strip().casefold() not in {"y", "yes"}:
        raise Refused("declined", f"the {proposal.entry.action} was not agreed to", "--yes says so")
    return now()


def _terminal() -> bool:
    # A stream is None where the shell closed it (`>&-`).
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _lines(place: Environment, state: State, entry: Entry) -> Iterator[str]:
    revision = 0 if state.head is None else state.head.revision
    yield f"{entry.action} in {place.name}, which is at revision {revision} in {place.address}:"
    if entry.reason:
        yield f"  because: {entry.reason}"
    for change in entry.changes:
        line = f"  {change_line(change.as_json())}"
        if change.commit:
            line += f"  from commit {change.commit[:12]}"
        live = state.pointers.get(change.unit)
        if live is not None:
            line += f"; what is live is {age(live.since, datetime.now(UTC))} old"
        yield line
    if not entry.changes:
        yield "  no unit moves; only rollback passes until promptops unfreeze"


def age(since: str, at: datetime) -> str:
    """How long ago that was, in its largest measure: `3 hours`."""
    try:
        seconds = max((at - datetime.fromisoformat(since)).total_seconds(), 0)
    except (ValueError, TypeError):
        return "of unknown age"
    size, name = next((each for each in _LENGTHS if seconds >= each[0]), _LENGTHS[-1])
    return count(int(seconds // size), name)
