"""What happened to a unit, in one line, the same wherever it is shown."""

from collections.abc import Iterator, Mapping
from typing import Any

from promptops.cli.output import in_line
from promptops.live.records import Pointer
from promptops.manifest.digest import short


def change_line(change: Mapping[str, str | None]) -> str:
    """`unit  before → after  held: …`, from the JSON of a change."""
    before, after = change["from"], change["to"] or ""
    line = in_line(change["unit"] or "")
    if before != after:
        line += f"  {short(before) if before else '(new)'} → {short(after)}"
    for word in ("held", "lifted"):
        digest = change.get(word)
        if digest:
            line += f"  {word}: {short(digest)}"
    return line


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
