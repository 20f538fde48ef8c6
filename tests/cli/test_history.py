"""history: every deployment, newest first, with who, when, why and from which commit."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from promptops.live.store import Store
from tests.cli.projects import ADA, AT, Project, everywhere, short

HISTORY = ("history", "--env", "production")


@everywhere
def test_the_history_has_exactly_these_facts(rolled_back: Project, store: Store) -> None:
    first, second = rolled_back.git("rev-parse", "HEAD~1", "HEAD").split()
    farewell, good = (rolled_back.digest(unit, commit="HEAD~1") for unit in ("farewell", "greeter"))
    bad = rolled_back.digest("greeter")
    entries = store.history()
    operations = [entry.operation for entry in entries]
    done = rolled_back.run(*HISTORY, "-o", "json")
    assert (done.code, done.err) == (0, "")
    assert done.json == {
        "environment": "production",
        "entries": [
            {
                "revision": 3,
                "action": "rollback",
                "at": AT,
                "actor": ADA,
                "commit": first,
                "reason": "invents refunds",
                "operation": operations[0],
                "changes": [{"unit": "greeter", "from": bad, "to": good, "held": bad}],
                "previous": entries[1].link,
            },
            {
                "revision": 2,
                "action": "deploy",
                "at": AT,
                "actor": ADA,
                "commit": second,
                "reason": "",
                "operation": operations[1],
                "changes": [{"unit": "greeter", "from": good, "to": bad}],
                "previous": entries[2].link,
            },
            {
                "revision": 1,
                "action": "deploy",
                "at": AT,
                "actor": ADA,
                "commit": first,
                "reason": "",
                "operation": operations[2],
                "changes": [
                    {"unit": "farewell", "from": None, "to": farewell},
                    {"unit": "greeter", "from": None, "to": good},
                ],
            },
        ],
    }


def test_the_text_is_for_people(rolled_back: Project) -> None:
    first, second = (
        commit[:12] for commit in rolled_back.git("rev-parse", "HEAD~1", "HEAD").split()
    )
    farewell = short(rolled_back.digest("farewell"))
    good, bad = (short(rolled_back.digest("greeter", commit=c)) for c in ("HEAD~1", "HEAD"))
    assert rolled_back.here(*HISTORY).out == (
        f"3  rollback  {AT}  {ADA}\n"
        "    invents refunds\n"
        f"    greeter  {bad} → {good}  held: {bad}  from commit {first}\n"
        f"2  deploy  {AT}  {ADA}\n"
        f"    greeter  {good} → {bad}  from commit {second}\n"
        f"1  deploy  {AT}  {ADA}\n"
        f"    farewell  (new) → {farewell}  from commit {first}\n"
        f"    greeter  (new) → {good}  from commit {first}\n"
    )


def test_times_are_utc_of_that_moment(deployed: Project) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.run("deploy", "greeter", "--env", "production", TZ="Asia/Tokyo")
    at = deployed.run(*HISTORY, "--limit", "1", "--json").json["entries"][0]["at"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", at)
    assert abs(datetime.fromisoformat(at) - datetime.now(UTC)) < timedelta(minutes=1)


def revisions(project: Project, *options: str) -> list[int]:
    done = project.here(*HISTORY, *options, "--json")
    assert (done.code, done.err) == (0, "")
    return [entry["revision"] for entry in done.json["entries"]]


def test_a_unit_a_limit_and_an_operation_choose(rolled_back: Project, store: Store) -> None:
    assert revisions(rolled_back, "farewell") == [1]
    assert revisions(rolled_back, "greeter") == [3, 2, 1]
    assert revisions(rolled_back, "--limit", "2") == [3, 2]
    assert revisions(rolled_back, "greeter", "--limit", "1") == [3]
    assert revisions(rolled_back, "--operation", store.history()[1].operation) == [2]


def test_more_entries_than_a_page(deployed: Project, store: Store) -> None:
    from tests.deployments import deploy_times

    deploy_times(store, 250, unit="counter")
    assert revisions(deployed, "farewell") == [1]
    assert revisions(deployed, "--limit", "230") == list(range(251, 21, -1))
    assert len(revisions(deployed)) == 50


def test_an_operation_that_did_not_happen(deployed: Project) -> None:
    done = deployed.here(*HISTORY, "--operation", "run-9", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: no deployment of production has the operation run-9\n"
        " help: it did not happen; the same command with the same --operation is safe\n"
    )


def test_a_unit_that_never_was_is_answered_with_the_nearest(deployed: Project) -> None:
    done = deployed.here(*HISTORY, "greter", "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: there is no unit 'greter' in production\n help: did you mean 'greeter'?\n"
    )


@everywhere
def test_an_environment_without_deployments(git_project: Project) -> None:
    done = git_project.run(*HISTORY, "--json")
    assert (done.code, done.out) == (3, "")
    assert "does not hold an environment 'production'" in done.err


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_is_a_number_from_1(deployed: Project, limit: str) -> None:
    done = deployed.here(*HISTORY, f"--limit={limit}")
    assert done.code == 2
    assert done.err.startswith("error: Invalid value for '--limit'")


@pytest.mark.parametrize(
    ("variables", "actor"),
    [
        ({}, ADA),
        ({"GITHUB_ACTOR": "octo-cat"}, "octo-cat"),
        ({"GITLAB_USER_LOGIN": "tanuki"}, "tanuki"),
        ({"GITHUB_ACTOR": ""}, ADA),
    ],
)
def test_the_actor_is_the_account_of_the_ci_or_the_name_in_git(
    deployed: Project, variables: dict[str, str], actor: str
) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.here("deploy", "greeter", "--env", "production", **variables)
    assert deployed.here(*HISTORY, "--json").json["entries"][0]["actor"] == actor


def test_the_actor_is_the_system_user_where_git_knows_none(deployed: Project) -> None:
    (deployed.root.parent / "home/.gitconfig").unlink()
    command = ("hold", "greeter", deployed.digest("greeter"), "--env", "production")
    deployed.run(*command, "--reason", "r", LOGNAME="night-shift")
    assert deployed.run(*HISTORY, "--json").json["entries"][0]["actor"] == "night-shift"


def test_what_a_terminal_would_obey_is_shown_harmless(deployed_twice: Project) -> None:
    """The reason is often the title of somebody's pull request."""
    reason = "fix\x1b]0;owned\x07 \x1b[2Jgone\nand \x9b31mmore"
    command = ("rollback", "greeter", "--env", "production", "--reason", reason)
    assert deployed_twice.run(*command).code == 0
    assert deployed_twice.run(*HISTORY, "--json").json["entries"][0]["reason"] == reason
    for said in (
        deployed_twice.run(*HISTORY).out,
        deployed_twice.run("deploy", "greeter", "--env", "production").err,
    ):
        assert not any(mark in said for mark in "\x1b\x07\x9b")
        assert "owned" in said


def test_a_reason_that_is_no_text_does_not_spoil_the_history(deployed_twice: Project) -> None:
    command = ("rollback", "greeter", "--env", "production", "--reason", "caf\udce9")
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    done = deployed_twice.run(*command, **strict)
    assert done.code == 0
    assert deployed_twice.run(*HISTORY, **strict).code == 0
    assert deployed_twice.run(*HISTORY, "--json", **strict).code == 0
