"""What is taken of a deployment, unit by unit, and what an app can fill."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from promptops.client.accept import check_head
from promptops.errors import StoreCorrupt, UsageError
from promptops.live.address import parse_address
from promptops.live.records import Head, Pointer, State
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.releases import point, put_live, triage
from tests.client.waiting import until, until_polled, until_served
from tests.deployments import deploy, digest, release

POINTER = Pointer("sha256:aa", 7, "2026-11-20T10:00:00Z")


@pytest.mark.parametrize(
    ("read", "code"),
    [
        (State(Head(1, 6), {"greeter": POINTER}), "C613"),
        (State(Head(1, 7), {"greeter": POINTER}), "C614"),
        (State(Head(1, 7), {}), "C610"),
    ],
)
def test_a_store_that_went_back_or_holds_others_is_refused_as_a_whole(
    read: State, code: str
) -> None:
    with pytest.raises(StoreCorrupt) as refused:
        check_head(Head(1, 7), {"greeter": "sha256:bb"}, read)
    assert refused.value.code == code


def test_a_unit_that_moved_alone_is_taken_though_another_is_refused(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    client = started(embedded_url, poll=0.05)
    bad = embedded.put(b"not a release")
    point(embedded, {"greeter": bad})
    deploy(embedded, farewell="So long")

    until_served(client, 3)
    status = client.status()
    assert (status.state, status.code, set(status.refused)) == ("ERROR", "C601", {"greeter"})
    assert status.units == {
        "greeter": digest("greeter", "Hello"),
        "farewell": digest("farewell", "So long"),
    }


def test_units_of_one_deployment_stay_together_and_a_new_one_is_taken(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello", farewell="Bye")
    client = started(embedded_url, poll=0.05)
    wanted = {unit: embedded.put(release(unit, "Hi")) for unit in ("farewell", "newcomer")}
    point(embedded, {"greeter": embedded.put(b"not a release"), **wanted})

    until_served(client, 2)
    refused = client.status().refused
    assert {unit: each.because for unit, each in refused.items()} == {
        "greeter": "",
        "farewell": "greeter",
    }
    assert client.get("newcomer").digest == wanted["newcomer"]
    assert client.get("farewell").digest == digest("farewell", "Bye")

    deploy(embedded, greeter="Good morning")
    until(lambda: client.status().state == "READY")
    assert client.get("farewell").digest == wanted["farewell"]


def test_a_release_that_the_app_cannot_fill_never_becomes_current(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    one: dict[str, object] = {"ticket": {"type": "string"}}
    say = [{"role": "user", "content": "{{ ticket }}"}]
    prompt = {"id": "x", "version": "1", "messages": say, "examples": []}
    put_live(embedded, triage(inputs=one, prompt=prompt))  # type: ignore[arg-type]
    client = started(embedded_url, poll=0.05, inputs={"support-triage": ["ticket"]})
    before = client.get("support-triage").digest
    two = one | {"context": {"type": "string"}}
    put_live(embedded, triage(inputs=two))  # type: ignore[arg-type]

    until(lambda: client.status().code == "C606")
    assert client.status().reason == (
        "support-triage now requires context, which this app does not pass"
    )
    until_polled(client, 2)
    assert client.get("support-triage").digest == before
    assert client.status().rejected == 1

    client.get("support-triage").render(ticket="It burns", context="since noon")
    until(lambda: client.status().state == "READY")
    assert client.get("support-triage").digest != before


def test_names_of_inputs_are_in_the_presence_and_values_never(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    put_live(embedded, triage())
    client = started(embedded_url, poll=0.05, inputs={"support-triage": ["ticket"], "other": []})
    client.get("support-triage").render(ticket="a secret", context="another")
    deploy(embedded, greeter="Hello")  # a change is announced at once
    until(lambda: [each.revision for each in embedded.clients()] == [2])
    (present,) = embedded.clients()
    assert present.inputs == {"support-triage": ("context", "ticket"), "other": ()}
    assert "secret" not in present.to_json()


def test_a_name_in_place_of_names_is_refused(embedded_url: str, started: Starter) -> None:
    with pytest.raises(UsageError, match="inputs of greeter is not a list of names"):
        started(embedded_url, inputs={"greeter": "name"}, ready=False)


def test_other_releases_at_the_same_head_are_noticed_without_any_change(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    deploy(embedded, greeter="Hello")
    client = started(embedded_url, poll=0.05, hint=False)
    client._refresher.whole_every = 0.2
    other = Pointer(embedded.put(release("greeter", "Hi")), 1, "2026-11-20T10:00:00Z")
    path = Path(parse_address(embedded_url).path)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE pointers SET pointer = ?", (other.to_json(),))
    until(lambda: client.status().code == "C614")
    assert client.get("greeter").digest == digest("greeter", "Hello")
