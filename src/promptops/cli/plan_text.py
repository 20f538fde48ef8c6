"""A plan or a diff for the terminal; without colour it says the same."""

import json
from collections.abc import Collection, Iterator

import click

from promptops.cli.frozen import frozen_lines
from promptops.cli.output import count, cut, in_line
from promptops.cli.settings import Environment
from promptops.cli.texts import changed_fields, changed_texts, marked_lines
from promptops.delivery.comparison import Comparison
from promptops.delivery.diff import Diff
from promptops.delivery.plan import Plan
from promptops.manifest.contract import Impact
from promptops.manifest.difference import Difference
from promptops.manifest.digest import short
from promptops.manifest.document import Json
from promptops.manifest.size import size_of
from promptops.manifest.words import Segment

LONGEST_VALUE = 120

_COLOURS = {Impact.MAJOR: "red", Impact.MINOR: "yellow", Impact.PATCH: "green", Impact.NONE: "blue"}


def plan_text(plan: Plan, place: Environment, apply: str) -> str:
    """The whole plan; `apply` is the command that carries it out."""
    commit = plan.commit[:12]
    if plan.head is None:
        create = "" if place.create else ", and deploy makes it with --create only"
        lines = [f"{place.address} does not hold {plan.environment}{create}"]
    else:
        lines = [f"{plan.environment} is at revision {plan.head.revision} in {place.address}"]
    lines += frozen_lines(plan.freeze, plan.environment)
    if plan.units:
        lines.append(f"commit {commit} changes {how_many(plan.units)}:")
    else:
        lines.append(f"commit {commit} changes nothing; what is not committed is not looked at")
    for unit in plan.units:
        lines += ["", *unit_lines(unit)]
    if plan.untouched:
        names = ", ".join(map(in_line, plan.untouched))
        lines += ["", f"live and not in git, left alone: {names}"]
    if plan.in_safe_mode:
        names = ", ".join(map(in_line, plan.in_safe_mode))
        lines += ["", f"in safe mode, left alone: {names}"]
    lines += ["", f"plan {plan.digest}"]
    stopped = plan.freeze or any(unit.refused for unit in plan.units)
    if not stopped and not all(unit.held for unit in plan.units):
        lines.append(f"apply it: {in_line(apply)}")
    return "\n".join(lines)


def how_many(units: Collection[Comparison]) -> str:
    """How many units change; what is held is left alone, and counted by itself."""
    held = sum(unit.held for unit in units)
    moved = len(units) - held
    said = count(moved, "unit") if moved else "nothing"
    return f"{said} ({held} held)" if held else said


def diff_text(diff: Diff) -> str:
    """What changed between two commits."""
    lines = [f"{diff.before[:12]}..{diff.after[:12]} changes {count(len(diff.units), 'unit')}"]
    for unit in diff.units:
        lines += ["", *unit_lines(unit)]
    return "\n".join(lines)


def unit_lines(unit: Comparison) -> Iterator[str]:
    """One unit: its impact and why, warnings, fields, words, size."""
    impact = unit.grade.impact
    word = click.style(impact.word, fg=_COLOURS[impact], bold=True)
    held = click.style("  held", fg="red", bold=True) if unit.held else ""
    sides = (short(digest) if digest else "-" for digest in (unit.digest_before, unit.digest_after))
    yield f"{click.style(in_line(unit.unit), bold=True)}  {' → '.join(sides)}  {word}{held}"
    for notice in unit.notices:
        code = click.style(f"warning[{notice.code}]", fg="yellow", bold=True)
        yield f"  {code}: {in_line(notice.message)}"
        if notice.hint:
            yield f"    = help: {in_line(notice.hint)}"
    for reason in unit.grade.reasons:
        if reason.impact is Impact.MAJOR:
            yield f"  {word}: {in_line(f'{reason.field}: {reason.message}')}"
    for change in changed_fields(unit):
        yield f"  {in_line(change.field)}: {before_after(change)}"
    for text in changed_texts(unit):
        yield f"  {in_line(text.label)}"
        for line in marked_lines(text):
            yield "    | " + ("…" if line is None else "".join(map(_coloured, line)))
    yield f"  size: {size_change(unit)}"


def before_after(change: Difference) -> str:
    """`before → after` in one line, cut where it is long."""
    return f"{_value(change.before)} → {_value(change.after)}"


def _value(value: Json) -> str:
    if value is None:
        return "-"
    return cut(in_line(json.dumps(value, ensure_ascii=False)), LONGEST_VALUE)


def size_change(unit: Comparison) -> str:
    """Characters, and about how many tokens, before and after."""
    was, now = (size_of(side) for side in (unit.release_before, unit.release_after))
    if was == now:
        return f"{now.characters:,} characters, ~{now.tokens:,} tokens"
    return (
        f"{was.characters:,} → {now.characters:,} characters, "
        f"~{was.tokens:,} → ~{now.tokens:,} tokens"
    )


def marked(segment: Segment) -> str:
    """A segment as git's word diff writes it: `[-removed-]`, `{+added+}`."""
    text = in_line(segment.text)
    if segment.kind == "removed":
        return f"[-{text}-]"
    return f"{{+{text}+}}" if segment.kind == "added" else text


def _coloured(segment: Segment) -> str:
    colour = {"removed": "red", "added": "green"}.get(segment.kind)
    return click.style(marked(segment), fg=colour) if colour else marked(segment)
