"""`live.parse`: an answer of the model, checked against the output schema of the release."""

from typing import Any

import pytest

from promptops import AnswerError, PromptopsError
from promptops.client.live import LiveRelease
from promptops.errors import UsageError
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.releases import put_live, triage

SCHEMA: Any = {
    "type": "object",
    "required": ["team"],
    "properties": {"team": {"enum": ["billing", "shipping"]}, "steps": {"items": {"minLength": 1}}},
}


@pytest.fixture
def live(embedded: Store, embedded_url: str, started: Starter) -> LiveRelease:
    put_live(embedded, triage(output={"schema": SCHEMA}))
    return started(embedded_url, hint=False).get("support-triage")


def test_an_answer_that_fits_is_given_back_as_its_value(live: LiveRelease) -> None:
    assert live.parse(' {"team": "billing", "steps": ["ask"]}\n') == {
        "team": "billing",
        "steps": ["ask"],
    }


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            '{"team": "sales"}',
            ("team",),
            (
                "the answer to support-triage does not fit its schema: "
                "team is none of 'billing', 'shipping'"
            ),
        ),
        (
            '{"team": "billing", "steps": ["ask", ""]}',
            ("steps", 1),
            (
                "the answer to support-triage does not fit its schema: "
                "steps[1] has 0 characters, under 1"
            ),
        ),
        (
            "[]",
            (),
            "the answer to support-triage does not fit its schema: it is an array, not an object",
        ),
        (
            '{"team": ',
            (),
            "the answer to support-triage is no JSON: Expecting value, line 1 column 10",
        ),
        (
            '```json\n{"team": "billing"}\n```',
            (),
            (
                "the answer to support-triage is no JSON: Expecting value, line 1 column 1 "
                "(it stands in a code fence: ask for bare JSON in the prompt)"
            ),
        ),
        (
            '{"team": NaN}',
            (),
            "the answer to support-triage is no JSON that can be read: NaN is no number of JSON",
        ),
    ],
)
def test_an_answer_that_does_not_fit_says_where_and_how(
    live: LiveRelease, text: str, path: tuple[str | int, ...], message: str
) -> None:
    with pytest.raises(AnswerError) as caught:
        live.parse(text)
    assert (str(caught.value), caught.value.path) == (message, path)
    assert caught.value.reason in message


def test_an_answer_that_is_nested_too_deep_is_an_answer_error(live: LiveRelease) -> None:
    with pytest.raises(AnswerError, match="is no JSON that can be read"):
        live.parse('{"team":' + "[" * 100_000)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "this release of support-triage has no output schema: its answer is free text"),
        (
            {"output": {"schema": {"unevaluatedItems": False}}},
            "support-triage: answers cannot be checked by the keyword 'unevaluatedItems'",
        ),
    ],
)
def test_a_release_whose_answers_cannot_be_checked_says_so(
    embedded: Store, embedded_url: str, started: Starter, changes: Any, message: str
) -> None:
    put_live(embedded, triage(**changes))
    live = started(embedded_url, hint=False).get("support-triage")
    with pytest.raises(PromptopsError) as caught:
        live.parse("{}")
    assert (type(caught.value), caught.value.message) == (UsageError, message)
