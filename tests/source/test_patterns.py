"""Patterns that take exponential time are told from those that only look like it."""

import time
from contextlib import suppress

import pytest

from promptops.source.json_schema import problems_of
from promptops.source.patterns import Patience, TooLarge, is_catastrophic


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
        r"^(a|aa)+$",
        r"^(a|b|ab)*c",
        r"^(?:ab|abab)+$",
        r"^(?:ab|a|bab)+$",
        r"^(?:a{12}|a{20})+$",
        r"^(aa?)+$",
        r"^(\d{1,3},?)+$",
        r"^(\.(\d+|\w+))*$",
        r"^((a?)*b)+$",
        r"^(?:(?:a|)?b)+$",
        r"(?=(a|aa)+$)",
        r"^(a*+b?b)+$",
        r'"(?:[^"\\]+|\\.)*"',
        r"^([/\w .-]*)*/?$",
        r"^[a-z0-9](([-.]|[_]+)?([a-z0-9]+))*@[a-z]+$",
    ],
)
def test_a_repeat_that_runs_into_its_next_round(pattern: str) -> None:
    assert is_catastrophic(pattern, Patience())


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
        r"^(.*\n)*$",
        r"^((?=x(?:ab|[a-c]b)d)y)+$",
        r"^(?>a*;?)+$",
        r"^(a*+b)+$",
        r"^(?:[A-Z][a-z]*)+$",
        r"^\+?(\d[ -]?)+$",
        r"^(?:/(?:[^~/]|~0|~1)*)*$",
        r"^(?:(?:MON|TUE|WED|THU|FRI|SAT|SUN)(?:,|$))+$",
        r"^\d{1,3}(,\d{3})*(\.\d+)?$",
        r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        # A UUID, a time, a semantic version, a host's name, an address: as they are passed around.
        r"^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        r"^\d{4}-(0[1-9]|1[0-2])-\d\dT\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$",
        (
            r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-]"
            r"[0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?"
            r"(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$"
        ),
        (
            r"^(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]*[a-zA-Z0-9])\.)*"
            r"([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\-]*[A-Za-z0-9])$"
        ),
        (
            r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
            r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$"
        ),
    ],
)
def test_a_repeat_with_a_border(pattern: str) -> None:
    assert not is_catastrophic(pattern, Patience())


@pytest.mark.parametrize(
    "pattern",
    [
        "(" * 90 + "ab" + ")*" * 90,
        f"({'(ab)' * 400})*",
        f"({'(ab|cd)' * 250})*",
        f"({'(ab+|cd+)' * 200})*",
        "(ab+" * 90 + ")+" * 90,
        "(" + "a?" * 900 + "b)+",
        "(" * 12 + r"[\w\d\s!-~]" + "{9})" * 12 + "+",
        "(" * 400 + "a" + ")" * 400 + "+",
    ],
)
def test_the_question_itself_is_answered_fast(pattern: str) -> None:
    started = time.process_time()
    with suppress(TooLarge):
        is_catastrophic(pattern, Patience())
    assert time.process_time() - started < 0.5


def test_the_patience_is_for_all_patterns_of_a_schema() -> None:
    patterns: dict[str, object] = {
        f"^(?:((ab?){{9}}c){{9}}|{number})+$": {} for number in range(500)
    }
    started = time.process_time()
    problems = problems_of({"patternProperties": patterns})
    assert time.process_time() - started < 1
    assert [message for _, message, _ in problems] == [
        "its patterns are too large for anybody to tell whether they take hours to check"
    ]
