"""The comment of a gate: what a reviewer reads, and nothing that a prompt wants GitHub to do."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from promptops.cli.gate_markdown import environment_markdown, gate_markdown
from promptops.cli.markdown import length
from promptops.delivery.comparison import Comparison, Notice, compare
from promptops.delivery.gate import Drift, EnvironmentGate, Gate, Held
from promptops.delivery.plan import Plan
from promptops.errors import StoreUnreachable
from promptops.finding import Finding, Place
from promptops.live.records import Head
from tests.cli.comments import HOSTILE, LIMIT, PIECES, assert_harmless
from tests.cli.gate.reading import GATE
from tests.cli.projects import Project, clean_variables, new_project
from tests.releases import prompt, shown

SITUATIONS = ["planned", "new", "errors", "offline", "unreachable"]


def unit(name: str = "greeter", text: str = "You greet.", **parts: Any) -> Comparison:
    """A unit whose prompt changes."""
    after = shown(prompt=prompt(text, "{{ name }}"), **parts)
    return compare(name, shown(), after, [Notice("older", f"older: {text}", text)])


def environment(
    units: tuple[Comparison, ...] = (unit(),),
    situation: str = "planned",
    name: str = "production",
    **facts: Any,
) -> EnvironmentGate:
    plan = Plan(name, Head(1, 7), "c" * 40, units, (), ()) if situation == "planned" else None
    if situation == "new":
        plan = Plan(name, None, "c" * 40, units, (), ())
    error = StoreUnreachable("it does not answer") if situation == "unreachable" else None
    return EnvironmentGate(name, units, plan, offline=situation == "offline", error=error, **facts)


def held(unit: str, text: str, *, in_change: bool = True) -> Held:
    return Held(unit, f"sha256:{'1' * 64}", text, "2026-11-20T10:00:00Z", in_change)


def judged(*items: EnvironmentGate, findings: int = 0, text: str = "x", **facts: Any) -> Gate:
    found = (Finding("E302", text, Place(3, 5, 4), text, text, text),) * findings
    return Gate("b" * 40, "c" * 40, 2, found, items, **facts)


def hostile(text: str, situation: str) -> Gate:
    """The text stands wherever one of somebody else's can."""
    units = (unit(text, text, params={"stop": [text]}), unit(text, f"{text}\nNever {text}"))
    holds = (held(text, text), held(text, text, in_change=False))
    drift = tuple(Drift(text, state) for state in ("behind", "drifted", "orphan"))
    item = environment(units, situation, held=holds, drift=drift)
    return judged(item, findings=3 if situation == "errors" else 0, text=text, in_both=(text,))


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_not_obeyed(text: str, situation: str) -> None:
    assert_harmless(gate_markdown(hostile(text, situation)))


@settings(max_examples=100, deadline=None)
@given(PIECES)
def test_no_text_breaks_the_comment(text: str) -> None:
    assert_harmless(gate_markdown(hostile(text, "planned")))
    assert_harmless(gate_markdown(hostile(text, "errors")))


def many(name: str, situation: str) -> EnvironmentGate:
    """300 units of long prompts that change, of which a part is held for long reasons."""
    text = "".join(f"Rule {n}: be kind to @octocat and <b>#{n}</b>.\n" for n in range(500))
    units = (unit(f"unit-{'x' * 50}", text),) * 300
    holds = tuple(held(f"unit-{n}", text, in_change=n % 2 == 0) for n in range(300))
    drift = tuple(Drift(f"unit-{n}", "drifted") for n in range(2000))
    return environment(units, situation, name, held=holds, drift=drift)


@pytest.mark.parametrize("count", [1, 2, 50])
@pytest.mark.parametrize("situation", ["planned", "errors"])
def test_any_number_of_units_findings_and_environments_is_one_comment(
    situation: str, count: int
) -> None:
    items = [many(f"place-{number}", situation) for number in range(count)]
    names = tuple(f"unit-{'x' * 50}-{n}" for n in range(500))
    gate = judged(*items, findings=5000, text="It's wrong. " * 20, in_both=names)
    made = gate_markdown(gate)
    shown = made.count("### promptops: gate")
    assert_harmless(made, markers=shown)
    assert length(made) > LIMIT / 2
    assert shown == count or f"has no room for {count - shown} environments._" in made
    for part in ("… and ", "**Held**", "more warnings", "**Not of this change:**", "_Cut:"):
        assert part in made
    alone = environment_markdown(gate, items[0])
    assert_harmless(alone)
    assert "**On merge**" in alone


