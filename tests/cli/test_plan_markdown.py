"""The comment on a pull request: whatever a prompt holds, it stays a comment."""

import re
from typing import Any

import pytest
from hypothesis import example, given, settings

from promptops.cli.markdown import fenced, length
from promptops.cli.plan_markdown import plan_markdown
from promptops.delivery.comparison import Notice, compare
from promptops.delivery.plan import Plan
from promptops.live.records import Head
from tests.cli.comments import HOSTILE, LIMIT, PIECES, assert_harmless, tokens
from tests.releases import prompt, shown


def comment(before: Any, after: Any, notices: tuple[Notice, ...] = (), count: int = 1) -> str:
    """The comment of a plan whose units all change from one release to another."""
    one = compare("greeter", before, after, notices)
    return plan_markdown(
        Plan("production", Head(1, 7), "c" * 40, (one,) * count, ("farewell",), ())
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_prompt_stays_in_its_fence(text: str) -> None:
    before = shown(prompt=prompt("You greet.", "{{ name }}"))
    after = shown(prompt=prompt(f"You greet.\n{text}\nNever {text}", "{{ name }}"))
    for one, other in ((before, after), (after, before)):
        assert_harmless(comment(one, other))


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_hostile_and_stays_is_shown_as_harmlessly(text: str) -> None:
    """Next to a changed line it stands without the marks of a word diff."""
    texts = [f"You are kind.\n{text}\n{rule}" for rule in ("Be brief.", "Be very brief.")]
    one, other = (shown(prompt=prompt(content, "{{ name }}")) for content in texts)
    assert_harmless(comment(one, other))
    short = [f"{text}\n{rule}\n{text}" for rule in ("Be brief.", "Be very brief.")]
    one, other = (shown(prompt=prompt(content, "{{ name }}")) for content in short)
    assert_harmless(comment(one, other))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_stay_in_their_cells(text: str) -> None:
    parts: dict[str, Any] = {
        "model": {"provider": text, "id": text, "version": text},
        "params": {"stop": [text], text: 1},
        "prompt": {**prompt("Hi"), "id": text, "version": text},
        "inputs": {text: {"type": "string"}},
        "output": {"schema": {"enum": [text]}},
        "tools": [{"name": text, "parameters": {}}],
        "retriever": {"index": text, "version": text},
    }
    after = shown(**parts)
    notices = (Notice("held", f"held: {text}", text),)
    for one, other in ((shown(), after), (after, shown()), (None, after)):
        made = comment(one, other, notices)
        assert_harmless(made)
        rows = [token for token in tokens(made) if token.type == "td_open"]
        assert len(rows) == 7


@settings(max_examples=150, deadline=None)
@given(PIECES, PIECES)
def test_no_text_breaks_the_comment(one: str, other: str) -> None:
    before = shown(prompt=prompt(one, other), params={"stop": [one]})
    after = shown(prompt=prompt(other, one, version=one[:20] or "2"), params={"stop": [other]})
    assert_harmless(comment(before, after, (Notice("held", one),)))


@settings(max_examples=300)
@given(PIECES)
@example("```")
@example("a\n`````\n# b")
def test_a_fence_holds_its_text_as_it_is(text: str) -> None:
    shown_text = text.replace("\r", "").replace("`" * 21, "")
    found = [token for token in tokens(fenced(shown_text)) if token.type == "fence"]
    assert len(found) == 1
    assert found[0].content.rstrip("\n") == shown_text.rstrip("\n")


def long_release(seed: int, line: str = "Rule {}: be kind to @octocat and <b>#{}</b>.\n") -> Any:
    text = "".join(line.format(number + seed, number) for number in range(1500))
    return shown(prompt=prompt(text, "{{ name }}"))


@pytest.mark.parametrize("count", [1, 2, 50, 1000])
def test_a_long_plan_is_cut_and_says_so(count: int) -> None:
    made = comment(long_release(0), long_release(7), count=count)
    assert_harmless(made)
    assert "_Cut" in made
    assert "**On merge**" in made
    assert "**To go back**" in made


def test_a_prompt_of_one_endless_line_is_cut_within_it() -> None:
    before, after = (long_release(seed, "word{} 😀 {} ") for seed in (0, 1))
    made = comment(before, after)
    assert_harmless(made)
    assert length(made) > LIMIT / 2


def test_many_warnings_leave_room_for_the_table() -> None:
    notices = tuple(Notice("removed-rule", f"never {'<' * 300} {number}") for number in range(500))
    made = comment(shown(), long_release(0), notices)
    assert_harmless(made)
    assert "more warnings" in made
    assert "| unit | model |" in made


def test_warnings_come_before_the_table_and_the_details() -> None:
    made = comment(shown(), shown(prompt=prompt("You greet.", "{{ name }}")))
    order = [
        made.index(part) for part in ("**Look twice:**", "| unit |", "<details>", "**On merge**")
    ]
    assert order == sorted(order)


def test_the_comment_says_what_happens_and_how_to_go_back() -> None:
    made = comment(shown(), shown(params={"temperature": 0.5}))
    assert "<code>promptops deploy --all --env production</code>" in made
    assert "<code>promptops rollback greeter --env production</code>" in made
    assert "<code>temperature 0.2</code> → <code>temperature 0.5</code>" in made


def test_what_is_held_is_not_said_to_go_live() -> None:
    made = comment(shown(), shown(params={"temperature": 0.5}), (Notice("held", "it is held"),))
    assert "**minor, held**" in made
    assert "**On merge** nothing is deployed." in made


def test_an_environment_with_a_strange_name_cannot_close_the_marker() -> None:
    made = plan_markdown(Plan("a --> <b>", None, "c" * 40, (), (), ()))
    assert re.match(r"<!-- promptops:plan a_--__b_|<!-- promptops:plan a_--___b_ ", made)
    assert made.count("-->") == 1
