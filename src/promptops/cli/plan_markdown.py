"""A plan or a diff as Markdown: the comment on a pull request.

GitHub takes 65,536 characters. Warnings and table come first and have their share; the words of
each unit get what is left, and what does not fit is cut with a notice that says so.
"""

from collections.abc import Iterator

from promptops.cli.markdown import code, fitting, inline, length
from promptops.cli.output import counted
from promptops.cli.unit_markdown import HEADER, details, row
from promptops.delivery.comparison import Comparison, Notice
from promptops.delivery.diff import Diff
from promptops.delivery.plan import Plan

MOST = 65_000
MOST_WARNINGS = 12_000
MOST_ROWS = 20_000
LONGEST_WARNING = 400
LEAST_DETAILS = 1_500


def plan_markdown(plan: Plan) -> str:
    """The comment for an environment; its first line is a marker that names the plan."""
    environment = "".join(
        mark if mark.isascii() and (mark.isalnum() or mark in "._-") else "_"
        for mark in plan.environment
    )
    at = "is new" if plan.head is None else f"is at revision {plan.head.revision}"
    changed = counted(len(plan.units), "unit")
    head = [
        f"<!-- promptops:plan {environment} {plan.digest} -->",
        f"### promptops: plan for {code(plan.environment)}",
        f"{code(plan.environment)} {at}; commit {code(plan.commit[:12])} changes {changed}.",
    ]
    tail = [*_what_happens(plan), *_left_alone(plan)]
    again = f"promptops plan --env {plan.environment} --commit {plan.commit[:12]}"
    return _document(head, plan.units, tail, again)


def diff_markdown(diff: Diff) -> str:
    """What changed between two commits."""
    head = [f"### promptops: {code(f'{diff.before[:12]}..{diff.after[:12]}')}"]
    if not diff.units:
        head.append("No unit changes.")
    return _document(head, diff.units, [], f"promptops diff {diff.before[:12]}..{diff.after[:12]}")


def _document(head: list[str], units: tuple[Comparison, ...], tail: list[str], again: str) -> str:
    parts = list(head)
    warnings = [_warning(unit, notice) for unit in units for notice in unit.notices]
    if warnings:
        shown = fitting(warnings, MOST_WARNINGS, lambda left: f"- … and {left:,} more warnings")
        parts.append("**Look twice:**\n\n" + "\n".join(shown))
    if units:
        more = " |" * 6
        shown = fitting(map(row, units), MOST_ROWS, lambda left: f"| … and {left:,} more |{more}")
        parts.append(HEADER + "\n" + "\n".join(shown))
    room = MOST - length("\n\n".join([*parts, *tail]))
    return "\n\n".join([*parts, *_details(units, room, again), *tail]) + "\n"


def _warning(unit: Comparison, notice: Notice) -> str:
    message = notice.message
    if len(message) > LONGEST_WARNING:
        message = message[: LONGEST_WARNING - 1] + "…"
    return f"- {code(unit.unit)} **{inline(notice.code)}** {inline(message)}"


def _details(units: tuple[Comparison, ...], room: int, again: str) -> list[str]:
    """The details of every unit in a fair share of the room, and a notice where it ends."""
    shown: list[str] = []
    for index, unit in enumerate(units):
        left = len(units) - index
        block = details(unit, max(room // left, LEAST_DETAILS))
        room -= length(block) + 2
        if room < (LEAST_DETAILS if left > 1 else 0):
            cut = f"_Cut: a comment on GitHub has no room for {left:,} more._"
            return [*shown, f"{cut} All of it: {code(again)}"]
        shown.append(block)
    return shown


def _what_happens(plan: Plan) -> Iterator[str]:
    moved = [unit.unit for unit in plan.units if not unit.held]
    if not moved:
        yield "**On merge** nothing is deployed."
        return
    them = "it goes" if len(moved) == 1 else f"all {len(moved)} go"
    yield (
        f"**On merge** {them} live in {code(plan.environment)} with one deployment, or nothing "
        f"does: {code(f'promptops deploy --all --env {plan.environment}')}"
    )
    were_live = [unit.unit for unit in plan.units if not unit.held and unit.before is not None]
    if were_live and plan.head is not None:
        many = f"--to {plan.head.revision}"
        back = " ".join(were_live) if len(were_live) <= 5 else many
        command = f"promptops rollback {back} --env {plan.environment}"
        yield f"**To go back**, without git or a build: {code(command)}"


def _left_alone(plan: Plan) -> Iterator[str]:
    if plan.untouched:
        names = fitting(map(code, plan.untouched), 2_000, lambda left: f"and {left:,} more")
        yield f"Live and not in git, left alone: {', '.join(names)}"