def test_what_matters_most_comes_first() -> None:
    refused = (held("greeter", "it lies"),)
    item = environment(held=refused, drift=(Drift("ghost", "orphan"),))
    made = gate_markdown(judged(item, findings=1))
    parts = [
        "gate for",
        "error E302",
        "**Held**",
        "is at revision 7",
        "**Look twice:**",
        "| unit |",
    ]
    parts += ["<details>", "**On merge**", "**Not of this change:**"]
    order = [made.index(part) for part in parts]
    assert order == sorted(order)


def test_the_first_line_is_a_marker_that_names_the_plan() -> None:
    item = environment()
    assert item.plan is not None
    first = gate_markdown(judged(item)).split("\n")[0]
    assert first == f"<!-- promptops:gate production {item.plan.digest} -->"
    first = gate_markdown(judged(environment(situation="offline"))).split("\n")[0]
    assert first == f"<!-- promptops:gate production {'b' * 12}..{'c' * 12} -->"


@pytest.mark.parametrize("situation", ["planned", "offline"])
def test_a_reviewer_reads_what_a_merge_does_and_how_to_go_back(situation: str) -> None:
    changed = compare("greeter", shown(), shown(params={"temperature": 0.5}))
    gone = compare("farewell", shown(), None)
    made = gate_markdown(judged(environment((changed, gone), situation)))
    assert "**On merge** <code>greeter</code> goes live: <code>promptops deploy --all" in made
    assert "<code>promptops rollback greeter --env production</code>" in made
    many_units = (changed,) * 9
    made = gate_markdown(judged(environment(many_units, situation)))
    where = "--to 7" if situation == "planned" else "UNIT…"
    assert f"<code>promptops rollback {where} --env production</code>" in made


def test_a_new_environment_is_made_by_hand() -> None:
    made = gate_markdown(judged(environment(situation="new")))
    assert "It is new, and a deployment makes 1 unit live. So this is what" in made
    assert "<code>promptops deploy --all --env production --create</code>" in made


@pytest.mark.parametrize(
    ("situation", "why"),
    [
        ("offline", "The store was not asked."),
        ("unreachable", "The store could not be asked."),
        ("errors", "No plan while there are errors."),
    ],
)
def test_a_comment_without_a_plan_says_why(situation: str, why: str) -> None:
    made = gate_markdown(judged(environment(situation=situation)))
    assert f"{why} So this is what <code>{'b' * 12}..{'c' * 12}</code> changes: 1 unit." in made


def test_the_environment_that_fails_is_the_one_that_says_so() -> None:
    refused = (held("greeter", "it lies"),)
    fails, passes = environment(held=refused), environment(name="staging")
    gate = judged(fails, passes)
    assert "gate for <code>production</code>: ❌ fail" in environment_markdown(gate, fails)
    assert "gate for <code>staging</code>: ✅ pass" in environment_markdown(gate, passes)
    assert "<code>promptops hold greeter 111111111111 --lift --env production</code>" in (
        gate_markdown(gate)
    )


# --- from a repository ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A change of 300 units, each of which has a prompt of 4 KB."""
    folder = tmp_path_factory.mktemp("large")
    project = new_project(folder / "project", clean_variables(folder / "home"))
    for text in ("Never be rude to @octocat. <!-- #{} -->\n", "Be kind to @octocat. <b>#{}</b>\n"):
        for number in range(300):
            project.unit(f"unit-{number}", "".join(text.format(line) for line in range(100)))
        project.commit("300 units")
    return project


def test_the_comment_about_300_long_prompts_fits(large: Project, tmp_path: Path) -> None:
    done = large.here(*GATE, "--base", "HEAD^", "--offline", "-o", "markdown")
    assert done.code == 0
    assert_harmless(done.out)
    assert "changes: 300 units." in done.out


def test_the_comment_about_thousands_of_findings_fits(large: Project, tmp_path: Path) -> None:
    broken = large.copy(tmp_path / "broken")
    for number in range(300):
        unknown = " ".join(f"{{{{ guest_{each} }}}}" for each in range(10))
        broken.unit(f"unit-{number}", f"Be kind. {unknown}\n@octocat -->")
    broken.commit("mistakes")
    done = broken.here(*GATE, "--base", "HEAD^", "--offline", "-o", "markdown")
    assert done.code == 1
    assert_harmless(done.out)
    assert "checked 302 manifests: 3000 errors, 0 warnings" in done.out
