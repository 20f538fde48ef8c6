"""A frozen environment goes back, and nowhere else."""

import json
from collections.abc import Callable

import pytest

from promptops import Client
from promptops.delivery.checkout import from_commit
from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.freeze import freeze
from promptops.errors import Refused
from promptops.live.moves import Proposal
from promptops.live.records import Head, State
from promptops.live.store import Store
from tests.cli.projects import ADA, AT, Project, everywhere, intent
from tests.cli.proxy import Proxy
from tests.waiting import eventually

PLACE = ("--env", "production")
WHY = f"frozen since {AT} by {ADA}: Black Friday"


def freeze_it(store: Store) -> None:
    freeze(store, intent(reason="Black Friday"))


@pytest.fixture
def frozen(deployed_twice: Project, store: Store) -> Project:
    """Revision 3 of production: frozen by Ada."""
    freeze_it(store)
    return deployed_twice


@everywhere
def test_a_freeze_is_a_deployment_of_its_own(deployed: Project, store: Store) -> None:
    before = store.read().pointers
    done = deployed.run("freeze", *PLACE, "--reason", "Black Friday", "--json")
    assert (done.code, done.json["action"], done.json["changes"]) == (0, "freeze", [])
    state = store.read()
    assert (state.head, state.pointers) == (Head(1, 2), before)
    assert state.freeze is not None
    assert (state.freeze.actor, state.freeze.reason) == (ADA, "Black Friday")
    newest, first = store.history()
    assert (newest.action, newest.reason, newest.changes) == ("freeze", "Black Friday", ())
    assert newest.previous == first.link
    assert store.read(Head(1, 1)).pointers == {}
    again = deployed.run("freeze", *PLACE, "--reason", "another", "--json")
    assert (again.code, again.json["action"], again.json["revision"]) == (0, "none", 2)
    done = deployed.run("unfreeze", *PLACE)
    assert (done.code, done.out) == (0, "production is at revision 3 (unfreeze)\n")
    assert (store.read().freeze, store.read().pointers) == (None, before)
    done = deployed.run("unfreeze", *PLACE)
    assert (done.code, done.out) == (0, "production: nothing to do, revision 3 stays\n")


@pytest.mark.parametrize(
    "command",
    [
        ("deploy", "greeter"),
        ("deploy", "--all"),
        ("deploy", "--all", "--dry-run"),
        ("hold", "greeter", "0" * 64, "--reason", "bad"),
        ("hold", "greeter", "0" * 64, "--lift"),
    ],
)
def test_it_is_refused_with_who_when_why_and_the_way_out(
    frozen: Project, contents: Callable[[], object], command: tuple[str, ...]
) -> None:
    frozen.says("greeter", "Good night.")
    before = contents()
    done = frozen.here(*(word.replace("0" * 64, "sha256:" + "0" * 64) for word in command), *PLACE)
    assert (done.code, contents()) == (3, before)
    assert done.err == (
        f"error[frozen]: {WHY}\n"
        " help: rollback and safe-mode pass, and nothing else until: promptops unfreeze --env "
        "production\n"
    )


def test_a_rollback_passes_and_leaves_the_freeze(frozen: Project, store: Store) -> None:
    done = frozen.run("rollback", "greeter", *PLACE)
    assert done.code == 0
    assert store.read().pointers["greeter"].digest == frozen.digest("greeter", commit="HEAD^")
    assert store.read().freeze is not None


def test_status_plan_and_gate_say_it(frozen: Project) -> None:
    frozen.says("greeter", "Good night.")
    line = f"{WHY}; to end that: promptops unfreeze --env production"
    for command in (("status",), ("plan",), ("gate", "--base", "HEAD^")):
        done = frozen.here(*command, *PLACE)
        assert done.code == 0, done
        assert line in done.out.splitlines(), done.out
        assert "apply it" not in done.out
    facts = {"reason": "Black Friday", "at": AT, "actor": ADA}
    assert frozen.here("status", *PLACE, "--json").json["freeze"] == facts
    assert frozen.here("plan", *PLACE, "--json").json["freeze"] == facts
    gate = frozen.here("gate", "--base", "HEAD^", *PLACE, "--json").json
    assert gate["environments"][0]["freeze"] == facts
    for command in (("plan",), ("gate", "--base", "HEAD^")):
        assert "**Frozen:** frozen since" in frozen.here(*command, *PLACE, "-o", "markdown").out


