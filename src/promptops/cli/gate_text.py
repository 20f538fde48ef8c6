"""A gate's verdict for the terminal."""

from collections.abc import Iterator

import click

from promptops.cli import gate_words
from promptops.cli.findings import as_text, counted
from promptops.cli.frozen import frozen_lines
from promptops.cli.output import count, in_line
from promptops.cli.plan_text import unit_lines
from promptops.delivery.gate import EnvironmentGate, Gate
from promptops.finding import errors_in

_COLOURS = {"pass": "green", "fail": "red"}


def gate_text(gate: Gate) -> str:
    """Findings, each environment, and the verdict as the last line."""
    parts = [*map(as_text, gate.findings), counted(gate.units, gate.findings)]
    if gate.in_both:
        names = ", ".join(map(in_line, gate.in_both))
        parts.append(
            f"the base has changed {names} as well: merge it into the change to see what comes out"
        )
    parts += ["\n".join(_environment(gate, item)) for item in gate.environments]
    why = "; ".join(_why(gate))
    return "\n\n".join([*parts, f"gate: {_verdict(gate.verdict)}" + (f" ({why})" if why else "")])


def _verdict(word: str) -> str:
    return click.style(word, fg=_COLOURS[word], bold=True)


def _why(gate: Gate) -> Iterator[str]:
    if errors := errors_in(gate.findings):
        yield count(len(errors), "error")
    if any(finding.code == "no-return" for finding in errors):
        yield "point of no return"
    for item in gate.environments:
        if item.error:
            yield f"{item.environment}: the store could not be asked"
        if item.lost:
            yield f"{item.environment}: the store lost it"
        if item.refused:
            yield f"{item.environment}: {count(len(item.refused), 'unit')} held"


def _environment(gate: Gate, item: EnvironmentGate) -> Iterator[str]:
    yield f"{click.style(item.environment, bold=True)}: {_verdict(gate.verdict_in(item))}"
    if item.plan and item.plan.head:
        what = f"at revision {item.plan.head.revision}; deploying {gate.commit[:12]}"
    else:
        what = f"{gate_words.why_no_plan(item)}; {gate.base[:12]}..{gate.commit[:12]}"
    units = gate_words.shown_units(item)
    yield from frozen_lines(item.freeze, item.environment)
    unseen = "" if units or gate.unbuilt else "; what is not committed is not looked at"
    yield f"{what} changes {gate_words.how_much(gate, item)}{unseen}"
    for unit in units:
        yield ""
        yield from unit_lines(unit)
    notes = [*_notes(item)]
    yield from ["", *notes] if notes else ()


def _notes(item: EnvironmentGate) -> Iterator[str]:
    if item.lost:
        yield f"refused: {item.environment}: nothing is deployed before a restore"
        yield in_line(f"  = help: {gate_words.restore_first(item)}")
    for held in item.refused:
        yield in_line(f"refused: {held.unit}: {gate_words.held_again(held)}")
        yield in_line(f"  = help: change the prompt, or {gate_words.lift(held, item)}")
    for unit in gate_words.still_live(item):
        yield in_line(f"gone from git with this change, and left alone where it is live: {unit}")
    for unit, said in gate_words.elsewhere(item):
        yield in_line(f"not of this change: {unit}: {said}")
