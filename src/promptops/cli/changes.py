"""What happened to a unit, in one line, the same wherever it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from promptops.cli.output import count, in_line
from promptops.live.records import Pointer
from promptops.manifest.digest import short

MOST_DOUBTS = 3


def change_line(change: Mapping[str, str | None], action: str) -> str:
    """`unit  before → after  held: …`, from the JSON of a change; to nothing is `(gone)`."""
    before, after = change["from"], change["to"] or ""
    line = in_line(change["unit"] or "")
    if before != after:
        # What is rolled back was live once: nothing of it is, so it was retired.
        nothing = "(retired)" if action == "rollback" else "(new)"
        line += f"  {short(before) if before else nothing} → {short(after) or '(gone)'}"
    for word in ("held", "lifted"):
        digest = change.get(word)
        if digest:
            line += f"  {word}: {short(digest)}"
    return line


def doubt_lines(doubts: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """What speaks against a change, from the JSON of doubts, and the commands that tell more."""
    word = click.style("warning", fg="yellow", bold=True)
    for doubt in doubts[:MOST_DOUBTS]:
        yield f"{word}: {in_line(doubt['unit'])} {in_line(doubt['why'])}"
        yield f"  = help: {in_line(doubt['hint'])}"
    if len(doubts) > MOST_DOUBTS:
        yield f"{word}: … and so {count(len(doubts) - MOST_DOUBTS, 'more unit')}"


def displaced_line(each: Mapping[str, Any]) -> str:
    """What a rollback took back again, from its JSON, and who had made it live."""
    return in_line(
        f"displaced {short(each['digest'])} of {each['unit']}: revision {each['revision']}, "
        f"{each['action']} by {each['actor']}"
    )


def aside_lines(pointers: Mapping[str, Pointer]) -> Iterator[str]:
    """A line for each unit that is in safe mode or retired, by whom and why."""
    for unit, live in sorted(pointers.items()):
        if mode := live.safe_mode:
            yield in_line(
                f"{unit} is in safe mode since {live.since}, instead of {short(mode.digest)}: "
                f"{mode.reason} ({mode.actor})"
            )
        if gone := live.retired:
            yield in_line(f"{unit} was retired at {gone.at}: {gone.reason} ({gone.actor})")
