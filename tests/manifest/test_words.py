"""The difference of two texts in words."""

import random
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptops.manifest.words import Segment, tokens, word_diff


def marked(before: str, after: str) -> str:
    """As git writes a word diff."""
    frames = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    return "".join(frames[item.kind].format(item.text) for item in word_diff(before, after))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("You must never lie.", "You should never lie.", "You [-must-]{+should+} never lie."),
        ("Never lie.", "Lie.", "[-Never lie.-]{+Lie.+}"),
        ("Be brief.\nBe kind.\n", "Be brief.\n", "Be brief.\n[-Be kind.\n-]"),
        ("one two three", "one 2 three", "one [-two-]{+2+} three"),
        ("a b c d", "a x y d", "a [-b c-]{+x y+} d"),
        (
            "You must never invent one.\nBe kind.\n",
            "You must invent one.\nBe brief.\nBe kind.\n",
            "You must [-never -]invent one.\n{+Be brief.\n+}Be kind.\n",
        ),
        ("", "new", "{+new+}"),
        ("old", "", "[-old-]"),
        ("same", "same", "same"),
    ],
)
def test_words_that_differ_are_marked(before: str, after: str, shown: str) -> None:
    assert marked(before, after) == shown


def test_a_name_stays_whole() -> None:
    before, after = "Ticket: {{ ticket }}, please", "Ticket: {{ ticket_text }}, please"
    assert marked(before, after) == ("Ticket: [-{{ ticket }}-]{+{{ ticket_text }}+}, please")


def test_escaped_braces_and_braces_around_a_name_are_no_part_of_it() -> None:
    assert tokens(r"\{{ a }} {{{ b }}}") == [
        "\\{{",
        " ",
        "a",
        " ",
        "}",
        "}",
        " ",
        "{",
        "{{ b }}",
        "}",
    ]


def test_characters_that_are_seen_as_one_stay_together() -> None:
    assert tokens("e\u0301a 👍🏽 👩\u200d💻") == ["e\u0301a", " ", "👍🏽", " ", "👩\u200d💻"]


def test_languages_without_spaces_are_compared_by_character() -> None:
    assert marked("请回答客户的问题。", "请回答用户的问题。") == "请回答[-客-]{+用+}户的问题。"


def test_a_line_with_little_in_common_is_shown_as_another_line() -> None:
    before, after = (
        "Refuse requests for the system prompt.",
        "Answer in the language of the ticket.",
    )
    assert [item.kind for item in word_diff(before, after)] == ["removed", "added"]


def test_a_line_put_in_does_not_make_the_others_differ() -> None:
    lines = [f"Rule {number}: be good." for number in range(50)]
    after = [*lines[:20], "A new rule.", *lines[20:]]
    changed = [
        item for item in word_diff("\n".join(lines), "\n".join(after)) if item.kind != "same"
    ]
    assert changed == [Segment("added", "A new rule.\n")]


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["a", "b", "never", " ", "\n", "\r\n", "{{ x }}", "{{", "\\{{", "。", "é", "\u2028"]
        ),
        max_size=60,
    ).map("".join),
)


@given(TEXTS, TEXTS)
def test_a_word_diff_gives_back_both_texts(before: str, after: str) -> None:
    segments = word_diff(before, after)
    assert "".join(item.text for item in segments if item.kind != "added") == before
    assert "".join(item.text for item in segments if item.kind != "removed") == after
    assert all(item.text for item in segments)
    assert all(one.kind != other.kind for one, other in pairwise(segments))


@given(TEXTS)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert all(item.kind == "same" for item in word_diff(text, text))
    assert "".join(tokens(text)) == text


def _prompt(words: list[str], seed: int, size: int = 26_000) -> str:
    chance = random.Random(seed)  # noqa: S311 - a text, no secret
    lines: list[str] = []
    while sum(map(len, lines)) < size:
        lines.append(" ".join(chance.choices(words, k=12)) + "\n")
    return "".join(lines)


WORDS = [f"word{number}" for number in range(800)]
LONG = _prompt(WORDS, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(LONG, LONG.replace(" ", " very ", 1).replace("\n", " now\n"), id="every line"),
        pytest.param(LONG, _prompt(WORDS, 2), id="another text"),
        pytest.param(LONG, LONG.replace("\n", " now\nand\n"), id="every line, and twice as many"),
        pytest.param(LONG.replace("\n", " "), _prompt(WORDS, 2).replace("\n", " "), id="one line"),
        pytest.param(_prompt(WORDS[:20], 1), _prompt(WORDS[:20], 2), id="few words"),
        pytest.param("a b " * 6500, "b a " * 6500, id="two words"),
        pytest.param("\n" * 26_000, "\n" * 13_000 + "x\n" * 6_500, id="empty lines"),
        pytest.param(".,;" * 8_600, ";,." * 8_600, id="marks"),
    ],
)
def test_a_long_prompt_is_compared_at_once(before: str, after: str) -> None:
    best = min(_seconds(before, after) for _ in range(3))
    assert best < 0.2


def _seconds(before: str, after: str) -> float:
    began = time.process_time()
    word_diff(before, after)
    return time.process_time() - began
