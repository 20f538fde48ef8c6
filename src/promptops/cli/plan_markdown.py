"""A plan or a diff as Markdown: the comment on a pull request.

GitHub takes 65,536 characters. Warnings and table come first and have their share; the words of
each unit get what is left, and what does not fit is cut with a notice that says so.
"""

import shlex
from collections.abc import Iterable, Iterator

from promptops.cli import suggested
from promptops.cli.frozen import frozen_lines
from promptops.cli.markdown import code, fitting, inline, length
from promptops.cli.output import count, cut
from promptops.cli.plan_text import how_many
from promptops.cli.unit_markdown import HEADER, details, row
from promptops.delivery.comparison import Comparison, Notice
from promptops.delivery.diff import Diff
from promptops.delivery.plan import Plan

MOST = 65_000
LONGEST_WARNING = 400
LEAST_DETAILS = 1_500


def plan_markdown(plan: Plan) -> str:
    """The comment for an environment; its first line is a marker that names the plan."""
    head = [
        marker("plan", plan.environment, plan.digest),
        f"### promptops: plan for {code(plan.environment)}",
        _stands(plan),
    ]
    where = suggested.where(plan.environment)
    again = suggested.command("plan", *where, "--commit", plan.commit[:12])
    return document(head, plan.units, [*what_happens(plan), *_left_alone(plan)], again)


def marker(kind: str, environment: str, digest: str) -> str:
    """A line that GitHub does not show, by which a comment is known again."""
    name = "".join(
        mark if mark.isascii() and (mark.isalnum() or mark in "._-") else "_"
        for mark in environment
    )
    return f"<!-- promptops:{kind} {name} {digest} -->"


def _stands(plan: Plan) -> str:
    """Where the environment stands, and how much changes."""
    at = "is new" if plan.head is None else f"is at revision {plan.head.revision}"
    changed = how_many(plan.units)
    return f"{code(plan.environment)} {at}; commit {code(plan.commit[:12])} changes {changed}."


def diff_markdown(diff: Diff) -> str:
    """What changed between two commits."""
    head = [f"### promptops: {code(f'{diff.before[:12]}..{diff.after[:12]}')}"]
    if not diff.units:
        head.append("No unit changes.")
    return document(head, diff.units, [], f"promptops diff {diff.before[:12]}..{diff.after[:12]}")


def document(
    head: list[str],
    units: tuple[Comparison, ...],
    tail: list[str],
    again: str,
    *,
    most: int = MOST,
    said: str = "",
) -> str:
    """Head, warnings, table, the details that there is room for, tail.

    `again` is the command that shows what had to be left out; `said` is the code of warnings that
    head and tail speak of.
    """
    parts = list(head)
    noted = ((unit, notice) for unit in units for notice in unit.notices)
    warnings = [(unit, notice) for unit, notice in noted if notice.code != said]
    if warnings:
        shown = fitting(
            warnings, _warning, most // 6, lambda left: f"- … and {left:,} more warnings"
        )
        parts.append("**Look twice:**\n\n" + "\n".join(shown))
    if units:
        more = " |" * 6
        shown = fitting(units, row, most // 4, lambda left: f"| … and {left:,} more |{more}")
        parts.append(HEADER + "\n" + "\n".join(shown))
    room = most - length("\n\n".join([*parts, *tail]))
    return "\n\n".join([*parts, *_details(units, room, again), *tail]) + "\n"


def _warning(warning: tuple[Comparison, Notice]) -> str:
    unit, notice = warning
    message = inline(cut(notice.message, LONGEST_WARNING))
    return f"- {code(unit.unit)} **{inline(notice.code)}** {message}"


def _details(units: tuple[Comparison, ...], room: int, again: str) -> list[str]:
    """The details of every unit in a fair share of the room, and a notice where it ends."""
    shown: list[str] = []
    for index, unit in enumerate(units):
        left = len(units) - index
        block = details(unit, max(room // left, LEAST_DETAILS))
        room -= length(block) + 2
        if room < (LEAST_DETAILS if left > 1 else 0):
            notice = f"_Cut: a comment on GitHub has no room for {left:,} more._"
            return [*shown, f"{notice} All of it: {code(again)}"]
        shown.append(block)
    return shown


def what_happens(plan: Plan) -> list[str]:
    """What a merge deploys, and how to go back."""
    if plan.head is None:
        where = suggested.where(plan.environment)
        command = suggested.command("deploy", "--all", *where, "--create")
        made = count(len(plan.units), "unit")
        return [f"**The first deployment** makes {made} live: {code(command)}"]
    frozen = [f"**Frozen:** {inline(line)}" for line in frozen_lines(plan.freeze, plan.environment)]
    return frozen or on_merge(plan.environment, plan.units, plan.head.revision)


def on_merge(environment: str, units: Iterable[Comparison], revision: int | None) -> list[str]:
    """The same for some units, at a revision that may not be known."""
    moved = [unit for unit in units if unit.after and not unit.held]
    if not moved:
        return ["**On merge** nothing is deployed."]
    refused = next((unit for unit in moved if unit.refused), None)
    if refused is not None:
        return [f"**On merge** the deployment is refused, see the warning on {code(refused.unit)}."]
    them = f"{code(moved[0].unit)} goes live"
    if len(moved) > 1:
        them = f"{len(moved)} units go live with one deployment, or none does"
    where = suggested.where(environment)
    said = [f"**On merge** {them}: {code(suggested.command('deploy', '--all', *where))}"]
    were_live = [unit.unit for unit in moved if unit.before]
    if were_live:
        many = "UNIT…" if revision is None else f"--to {revision}"
        back = shlex.join(were_live) if len(were_live) <= 5 else many
        command = code(f"promptops rollback {back} {shlex.join(where)}")
        said.append(f"**To go back**, without git or a build: {command}")
    return said


def _left_alone(plan: Plan) -> Iterator[str]:
    if plan.untouched:
        names = fitting(plan.untouched, code, 2_000, lambda left: f"and {left:,} more")
        yield f"Live and not in git, left alone: {', '.join(names)}"