def test_history_show_and_clients_cope_with_a_deployment_of_no_unit(frozen: Project) -> None:
    said = frozen.here("history", *PLACE).out
    assert said.startswith(f"3  freeze  {AT}  {ADA}\n    Black Friday\n2  deploy")
    assert [
        entry["revision"]
        for entry in frozen.here("history", "greeter", *PLACE, "--json").json["entries"]
    ] == [2, 1]
    assert frozen.here("show", "greeter", *PLACE).code == 0
    assert frozen.here("clients", *PLACE, "--revision", "3").code == 0
    assert frozen.here("rollback", *PLACE, "--to", "1").code == 0


@everywhere
def test_clients_follow_a_freeze_and_serve_on(
    deployed: Project, store: Store, store_url: str
) -> None:
    with Client(store_url, environment="production", app="desk") as client:
        client.wait_ready(10)
        before = client.get("greeter").digest
        freeze_it(store)
        assert eventually(lambda: client.status().revision == 2)
        assert client.get("greeter").digest == before
        assert eventually(lambda: [each.revision for each in store.clients()] == [2])
        status = deployed.here("status", *PLACE, "--json").json
        assert status["clients"] == {"present": 1, "current": 1}
        freeze(store, intent(), lift=True)
        deployed.says("greeter", "Good evening.")
        deployed.deploy(store)
        assert eventually(lambda: client.get("greeter").digest != before)


@everywhere
def test_a_deploy_that_has_read_before_the_freeze_loses(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    checkout = from_commit(deployed.read(), (), "production", "HEAD")
    releases = {item.unit: (item.digest, item.data) for item in checkout.built}
    rounds: list[Proposal] = []

    def freeze_first(_: State, proposal: Proposal) -> Proposal:
        rounds.append(proposal)
        freeze_it(store)
        return proposal

    live = store.read().pointers
    with pytest.raises(Refused) as refused:
        deploy(store, releases, intent(checkout.commit), Conditions(agree=freeze_first))
    assert (refused.value.code, len(rounds)) == ("frozen", 1)
    assert store.read().pointers == live
    assert [entry.action for entry in store.history()] == ["freeze", "deploy"]


@pytest.mark.parametrize("backend", ["valkey"], indirect=True)
def test_a_process_that_is_about_to_swap_loses_to_a_freeze(
    deployed: Project, store: Store, store_url: str
) -> None:
    port, namespace = store.address.port, store.address.namespace
    proxy = Proxy(port)
    proxy.before_swap = lambda: freeze_it(store)
    deployed.says("greeter", "Good evening.")
    url = f"redis://127.0.0.1:{proxy.port}/0?ns={namespace}"
    done = deployed.run("deploy", "greeter", *PLACE, "--json", PRODUCTION_STORE=url)
    proxy.close()
    assert (done.code, done.json["refused"]["code"]) == (3, "frozen")
    assert [entry.action for entry in store.history()] == ["freeze", "deploy"]


def test_the_same_freeze_is_done_once(deployed: Project, store: Store) -> None:
    command = ("freeze", *PLACE, "--reason", "why", "--operation", "f1", "--json")
    assert deployed.run(*command).json["action"] == "freeze"
    assert deployed.run(*command).json["repeated"] is True
    assert store.read().head == Head(1, 2)
    done = deployed.run("unfreeze", *PLACE, "--operation", "f1")
    assert (done.code, done.err.splitlines()[0][:24]) == (3, "error[operation-reused]:")


def test_a_freeze_needs_a_reason_and_an_environment_that_is_there(
    git_project: Project, contents: Callable[[], object]
) -> None:
    done = git_project.here("freeze", *PLACE)
    assert (done.code, done.err.splitlines()[0]) == (
        2,
        "error: a freeze needs a reason: add --reason TEXT",
    )
    done = git_project.here("freeze", *PLACE, "--reason", "r", "--json")
    assert (done.code, json.loads(done.out)["refused"]["code"]) == (3, "no-environment")
