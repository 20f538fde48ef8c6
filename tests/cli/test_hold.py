"""hold: a release that shall not come back, and one that may again."""

from collections.abc import Callable

import pytest

from promptops.live.store import Store
from tests.cli.projects import ADA, AT, Project, everywhere, short

Contents = Callable[[], object]

PLACE = ("--env", "production")


@everywhere
def test_a_held_release_is_no_longer_deployed(deployed_twice: Project, store: Store) -> None:
    """The one of revision 1 is held while that of revision 2 is live."""
    old = deployed_twice.digest("greeter", commit="HEAD~1")
    live = deployed_twice.digest("greeter")
    done = deployed_twice.run(
        "hold", "greeter", old, *PLACE, "--reason", "it is not morning", "-o", "json"
    )
    assert (done.code, done.err) == (0, "")
    pointer = store.read().pointers["greeter"]
    assert pointer.digest == live
    assert [(hold.digest, hold.reason, hold.actor) for hold in pointer.held] == [
        (old, "it is not morning", ADA)
    ]
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 3,
        "operation": done.json["operation"],
        "action": "hold",
        "changes": [{"unit": "greeter", "from": live, "to": live, "held": old}],
        "skipped": [],
        "clients": None,
    }
    refused = deployed_twice.here(
        "deploy", "greeter", *PLACE, "--commit", "HEAD~1", "--allow-older", "--json"
    )
    assert (refused.code, refused.json["refused"]["code"]) == (3, "held")


@everywhere
def test_a_hold_is_lifted_by_a_deployment_of_its_own(rolled_back: Project, store: Store) -> None:
    held = rolled_back.digest("greeter")
    live = rolled_back.digest("greeter", commit="HEAD~1")
    done = rolled_back.run("hold", "greeter", short(held), "--lift", *PLACE, "--json")
    assert (done.code, done.err) == (0, "")
    assert store.read().pointers["greeter"].held == ()
    assert (done.json["action"], done.json["revision"]) == ("lift", 4)
    assert done.json["changes"] == [{"unit": "greeter", "from": live, "to": live, "lifted": held}]
    assert [(entry.revision, entry.action) for entry in store.history()] == [
        (4, "lift"),
        (3, "rollback"),
        (2, "deploy"),
        (1, "deploy"),
    ]


def test_the_text_says_what_is_held_and_lifted(deployed_twice: Project) -> None:
    old = short(deployed_twice.digest("greeter", commit="HEAD~1"))
    done = deployed_twice.here("hold", "greeter", old, *PLACE, "--reason", "r")
    assert done.out == f"production is at revision 3 (hold)\n  greeter  held: {old}\n"
    done = deployed_twice.here("hold", "greeter", old, "--lift", *PLACE)
    assert done.out == f"production is at revision 4 (lift)\n  greeter  lifted: {old}\n"


def test_a_hold_needs_a_reason(deployed_twice: Project, contents: Contents) -> None:
    before = contents()
    done = deployed_twice.here("hold", "greeter", "0" * 12, *PLACE, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: a hold needs a reason: add --reason TEXT\n help: promptops hold --help\n"
    )
    assert contents() == before


def test_what_is_held_already_makes_no_revision(rolled_back: Project, contents: Contents) -> None:
    before = contents()
    held = short(rolled_back.digest("greeter"))
    done = rolled_back.here("hold", "greeter", held, *PLACE, "--reason", "again")
    assert (done.code, done.out) == (0, "production: nothing to do, revision 3 stays\n")
    assert contents() == before


@pytest.mark.parametrize("capitals", [False, True])
@pytest.mark.parametrize("prefix", [6, 12, 64, 71])
def test_the_beginning_of_a_digest_is_enough(
    deployed_twice: Project, store: Store, prefix: int, capitals: bool
) -> None:
    digest = deployed_twice.digest("greeter")
    typed = digest if prefix == 71 else digest.removeprefix("sha256:")[:prefix]
    typed = typed.upper() if capitals else typed
    done = deployed_twice.here("hold", "greeter", typed, *PLACE, "--reason", "r")
    assert done.code == 0
    assert [hold.digest for hold in store.read().pointers["greeter"].held] == [digest]


