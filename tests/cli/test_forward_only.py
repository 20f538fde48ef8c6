"""forward_only: what a release did outlives it, also when it is not live any more."""

import json

import pytest

from promptops.delivery.rollback import rollback
from promptops.errors import Refused
from promptops.live.moves import Proposal
from promptops.live.records import State
from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short
from tests.cli.rehearsals import PLACE, codes, manifest, rehearsed, release, said
from tests.deployments import intent

WHY = "it writes the new ticket format"
BEYOND = "release {}, live since revision 2, says forward_only: " + WHY


@pytest.fixture
def beyond(deployed: Project, store: Store) -> list[str]:
    """The digests of greeter at revisions 1 to 3; there is no way back from the second."""
    return [
        store.read().pointers["greeter"].digest,
        release(deployed, store, forward_only=WHY),
        release(deployed, store, forward_only=None, params={"temperature": 0.3}),
    ]


@everywhere
def test_an_ordinary_deploy_does_not_open_the_way_back_again(
    deployed: Project, store: Store
) -> None:
    first = store.read().pointers["greeter"].digest
    manifest(deployed, forward_only=WHY)
    deployed.commit()
    assert deployed.run("deploy", "greeter", *PLACE).code == 3
    accepted = ("--accept-no-return", "we must")
    assert deployed.run("deploy", "greeter", *PLACE, *accepted).code == 0
    second = deployed.digest("greeter")
    manifest(deployed, forward_only=None, params={"temperature": 0.3})
    deployed.commit()
    assert deployed.run("deploy", "greeter", *PLACE).code == 0
    # What the deployment kept, and what a rehearsal says.
    for unit in (json.loads(store.reports()["greeter"]), rehearsed(deployed)):
        to_second, to_first = unit["targets"]
        assert (to_second["digest"], to_second["verdict"]) == (second, "ready")
        assert (to_first["digest"], to_first["verdict"]) == (first, "blocked")
        assert (codes(to_first), said(to_first)) == (
            {"forward-only"},
            BEYOND.format(short(second)),
        )
    assert deployed.run("rollback", "greeter", *PLACE).code == 0
    again = deployed.run("rollback", "greeter", *PLACE, "--json")
    assert (again.code, again.json["refused"]["code"]) == (3, "blocked")
    assert store.read().pointers["greeter"].digest == second


def test_a_rollback_does_not_go_past_it_where_nobody_has_rehearsed(
    deployed: Project, store: Store, beyond: list[str]
) -> None:
    assert store.reports() == {}
    assert deployed.run("rollback", "greeter", *PLACE).code == 0
    for named in ((), ("--to", "1"), ("--to", beyond[0])):
        refused = deployed.run("rollback", "greeter", *PLACE, *named, "--json")
        assert (refused.code, refused.json["refused"]["code"]) == (3, "blocked")
        assert refused.json["refused"]["message"] == (
            f"greeter: going back to {short(beyond[0])} is blocked: {BEYOND}"
        ).format(short(beyond[1])).replace("revision 2", "revision 4")
        assert store.read().pointers["greeter"].digest == beyond[1]
    forced = refused.json["refused"]["hint"].rpartition("promptops ")[2].split()
    assert deployed.run(*forced).code == 0
    assert store.read().pointers["greeter"].digest == beyond[0]


def test_what_was_live_again_since_is_a_way_back(
    deployed: Project, store: Store, beyond: list[str]
) -> None:
    assert deployed.here("rollback", "greeter", *PLACE, "--to", beyond[0], "--force").code == 0
    live = release(deployed, store, params={"temperature": 0.4})
    unit = rehearsed(deployed)
    assert (unit["live"], unit["best"]) == (live, beyond[0])
    assert [(each["digest"], each["verdict"]) for each in unit["targets"]] == [
        (beyond[0], "ready"),
        (beyond[1], "ready"),
    ]


def test_safe_mode_and_retirement_hide_nothing(
    deployed: Project, store: Store, beyond: list[str]
) -> None:
    safe = release(deployed, store, forward_only=WHY + " again", params={"temperature": 0})
    assert deployed.here("retire", "greeter", *PLACE, "--reason", "r").code == 0
    live = release(deployed, store, forward_only=None, params={"temperature": 0.9})
    assert store.read().pointers["greeter"].digest == live
    for named in ("3", beyond[2]):
        [target] = rehearsed(deployed, "--target", named)["targets"]
        assert said(target).startswith(f"release {short(safe)}, live since revision 4, says")
    assert rehearsed(deployed, "--target", "4")["targets"][0]["verdict"] == "ready"


def test_a_release_between_that_cannot_be_read_may_have_said_it(
    deployed: Project, store: Store, beyond: list[str]
) -> None:
    store.forget_releases([beyond[1]])
    lost, first = rehearsed(deployed)["targets"]
    assert (lost["verdict"], codes(lost)) == ("blocked", {"C610"})
    assert (first["verdict"], codes(first)) == ("unknown", {"forward-only"})
    assert said(first) == (
        f"release {short(beyond[1])}, live since revision 2, cannot be read, so nobody knows "
        "whether it says forward_only"
    )


@pytest.mark.parametrize("offline", [(), ("--offline",)])
def test_the_gate_shows_the_line_that_says_it(deployed: Project, offline: tuple[str, ...]) -> None:
    manifest(deployed, forward_only=WHY)
    deployed.commit()
    done = deployed.here("gate", "--base", "HEAD~1", *PLACE, *offline, "--json")
    [found] = [each for each in done.json["findings"] if each["code"] == "no-return"]
    lines = (deployed.root / found["file"]).read_text("utf-8").splitlines()
    assert lines[found["line"] - 1].startswith("forward_only: ")
    assert found["message"].endswith(f": the manifest says forward_only: {WHY}")


@everywhere
def test_a_rollback_that_is_overtaken_by_one_does_not_go_past_it(
    deployed_twice: Project, store: Store
) -> None:
    def meanwhile(_: State, proposal: Proposal) -> Proposal:
        release(deployed_twice, store, forward_only=WHY)
        return proposal

    with pytest.raises(Refused) as refused:
        rollback(store, ("greeter",), None, intent(reason="rude"), agree=meanwhile)
    head = store.read().head
    assert (refused.value.code, head and head.revision) == ("blocked", 3)
    assert refused.value.message.endswith(f"live since revision 3, says forward_only: {WHY}")
