"""One unit of a plan in Markdown: its row in the table, and its details."""

import json
from collections.abc import Callable, Iterator

from promptops.cli.markdown import code, fenced, fitting, harmless, inline, length, within
from promptops.cli.output import cut
from promptops.cli.plan_text import before_after, marked, size_change
from promptops.cli.texts import ChangedText, changed_fields, changed_texts, marked_lines
from promptops.delivery.comparison import Comparison
from promptops.manifest.contract import Impact
from promptops.manifest.document import thaw
from promptops.manifest.release import Release
from promptops.manifest.size import size_of

HEADER = "| unit | model | prompt | params | index | impact | size |\n" + "|---" * 7 + "|"
LONGEST_CELL = 80
MOST_FACTS = 8_000
# A fence and its title cost about this much beside the text in them.
FRAME = 200


def row(unit: Comparison) -> str:
    """A row below HEADER; what differs is shown as before → after."""
    was, now = unit.release_before, unit.release_after
    impact = unit.grade.impact.word + (", held" if unit.held else "")
    sizes = [f"{size_of(side).characters:,}" for side in (was, now) if side]
    cells = [
        code(unit.unit),
        _cell(was, now, lambda side: f"{side.model.id} ({side.model.version})"),
        _cell(was, now, lambda side: f"{side.prompt.id} {side.prompt.version}"),
        _cell(was, now, _params),
        _cell(was, now, _index),
        f"**{impact}**" if unit.grade.impact is Impact.MAJOR or unit.held else impact,
        " → ".join(dict.fromkeys(sizes)),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(was: Release | None, now: Release | None, fact: Callable[[Release], str]) -> str:
    facts = dict.fromkeys(cut(fact(side), LONGEST_CELL) for side in (was, now) if side is not None)
    return " → ".join(code(one) if one else "none" for one in facts)


def _params(release: Release) -> str:
    return ", ".join(
        f"{name} {json.dumps(thaw(value), ensure_ascii=False)}"
        for name, value in release.params.items()
    )


def _index(release: Release) -> str:
    retriever = release.retriever
    return "" if retriever is None else f"{retriever.index} {retriever.version}"


def details(unit: Comparison, room: int) -> str:
    """Why, which fields, and the words, in about `room` characters; what is cut is counted."""
    impact = unit.grade.impact.word
    summary = f"<details><summary>{code(unit.unit)}: {impact}, {size_change(unit)}</summary>"
    blocks = [summary]
    room -= length(summary) + FRAME
    facts = fitting(_facts(unit), str, min(room, MOST_FACTS), lambda left: f"- … and {left:,} more")
    if facts:
        blocks.append("\n".join(facts))
        room -= length(blocks[-1])
    for text in changed_texts(unit):
        blocks.append(_words(text, room))
        room -= length(blocks[-1]) + 2
    return "\n\n".join([*blocks, "</details>"])


def _facts(unit: Comparison) -> Iterator[str]:
    for reason in unit.grade.reasons:
        if reason.impact is Impact.MAJOR:
            yield f"- **major** {code(reason.field)}: {inline(reason.message)}"
    for change in changed_fields(unit):
        yield f"- {code(change.field)}: {code(before_after(change))}"


def _words(text: ChangedText, room: int) -> str:
    """A title, and in a fence the words that differ, as far as there is room for them."""
    lines = ("…" if line is None else "".join(map(marked, line)) for line in marked_lines(text))
    whole = harmless("\n".join(lines))
    shown = within(whole, room - FRAME)
    left = length(whole) - length(shown)
    notice = f"_Cut: {left:,} more characters_" if left else ""
    fence = fenced(shown) if shown else ""
    return "\n\n".join(part for part in (code(text.label), fence, notice) if part)
