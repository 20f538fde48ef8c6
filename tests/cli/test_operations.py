"""--operation: the same command with the same id is done once, whoever asks again, and when."""

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short

DEPLOY = ("deploy", "greeter", "--env", "production", "--operation", "run-1")


@everywhere
def test_the_same_operation_again_is_the_first_result(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    first = deployed.run(*DEPLOY, "--reason", "evening", "-o", "json")
    assert (first.code, first.json["revision"]) == (0, 2)
    again = deployed.here(*DEPLOY, "-o", "json")
    assert (again.code, again.err) == (0, "")
    assert again.json == first.json | {"repeated": True}
    assert [entry.revision for entry in store.history()] == [2, 1]


@everywhere
def test_other_deployments_in_between_change_nothing_about_that(
    deployed: Project, store: Store
) -> None:
    commit = deployed.says("greeter", "Good evening.")
    first = deployed.run(*DEPLOY, "-o", "json")
    deployed.says("greeter", "Good night.")
    deployed.deploy(store)
    deployed.says("farewell", "Bye.")
    deployed.deploy(store)
    again = deployed.here(*DEPLOY, "--commit", commit, "-o", "json")
    assert again.code == 0
    assert again.json == first.json | {"repeated": True}
    assert store.read().head == Head(1, 4)
    assert store.read().pointers["greeter"].digest == deployed.digest("greeter")


def test_the_text_says_that_it_was_done_before(deployed: Project) -> None:
    live = deployed.digest("greeter")
    deployed.says("greeter", "Good evening.")
    deployed.here(*DEPLOY)
    again = deployed.here(*DEPLOY)
    assert again.out == (
        "production: done before, as revision 2 (deploy)\n"
        f"  greeter  {short(live)} → {short(deployed.digest('greeter'))}\n"
    )


@everywhere
def test_the_same_operation_for_another_change_is_refused(deployed: Project, store: Store) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.run(*DEPLOY)
    deployed.says("greeter", "Good night.")
    other = deployed.here(*DEPLOY, "-o", "json")
    message = "operation run-1 did something else at revision 2: deploy by Ada <ada@example.com>"
    hint = "choose another --operation, or leave it out"
    assert other.code == 3
    assert other.err == f"error[operation-reused]: {message}\n help: {hint}\n"
    assert other.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 2,
        "operation": "run-1",
        "action": "none",
        "changes": [],
        "skipped": [],
        "clients": None,
        "refused": {"code": "operation-reused", "message": message, "hint": hint},
    }
    assert store.read().head == Head(1, 2)


def test_a_rollback_does_not_take_the_id_of_a_deploy(deployed_twice: Project) -> None:
    deployed_twice.says("greeter", "Good night.")
    deployed_twice.here(*DEPLOY)
    for command in (("rollback", "greeter"), ("hold", "greeter", "0" * 12, "--reason", "r")):
        done = deployed_twice.here(*command, "--env", "production", "--operation", "run-1")
        assert done.code == 3
        assert done.err.startswith(
            "error[operation-reused]: operation run-1 did something else at revision 3: deploy"
        )


@everywhere
def test_a_rollback_is_repeated_too(deployed_twice: Project, store: Store) -> None:
    assert deployed_twice.here("rehearse", "greeter", "--env", "production").code == 0
    command = ("rollback", "greeter", "--env", "production", "--operation", "run-2", "--json")
    first = deployed_twice.run(*command)
    assert (first.code, first.json["revision"]) == (0, 3)
    again = deployed_twice.here(*command)
    assert again.code == 0
    assert again.json == first.json | {"repeated": True}
    assert store.read().head == Head(1, 3)


def test_a_hold_is_repeated_too(deployed_twice: Project, store: Store) -> None:
    digest = short(deployed_twice.digest("greeter"))
    command = ("hold", "greeter", digest, "--env", "production", "--operation", "run-3", "--json")
    first = deployed_twice.here(*command, "--reason", "invents refunds")
    again = deployed_twice.here(*command, "--reason", "invents refunds")
    assert again.json == first.json | {"repeated": True}
    lifted = deployed_twice.here(*command, "--lift")
    assert lifted.json["refused"]["code"] == "operation-reused"
    assert store.read().head == Head(1, 3)


def test_a_dry_run_uses_no_operation_up(deployed: Project) -> None:
    deployed.says("greeter", "Good evening.")
    assert deployed.here(*DEPLOY, "--dry-run").code == 0
    done = deployed.here(*DEPLOY, "--json")
    assert (done.json["action"], "repeated" in done.json) == ("deploy", False)


@pytest.mark.parametrize("expected", ["1", "2"])
def test_a_repeated_operation_does_not_mind_the_revision_it_made(
    deployed: Project, expected: str
) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.here(*DEPLOY, "--expect-revision", "1")
    again = deployed.here(*DEPLOY, "--expect-revision", expected, "--json")
    assert (again.code, again.json["repeated"]) == (0, True)
