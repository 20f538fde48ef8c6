"""One change of a deployment in one line, the same wherever it is shown."""

from collections.abc import Mapping

from promptops.cli.output import in_line
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
