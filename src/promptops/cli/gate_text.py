"""A gate's verdict for the terminal."""

from collections.abc import Iterator

import click

from promptops.cli.findings import as_text, counted
from promptops.cli.output import printable
from promptops.cli.plan_text import unit_lines
from promptops.delivery.gate import EnvironmentGate, Gate, Held
from promptops.manifest.digest import short

_COLOURS = {"pass": "green", "fail": "red"}


def gate_text(gate: Gate) -> str:
    """Findings, each environment, and the verdict as the last line."""
    parts = [*map(as_text, gate.findings), counted(gate.units, gate.findings)]
    parts += ["\n".join(_environment(gate, item)) for item in gate.environments]
    return "\n\n".join([*parts, f"gate: {_verdict(gate.verdict)}"])


def _verdict(word: str) -> str:
    return click.style(word, fg=_COLOURS[word], bold=True)


def _environment(gate: Gate, item: EnvironmentGate) -> Iterator[str]:
    commit = gate.commit[:12]
    units = item.plan.units if item.plan and item.plan.head else item.changes
    count = f"{len(units)} unit{'' if len(units) == 1 else 's'}"
    yield f"{click.style(item.environment, bold=True)}: {_verdict(item.verdict)}"
    if item.plan and item.plan.head:
        yield f"at revision {item.plan.head.revision}; commit {commit} changes {count}"
    else:
        yield f"{_no_plan(item)}; {gate.base[:12]}..{commit} changes {count}"
    for unit in units:
        yield ""
        yield from unit_lines(unit)
    if units and (item.held or item.drift):
        yield ""
    for held in item.held:
        yield _held(held)
    for drift in item.drift:
        yield f"drift, not of this change: {printable(drift.unit)} {drift.state}"


def _no_plan(item: EnvironmentGate) -> str:
    if item.offline:
        return "the store was not asked"
    if item.plan is None:
        return "no plan while there are errors"
    count = len(item.plan.units)
    return f"it is new, and a deployment makes {count} unit{'' if count == 1 else 's'} live"


def _held(held: Held) -> str:
    digest = short(held.digest)
    said = f"{printable(held.unit)} {digest} is held since {held.at}: {printable(held.reason)}"
    if not held.in_change:
        return f"held, not of this change: {said}"
    lift = f"promptops hold {printable(held.unit)} {digest} --lift"
    return f"refused: {said}\n  = help: change the prompt, or {lift}"
