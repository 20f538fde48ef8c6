"""A gate's verdict as Markdown: the comment about an environment, and the summary of a run."""

from collections.abc import Iterator

from promptops.cli.findings import counted
from promptops.cli.findings_markdown import as_markdown
from promptops.cli.markdown import code, fitting, inline
from promptops.cli.plan_markdown import document, marker, plan_again, stands, what_happens
from promptops.delivery.gate import EnvironmentGate, Gate
from promptops.manifest.digest import short

MOST_FINDINGS = 12_000
MOST_NAMED = 4_000


def gate_markdown(gate: Gate) -> str:
    """All environments, each as its comment says it; the findings once."""
    first, *others = gate.environments
    parts = [environment_markdown(gate, first)]
    parts += [environment_markdown(gate, item, findings=False) for item in others]
    return "\n".join(parts)


def environment_markdown(gate: Gate, item: EnvironmentGate, *, findings: bool = True) -> str:
    """One environment; its first line is a marker that names the plan."""
    failed = gate.verdict == "fail" if findings else item.verdict == "fail"
    name = item.plan.digest if item.plan else f"{gate.base[:12]}..{gate.commit[:12]}"
    head = [
        marker("gate", item.environment, name),
        f"### promptops: gate for {code(item.environment)}: {'❌ fail' if failed else '✅ pass'}",
    ]
    if findings:
        line = counted(gate.units, gate.findings)
        head.append(as_markdown(gate.findings, line, MOST_FINDINGS))
    head += _refused(item)
    since = f"{gate.base[:12]}..{gate.commit[:12]}"
    tail = [*(what_happens(item.plan) if item.plan else ()), *_elsewhere(item)]
    if item.plan and item.plan.head:
        again = plan_again(item.plan)
        return document([*head, stands(item.plan)], item.plan.units, tail, again)
    again = f"promptops diff {since} --env {item.environment}"
    return document([*head, _since(item, since)], item.changes, tail, again)


def _since(item: EnvironmentGate, since: str) -> str:
    """Why the change is shown, and not what differs from what is live."""
    changed = f"This is what {code(since)} changes"
    if item.offline:
        return f"The store was not asked. {changed}, whatever is live."
    if item.plan is None:
        return f"No plan while there are errors. {changed} in the units without."
    count = len(item.plan.units)
    return (
        f"{code(item.environment)} is new: a deployment makes {count} "
        f"unit{'' if count == 1 else 's'} live. {changed}."
    )


def _refused(item: EnvironmentGate) -> Iterator[str]:
    for held in item.refused:
        yield (
            f"**Held:** {code(held.unit)} would be {code(short(held.digest))} again, which is held "
            f"since {held.at}: {inline(held.reason)}. Change the prompt, or "
            f"{code(f'promptops hold {held.unit} {short(held.digest)} --lift')}"
        )


def _elsewhere(item: EnvironmentGate) -> Iterator[str]:
    """What is so with or without this change."""
    held = [f"{code(one.unit)} {code(short(one.digest))}" for one in item.held if not one.in_change]
    drift = [f"{code(one.unit)} {one.state}" for one in item.drift]
    if drift:
        yield f"**Drift**, not of this change: {_listed(drift)}"
    if held:
        yield f"**Held**, not of this change, left alone: {_listed(held)}"


def _listed(items: list[str]) -> str:
    return ", ".join(fitting(items, MOST_NAMED, lambda left: f"and {left:,} more"))
