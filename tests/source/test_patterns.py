"""Patterns that take exponential time are told from those that only look like it."""

import time

import pytest

from promptops.source.patterns import is_catastrophic


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"^(\w+\s*)*$",
        r"([a-z]*)*",
        r"(x+x+)+y",
        r"(?P<x>a{2,})+",
        r"(?:(?:a|b+))+",
        r"^([^,]+,?)*$",
        r"((ab?)+c*)*",
        r"(.*a){20}",
    ],
)
def test_a_repeat_that_runs_into_its_next_round(pattern: str) -> None:
    assert is_catastrophic(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[a-z0-9]+(?:-[a-z0-9]+)*$",
        r"^([a-z]+-)*[a-z]+$",
        r"^(\d+,)*\d+$",
        r"^\d{4}-\d{2}-\d{2}$",
        r'"(?:[^"\\]|\\.)*"',
        r"(ab+)+",
        r"(?:\d{1,3}\.){3}\d{1,3}",
        r"^[\w.+-]+@([\w-]+\.)+[a-z]{2,}$",
        r"a*b*c*",
    ],
)
def test_a_repeat_with_a_border(pattern: str) -> None:
    assert not is_catastrophic(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 90 + "ab" + ")*" * 90,
        f"({'(ab)' * 400})*",
        f"({'(ab|cd)' * 250})*",
        f"({'(ab+|cd+)' * 200})*",
        "(ab+" * 90 + ")+" * 90,
    ],
)
def test_the_question_itself_is_answered_fast(pattern: str) -> None:
    started = time.process_time()
    is_catastrophic(pattern)
    assert time.process_time() - started < 0.5
