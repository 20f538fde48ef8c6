"""What a gate's verdict says beside the units that change; in a terminal as on GitHub."""

import shlex
from collections.abc import Iterator

from promptops.cli import suggested
from promptops.cli.output import count
from promptops.cli.plan_text import how_many
from promptops.delivery.comparison import Comparison
from promptops.delivery.gate import EnvironmentGate, Gate, Held
from promptops.delivery.lost import brings_back
from promptops.manifest.digest import short

_DRIFT = {
    "behind": "an older commit than the base is live",
    "ahead": "a newer commit than the base is live",
    "drifted": "what is live is from no commit that the base is known to hold",
    "orphan": "it is live and not in git, and no deployment removes it",
    "safe mode": "it is in safe mode, and left alone",
    "retired": "it was retired; a deployment brings back what is not the same as then",
    "invalid": "it is live, and has errors in the base",
}


def shown_units(item: EnvironmentGate) -> tuple[Comparison, ...]:
    """What a deployment changes; what the change does, where no plan says that."""
    return item.plan.units if item.plan and item.plan.head else item.changes


def how_much(gate: Gate, item: EnvironmentGate) -> str:
    """How many units change, as far as that can be told."""
    said = how_many(shown_units(item))
    return f"{said} among the units that can be built" if gate.unbuilt else said


def why_no_plan(item: EnvironmentGate) -> str:
    """Why what is shown is not compared with what is live."""
    if item.offline:
        return "the store was not asked"
    if item.error:
        return "the store could not be asked"
    if item.lost:
        return f"the store lost it: {item.lost.says}"
    if item.plan is None:
        return "no plan while there are errors"
    return f"it is new, and a deployment makes {count(len(item.plan.units), 'unit')} live"


def restore_first(item: EnvironmentGate) -> str:
    """The commands that bring back what the store lost."""
    return brings_back(shlex.join(suggested.where(item.environment)))


def held_again(held: Held) -> str:
    """Why a unit of the change fails."""
    return f"its new content {short(held.digest)} is held since {held.at}: {held.reason}"


def lift(held: Held, item: EnvironmentGate) -> str:
    """The command that lets it in again."""
    where = suggested.where(item.environment)
    return suggested.command("hold", held.unit, short(held.digest), "--lift", *where)


def still_live(item: EnvironmentGate) -> list[str]:
    """What the change deletes, and no deployment does; all, where nobody knows what is live."""
    return [
        unit.unit
        for unit in item.changes
        if unit.after is None and (item.plan is None or unit.unit in item.plan.untouched)
    ]


def elsewhere(item: EnvironmentGate) -> Iterator[tuple[str, str]]:
    """Units, and what is so about them with or without this change."""
    said = {drift.unit: [_DRIFT[drift.state]] for drift in item.drift}
    for held in item.held:
        if not held.in_change:
            why = f"{short(held.digest)} is held since {held.at}, and left alone: {held.reason}"
            said.setdefault(held.unit, []).append(why)
    changed = {unit.unit for unit in item.changes}
    for unit in item.plan.units if item.plan and item.plan.head else ():
        if unit.unit not in changed and not unit.held:
            said.setdefault(unit.unit, []).append("it goes live as well")
    for name, sentences in sorted(said.items()):
        yield name, "; ".join(sentences)
