"""A gate's verdict as Markdown: the comment about an environment, and the summary of a run."""

from collections.abc import Callable, Iterable, Iterator

from promptops.cli import gate_words, suggested
from promptops.cli.findings import counted
from promptops.cli.findings_markdown import as_markdown
from promptops.cli.markdown import Item, code, fitting, inline
from promptops.cli.output import count, cut
from promptops.cli.plan_markdown import (
    LONGEST_WARNING,
    MOST,
    document,
    marker,
    on_merge,
    what_happens,
)
from promptops.delivery.gate import EnvironmentGate, Gate, Held
from promptops.finding import errors_in


def gate_markdown(gate: Gate) -> str:
    """All environments in one comment; what is so in each of them is said once."""
    share = MOST // len(gate.environments)
    first = gate.environments[0]
    parts = fitting(
        gate.environments,
        lambda item: environment_markdown(gate, item, share, first=item is first),
        MOST,
        lambda left: f"_Cut: a comment on GitHub has no room for {count(left, 'environment')}._",
    )
    return "\n".join(parts)


def environment_markdown(
    gate: Gate, item: EnvironmentGate, most: int = MOST, *, first: bool = True
) -> str:
    """One environment in about `most` characters; its first line is a marker that names the plan.

    Only with `first` it says what is so in every environment.
    """
    since = f"{gate.base[:12]}..{gate.commit[:12]}"
    verdict = "✅ pass" if gate.verdict_in(item) == "pass" else "❌ fail"
    head = [
        marker("gate", item.environment, item.plan.digest if item.plan else since),
        f"### promptops: gate for {code(item.environment)}: {verdict}",
        *(_everywhere(gate, most) if first else ()),
        *_list("**Held**, so this fails:", item.refused, lambda held: _refused(held, item), most),
        _changes(gate, item, since),
    ]
    tail = _what_happens(gate, item)
    gone = "**Gone from git** with this change; no deployment removes what is live:"
    tail += _list(gone, gate_words.still_live(item), code, most)
    tail += _list("**Not of this change:**", gate_words.elsewhere(item), _elsewhere, most)
    commits = ("--base", gate.base[:12], "--commit", gate.commit[:12])
    where = (*suggested.where(item.environment), *["--offline"] * item.offline)
    again = suggested.command("gate", *commits, *where)
    return document(head, gate_words.shown_units(item), tail, again, most=most, said="held")


def _everywhere(gate: Gate, most: int) -> Iterator[str]:
    yield as_markdown(gate.findings, counted(gate.units, gate.findings), most // 6)
    changed = "**The base has changed them as well:** merge it to see what comes out."
    yield from _list(changed, gate.in_both, code, most)


def _what_happens(gate: Gate, item: EnvironmentGate) -> list[str]:
    if errors_in(gate.findings):
        return ["**On merge** nothing is deployed while there are errors."]
    if item.lost:
        first = code(gate_words.restore_first(item))
        return [f"**Lost**, so this fails: nothing is deployed before a restore: {first}"]
    return what_happens(item.plan) if item.plan else on_merge(item.environment, item.changes, None)


def _changes(gate: Gate, item: EnvironmentGate, since: str) -> str:
    """What the table below compares."""
    changed = gate_words.how_much(gate, item)
    if item.plan and item.plan.head:
        at = f"{code(item.environment)} is at revision {item.plan.head.revision};"
        return f"{at} deploying {code(gate.commit[:12])} changes {changed}."
    why = gate_words.why_no_plan(item)
    return f"{why[0].upper()}{why[1:]}. So this is what {code(since)} changes: {changed}."


def _refused(held: Held, item: EnvironmentGate) -> str:
    said = inline(cut(gate_words.held_again(held), LONGEST_WARNING))
    return f"{code(held.unit)}: {said}. Change the prompt, or {code(gate_words.lift(held, item))}"


def _elsewhere(noted: tuple[str, str]) -> str:
    unit, said = noted
    return f"{code(unit)}: {inline(cut(said, LONGEST_WARNING))}"


def _list(
    title: str, items: Iterable[Item], written: Callable[[Item], str], most: int
) -> list[str]:
    shown = fitting(
        items,
        lambda item: f"- {written(item)}",
        most // 20,
        lambda left: f"- … and {left:,} more",
    )
    return ["\n".join([title, "", *shown])] if shown else []
