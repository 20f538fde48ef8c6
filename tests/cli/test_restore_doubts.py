"""A restore from git is held up by nothing that deploy refuses of what goes live, but says it."""

import json
from collections.abc import Callable

import pytest

from promptops.live.presence import Presence
from promptops.live.store import Store
from tests.cli.projects import Ended, Project, short
from tests.cli.rehearsals import PLACE, caller, manifest, policy, release
from tests.cli.terminal import Terminal
from tests.client.sabotage import Saboteur

RESTORE = ("restore", *PLACE, "--from-git", "HEAD")
ALTHOUGH = "goes live although deploy would refuse it"
COOL = {"properties": {"params": {"properties": {"temperature": {"maximum": 0.5}}}}}


def doubts(done: Ended) -> list[tuple[str, str]]:
    """The units and what is said of them."""
    assert done.code == 0, done.err
    return [(each["unit"], each["why"]) for each in done.json.get("doubts", [])]


def asks_for_the_season(project: Project) -> None:
    inputs = {"guest": {"type": "string"}, "season": {"type": "string"}}
    text = "{{ guest }} {{ season }}"
    prompt = {"id": "greeter", "version": "2.0.0", "messages": [{"role": "user", "text": text}]}
    manifest(project, inputs=inputs, prompt=prompt)
    project.commit()


def test_a_policy_is_told_in_the_question_the_dry_run_and_the_end(
    deployed: Project, store: Store, contents: Callable[[], object]
) -> None:
    manifest(deployed, params={"temperature": 0.9})
    policy(deployed, json.dumps(COOL))
    before = contents()
    said = f"{ALTHOUGH} (E600): "
    dry = deployed.here(*RESTORE, "--dry-run", "--json")
    [(unit, why)] = doubts(dry)
    assert (unit, why.startswith(said), "temperature" in why) == ("greeter", True, True)
    line = f"warning: greeter {why}\n  = help: promptops validate --env production\n"
    assert line in deployed.here(*RESTORE, "--dry-run").out
    assert line in Terminal(deployed, *RESTORE).until_asked().answer("n\n").out
    assert contents() == before
    assert doubts(deployed.here(*RESTORE, "--yes", "--json")) == [(unit, why)]
    assert store.read().pointers["greeter"].digest == deployed.digest("greeter")
    assert doubts(deployed.here(*RESTORE, "--yes", "--json")) == [], "nothing moves"


def test_a_point_of_no_return_is_told(deployed: Project, store: Store) -> None:
    live = short(store.read().pointers["greeter"].digest)
    manifest(deployed, forward_only="it writes the new format")
    deployed.commit()
    why = f"{ALTHOUGH} (no-return): point of no return: greeter could not go back to {live}: "
    says = "the manifest says forward_only: it writes the new format"
    assert doubts(deployed.here(*RESTORE, "--yes", "--json")) == [("greeter", why + says)]


def test_going_back_past_one_is_told(deployed: Project, store: Store) -> None:
    barred = release(deployed, store, forward_only="it writes the new format")
    done = deployed.here("restore", *PLACE, "--from-git", "HEAD~1", "--force", "--yes", "--json")
    why = (
        f"{ALTHOUGH} (blocked): release {short(barred)}, live since revision 2, says "
        "forward_only: it writes the new format"
    )
    assert doubts(done) == [("greeter", why)]


@pytest.mark.parametrize("lost", [False, True])
def test_an_input_that_clients_do_not_pass_is_told_also_where_what_was_live_is_lost(
    deployed: Project, store: Store, saboteur: Saboteur, lost: bool
) -> None:
    asks_for_the_season(deployed)
    caller(store, {"greeter": ("guest",)}, "one")
    caller(store, {"greeter": ("guest", "season")}, "two")
    if lost:
        clients = store.clients()
        saboteur.wipe()
        announce(store, clients)
    why = (
        f"{ALTHOUGH} (callers): it requires inputs.season, which 1 of 2 present clients do not pass"
    )
    assert doubts(deployed.here(*RESTORE, "--yes", "--json")) == [("greeter", why)]


def announce(store: Store, clients: list[Presence]) -> None:
    for client in clients:
        store.announce(client, 60)


def test_what_cannot_be_judged_holds_up_nothing(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    policy(deployed, json.dumps({"$ref": "https://example.com/model.json"}))
    done = deployed.here(*RESTORE, "--yes")
    assert done.code == 0
    assert "warning: not all can be told that deploy would refuse: " in done.err
    assert store.read().pointers["greeter"].digest == deployed.digest("greeter")
