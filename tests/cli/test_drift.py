"""status --exit-code: git, pointers, releases and clients, and where two of them disagree."""

from collections.abc import Iterator

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project, on_redis, short
from tests.client.sabotage import Saboteur

STATUS = ("status", "--env", "production", "--exit-code", "--clients", "--deep")

on_both = pytest.mark.parametrize("backend", ["sqlite", "valkey"], indirect=True)


def found(project: Project) -> tuple[int, dict[str, str]]:
    done = project.here(*STATUS, "--json")
    return done.code, {unit["unit"]: unit["state"] for unit in done.json["units"]}


@on_both
def test_what_is_as_it_should_be_exits_with_0(deployed: Project) -> None:
    assert found(deployed) == (0, {"farewell": "in sync", "greeter": "in sync"})


def test_the_ordinary_course_of_things_exits_with_0(rolled_back: Project) -> None:
    assert found(rolled_back) == (0, {"farewell": "in sync", "greeter": "held"})
    rolled_back.says("greeter", "Good day.")
    assert found(rolled_back) == (0, {"farewell": "in sync", "greeter": "behind"})
    rolled_back.git("checkout", "--quiet", "-b", "past", "HEAD~2")
    rolled_back.says("farewell", "Bye.")
    rolled_back.here("deploy", "farewell", "--env", "production")
    rolled_back.git("reset", "--quiet", "--hard", "HEAD~1")
    assert found(rolled_back) == (0, {"farewell": "ahead", "greeter": "in sync"})


def test_what_git_cannot_explain_exits_with_1(deployed: Project, store: Store) -> None:
    deployed.git("checkout", "--quiet", "-b", "other")
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store, "greeter")
    deployed.git("checkout", "--quiet", "main")
    deployed.says("greeter", "Good day.")
    assert found(deployed) == (1, {"farewell": "in sync", "greeter": "drifted"})


def test_units_on_one_side_only_exit_with_1(deployed: Project) -> None:
    deployed.git("rm", "--quiet", "-r", "manifests/farewell")
    deployed.commit("farewell goes")
    assert found(deployed) == (1, {"farewell": "orphan", "greeter": "in sync"})
    deployed.git("revert", "--no-edit", "HEAD")
    deployed.unit("newcomer", "Hello.")
    deployed.commit("newcomer comes")
    assert found(deployed)[0] == 1
    assert found(deployed)[1]["newcomer"] == "missing"
    deployed.git("reset", "--quiet", "--hard", "HEAD~1")
    deployed.says("greeter", "{{ gest }}")
    assert found(deployed) == (1, {"farewell": "in sync", "greeter": "invalid"})


@on_both
def test_a_release_that_was_changed_is_corrupt(deployed: Project, saboteur: Saboteur) -> None:
    live = deployed.digest("greeter")
    saboteur.overwrite(live, b"{}")
    saboteur.remove(deployed.digest("farewell"))
    assert found(deployed) == (1, {"farewell": "corrupt", "greeter": "corrupt"})
    said = deployed.here(*STATUS).out
    assert f"greeter is corrupt: the store holds other bytes as {short(live)}\n" in said
    assert deployed.here("status", "--env", "production", "--exit-code").code == 0, "nobody looked"


@on_both
def test_a_deploy_puts_back_what_is_live_and_damaged_though_it_has_nothing_to_move(
    deployed: Project, store: Store, saboteur: Saboteur
) -> None:
    live = {unit: pointer.digest for unit, pointer in store.read().pointers.items()}
    saboteur.overwrite(live["greeter"], b"{}")
    saboteur.remove(live["farewell"])
    assert deployed.here("deploy", "--all", "--env", "production", "--dry-run").code == 0
    assert found(deployed)[1] == {"farewell": "corrupt", "greeter": "corrupt"}
    done = deployed.here("deploy", "--all", "--env", "production")
    assert (done.code, store.read().head) == (0, Head(1, 1))
    lost = f"the release {short(live['farewell'])} is not in the store"
    other = f"the store holds other bytes as {short(live['greeter'])}"
    assert f"warning: farewell: {lost}: it was put back\n" in done.err
    assert f"warning: greeter: {other}: it was put back\n" in done.err
    assert found(deployed) == (0, {"farewell": "in sync", "greeter": "in sync"})


@on_both
def test_a_pointer_to_the_release_of_another_unit_is_corrupt(
    deployed: Project, store: Store, saboteur: Saboteur
) -> None:
    other = store.read().pointers["farewell"]
    saboteur.scribble("greeter", other.to_json())
    assert found(deployed) == (1, {"farewell": "in sync", "greeter": "corrupt"})
    said = f"greeter is corrupt: release {other.digest} is not of unit greeter\n"
    assert said in deployed.here(*STATUS).out


@on_redis
def test_what_is_retired_is_no_drift_and_who_serves_it_on_is(
    deployed: Project, three_apps: list[App], store: Store
) -> None:
    retire = ("retire", "greeter", "--env", "production", "--reason", "r", "--wait")
    assert deployed.here(*retire).code == 0
    assert found(deployed) == (0, {"farewell": "in sync", "greeter": "retired"})
    assert deployed.here("deploy", "greeter", "--env", "production", "--wait").code == 0
    three_apps[0].stop()
    assert deployed.here(*retire[:-1]).code == 0
    assert found(deployed) == (1, {"farewell": "in sync", "greeter": "stale"})


@pytest.fixture
def pinned(deployed: Project, store: Store, store_url: str) -> Iterator[App]:
    pin = f"greeter={deployed.digest('greeter')}"
    app = App(store_url, "pinned", PROMPTOPS_PIN=pin)
    try:
        app.wait_until_present(store)
        yield app
    finally:
        app.end()


@on_redis
def test_a_client_that_keeps_another_release_is_skew(
    deployed: Project, pinned: App, store: Store
) -> None:
    assert found(deployed)[0] == 0
    deployed.says("greeter", "Good evening.")
    before = short(store.read().pointers["greeter"].digest)
    deployed.deploy(store, "greeter")
    assert found(deployed) == (1, {"farewell": "in sync", "greeter": "skewed"})
    assert f"greeter is skewed in pinned on {pinned_host(store)}: it pins {before}\n" in (
        deployed.here(*STATUS).out
    )


@on_redis
def test_a_client_that_has_not_heard_of_it_is_stale(
    deployed: Project, three_apps: list[App], store: Store
) -> None:
    three_apps[0].stop()
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store, "greeter")
    assert found(deployed) == (1, {"farewell": "in sync", "greeter": "stale"})
    assert "greeter is stale in app-0 on " in deployed.here(*STATUS).out
    assert deployed.here("status", "--env", "production", "--exit-code").code == 0


def pinned_host(store: Store) -> str:
    (client,) = store.clients()
    return client.host