def test_a_release_that_was_never_here_can_be_held(deployed_twice: Project, store: Store) -> None:
    """Known to be bad from staging: production shall never get it."""
    deployed_twice.says("greeter", "Good grief.")
    digest = deployed_twice.digest("greeter")
    assert deployed_twice.here("hold", "greeter", digest, *PLACE, "--reason", "rude").code == 0
    done = deployed_twice.here("deploy", "greeter", *PLACE, "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "held")
    assert store.read().pointers["greeter"].revision == 2


def test_a_digest_that_cannot_be_meant(deployed_twice: Project, contents: Contents) -> None:
    before = contents()
    live = short(deployed_twice.digest("greeter"))
    first = short(deployed_twice.digest("greeter", commit="HEAD~1"))
    for typed, said in (
        ("000000000000", ("is no digest of this unit", f"choose among: {live}, {first}")),
        ("HEAD", ("is no digest of this unit", f"choose among: {live}, {first}")),
        (live[:5], ("is too short", "write at least 6 hex digits of it")),
    ):
        done = deployed_twice.here("hold", "greeter", typed, *PLACE, "--reason", "r")
        assert (done.code, done.err) == (2, f"error: '{typed}' {said[0]}\n help: {said[1]}\n")
    assert contents() == before


def test_what_is_not_held_cannot_be_lifted(rolled_back: Project, contents: Contents) -> None:
    before = contents()
    held = short(rolled_back.digest("greeter"))
    live = rolled_back.digest("greeter", commit="HEAD~1")
    done = rolled_back.here("hold", "greeter", live, "--lift", *PLACE, "--json")
    message = f"{short(live)} is not held for greeter"
    assert done.code == 3
    assert done.json["refused"] == {
        "code": "not-held",
        "message": message,
        "hint": f"held are: {held}",
    }
    assert done.err == f"error[not-held]: {message}\n help: held are: {held}\n"
    done = rolled_back.here("hold", "farewell", "0" * 12, "--lift", *PLACE)
    assert (done.code, done.err) == (
        2,
        "error: '000000000000' is no held digest of this unit\n help: nothing is held for it\n",
    )
    assert contents() == before


def test_an_unknown_unit_is_answered_with_the_nearest(deployed_twice: Project) -> None:
    done = deployed_twice.here("hold", "greter", "0" * 12, *PLACE, "--reason", "r")
    assert (done.code, done.err) == (
        2,
        "error: there is no unit 'greter' in production\n help: did you mean 'greeter'?\n",
    )


def test_what_is_held_is_listed(rolled_back: Project) -> None:
    done = rolled_back.here("hold", "--list", *PLACE, "--json")
    held = {
        "unit": "greeter",
        "digest": rolled_back.digest("greeter"),
        "since": AT,
        "by": ADA,
        "reason": "invents refunds",
    }
    assert (done.code, done.json) == (0, {"environment": "production", "held": [held]})
    assert rolled_back.here("hold", "greeter", "--list", *PLACE, "--json").json["held"] == [held]
    assert rolled_back.here("hold", "farewell", "--list", *PLACE, "--json").json["held"] == []
    assert rolled_back.here("hold", "farewell", "--list", *PLACE).out == "nothing is held\n"
    digest = short(held["digest"])
    assert rolled_back.here("hold", "--list", *PLACE).out.splitlines() == [
        "UNIT     DIGEST        SINCE                     BY                     REASON",
        f"greeter  {digest}  {AT}  {ADA}  invents refunds",
    ]


@pytest.mark.parametrize("more", [("greeter", "0" * 64), ("--lift",), ("--reason", "r")])
def test_a_list_changes_nothing_and_takes_nothing_else(
    rolled_back: Project, contents: Contents, more: tuple[str, ...]
) -> None:
    before = contents()
    done = rolled_back.here("hold", "--list", *more, *PLACE)
    assert (done.code, contents()) == (2, before)
    assert "--list goes with a unit and --env, and changes nothing" in done.err
    assert rolled_back.here("hold", "greeter", *PLACE).code == 2
    assert rolled_back.here("hold", "greter", "--list", *PLACE).code == 2
