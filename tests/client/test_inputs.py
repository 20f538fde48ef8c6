"""What an app passes: checked against the release, then put in as it is."""

import logging
from typing import Any

import pytest

from promptops import Client, InputError
from promptops.client.live import MOST_WARNED
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.releases import put_live, triage
from tests.client.waiting import until

TYPED: Any = {
    "unit": "order",
    "prompt": {
        "id": "order",
        "version": "1",
        "messages": [{"role": "user", "content": "{{ count }}|{{ price }}|{{ gift }}"}],
    },
    "inputs": {
        "count": {"type": "integer"},
        "price": {"type": "number", "default": 9.5},
        "gift": {"type": "boolean", "default": False},
    },
}


@pytest.fixture
def helpdesk(embedded: Store, embedded_url: str, started: Starter) -> Client:
    """An app whose support-triage takes a ticket of 40 characters, and a context by default."""
    put_live(embedded, triage(), triage(**TYPED))
    return started(embedded_url, hint=False, poll=0.05)


def last(messages: list[dict[str, str]]) -> str:
    return messages[-1]["content"]


def test_an_input_that_is_missing_is_named(helpdesk: Client) -> None:
    for call in (helpdesk.get("support-triage").render, helpdesk.get("support-triage").request):
        with pytest.raises(InputError) as raised:
            call(context="x")
        assert raised.value.message == "support-triage needs the input 'ticket'"
        assert raised.value.hint == "pass ticket=…"


def test_an_input_under_nearly_its_name_is_pointed_out(helpdesk: Client) -> None:
    with pytest.raises(InputError) as raised:
        helpdesk.get("support-triage").render(tickets="Smoke")
    assert raised.value.message == "support-triage needs the input 'ticket'"
    assert raised.value.hint == "you passed 'tickets': is that the one?"


@pytest.mark.parametrize(
    ("unit", "inputs", "message"),
    [
        ("support-triage", {"ticket": 7}, "support-triage: input 'ticket' is int, not string"),
        (
            "support-triage",
            {"ticket": None},
            "support-triage: input 'ticket' is NoneType, not string",
        ),
        ("support-triage", {"ticket": b"x"}, "support-triage: input 'ticket' is bytes, not string"),
        ("order", {"count": "7"}, "order: input 'count' is str, not integer"),
        ("order", {"count": 7.0}, "order: input 'count' is float, not integer"),
        ("order", {"count": True}, "order: input 'count' is bool, not integer"),
        ("order", {"count": 7, "price": "9"}, "order: input 'price' is str, not number"),
        ("order", {"count": 7, "gift": 1}, "order: input 'gift' is int, not boolean"),
    ],
)
def test_an_input_of_another_type_is_named(
    helpdesk: Client, unit: str, inputs: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError) as raised:
        helpdesk.get(unit).request(**inputs)
    assert raised.value.message == message
    assert raised.value.hint.startswith(("pass a ", "pass an "))


def test_an_input_that_is_too_long_is_named_with_its_limit(helpdesk: Client) -> None:
    live = helpdesk.get("support-triage")
    assert "x" * 40 in last(live.render(ticket="x" * 40))
    with pytest.raises(InputError) as raised:
        live.render(ticket="x" * 41)
    assert raised.value.message == (
        "support-triage: input 'ticket' has 41 characters, over its limit of 40"
    )


def test_a_default_is_used_and_can_be_overridden(helpdesk: Client) -> None:
    live = helpdesk.get("support-triage")
    assert last(live.render(ticket="Smoke")) == "Ticket:\nSmoke\n\nContext:\nnone"
    assert last(live.render(ticket="Smoke", context="a fair")) == (
        "Ticket:\nSmoke\n\nContext:\na fair"
    )


def test_numbers_and_truth_values_are_written_as_json_writes_them(helpdesk: Client) -> None:
    live = helpdesk.get("order")
    assert last(live.render(count=3)) == "3|9.5|false"
    assert last(live.render(count=-1, price=2, gift=True)) == "-1|2|true"


@pytest.mark.parametrize(
    "value",
    [
        "{{ ticket }}",
        "{{ context }}",
        "\\{{ ticket \\}}",
        "{x.__class__} %s ${HOME} \\1 \\g<0>",
        "",
        "{{",
        " \r\n\t\x00\x1b\u2028🙂 ü ü \ufeff",
    ],
)
def test_a_value_is_put_in_byte_for_byte_and_never_scanned_again(
    helpdesk: Client, value: str
) -> None:
    text = last(helpdesk.get("support-triage").render(ticket=value, context="{{ ticket }}"))
    assert text.encode() == b"Ticket:\n" + value.encode() + b"\n\nContext:\n{{ ticket }}"


def test_an_input_that_the_release_does_not_know_is_ignored_with_one_warning_for_each_name(
    helpdesk: Client, caplog: pytest.LogCaptureFixture
) -> None:
    live = helpdesk.get("support-triage")
    with caplog.at_level(logging.WARNING, logger="promptops"):
        for _ in range(3):
            assert live.request(ticket="Smoke", tone="kind") == live.request(ticket="Smoke")
        live.render(ticket="Smoke", tone="kind", locale="de")

    warnings = [record.getMessage() for record in caplog.records if record.name == "promptops"]
    assert warnings == [
        "support-triage has no input 'tone'; it is ignored (its inputs: context, ticket)",
        "support-triage has no input 'locale'; it is ignored (its inputs: context, ticket)",
    ]
    assert helpdesk.status().unknown_inputs == 5


def test_a_name_is_not_warned_of_again_after_another_release_went_live(
    helpdesk: Client, embedded: Store, caplog: pytest.LogCaptureFixture
) -> None:
    helpdesk.get("support-triage").render(ticket="Smoke", tone="kind")
    put_live(embedded, triage(params={"temperature": 1}))
    until(lambda: helpdesk.get("support-triage").revision == 2)
    caplog.clear()
    helpdesk.get("support-triage").render(ticket="Smoke", tone="kind")

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert helpdesk.status().unknown_inputs == 2


def test_a_caller_may_use_any_name_for_an_input(helpdesk: Client) -> None:
    helpdesk.get("order").render(count=1, self="x", unit="y", inputs="z")
    assert helpdesk.status().unknown_inputs == 3


def test_an_app_that_passes_ever_new_names_fills_neither_memory_nor_log(
    helpdesk: Client, caplog: pytest.LogCaptureFixture
) -> None:
    live = helpdesk.get("support-triage")
    for number in range(MOST_WARNED + 500):
        live.render(ticket="Smoke", **{f"field{number}": number})
    assert len(caplog.records) == MOST_WARNED
    assert helpdesk.status().unknown_inputs == MOST_WARNED + 500
