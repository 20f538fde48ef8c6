"""rollback: where it goes, what it holds, what it refuses, and that it needs the store alone."""

from collections.abc import Callable
from pathlib import Path

import pytest

from promptops import Client
from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import ADA, Project, everywhere, short
from tests.client.sabotage import Saboteur

Contents = Callable[[], object]

PLACE = ("--env", "production")


@everywhere
def test_an_app_serves_the_old_prompt_after_a_rollback(
    deployed_twice: Project, store: Store, store_url: str
) -> None:
    bad = deployed_twice.digest("greeter")
    good = deployed_twice.digest("greeter", commit="HEAD~1")
    done = deployed_twice.run(
        "rollback", "greeter", *PLACE, "--reason", "invents refunds", "-o", "json"
    )
    assert (done.code, done.err) == (0, "")
    with Client(store_url, environment="production", app="helpdesk") as client:
        client.wait_ready(5)
        assert client.get("greeter").messages[0].content == "Good morning.\n"
        assert client.get("greeter").digest == good
    assert done.json == {
        "environment": "production",
        "epoch": 1,
        "revision": 3,
        "operation": done.json["operation"],
        "action": "rollback",
        "changes": [{"unit": "greeter", "from": bad, "to": good, "held": bad}],
        "skipped": [],
        "clients": None,
        "displaced": [],
        "doubts": [
            {
                "unit": "greeter",
                "digest": good,
                "why": f"goes back to {short(good)}: it was never rehearsed",
                "hint": f"promptops rehearse greeter --env production --target {short(good)}",
            }
        ],
    }
    live = store.read().pointers["greeter"]
    assert (live.revision, live.commit) == (3, deployed_twice.git("rev-parse", "HEAD~1"))
    assert [(hold.digest, hold.reason, hold.actor) for hold in live.held] == [
        (bad, "invents refunds", ADA)
    ]


def test_the_text_says_where_it_went_and_what_is_held(deployed_twice: Project) -> None:
    bad = short(deployed_twice.digest("greeter"))
    good = short(deployed_twice.digest("greeter", commit="HEAD~1"))
    done = deployed_twice.here("rollback", "greeter", *PLACE)
    assert done.out == (
        f"production is at revision 3 (rollback)\n  greeter  {bad} → {good}  held: {bad}\n"
        f"warning: greeter goes back to {good}: it was never rehearsed\n"
        f"  = help: promptops rehearse greeter --env production --target {good}\n"
    )


@pytest.fixture
def deployed_four_times(deployed_twice: Project, store: Store) -> Project:
    """greeter said Good morning, Good evening, Good night and says Good grief."""
    for prompt in ("Good night.", "Good grief."):
        deployed_twice.says("greeter", prompt)
        deployed_twice.deploy(store, "greeter")
    return deployed_twice


def prompt_of(store: Store, unit: str = "greeter") -> str:
    data = store.release(store.read().pointers[unit].digest)
    assert data is not None
    text = data.decode()
    return text[text.index("Good") :].partition("\\n")[0]


@everywhere
def test_a_second_rollback_goes_further_back_and_never_to_the_bad_release(
    deployed_four_times: Project, store: Store
) -> None:
    seen = []
    for _ in range(3):
        assert deployed_four_times.run("rollback", "greeter", *PLACE).code == 0
        seen.append(prompt_of(store))
    assert seen == ["Good night.", "Good evening.", "Good morning."]
    assert len(store.read().pointers["greeter"].held) == 3


def test_a_rollback_with_nothing_left_lists_what_is_held(
    deployed_twice: Project, contents: Contents
) -> None:
    bad = deployed_twice.digest("greeter")
    assert deployed_twice.here("rollback", "greeter", *PLACE, "--reason", "bad").code == 0
    before = contents()
    done = deployed_twice.here("rollback", "greeter", *PLACE, "-o", "json")
    refused = done.json["refused"]
    assert (done.code, refused["code"]) == (3, "no-target")
    assert refused["message"] == "greeter has no earlier release that is not held"
    assert refused["hint"].startswith(f"held are: {short(bad)} (bad (")
    assert refused["hint"].endswith(f"; go to one all the same with --to {short(bad)} --force")
    assert done.err == f"error[no-target]: {refused['message']}\n help: {refused['hint']}\n"
    assert contents() == before


def test_a_rollback_of_a_first_release_says_so(deployed: Project, contents: Contents) -> None:
    before = contents()
    done = deployed.here("rollback", "greeter", *PLACE)
    live = short(deployed.digest("greeter"))
    assert (done.code, done.err) == (
        3,
        (
            f"error[no-target]: greeter has only ever had one release here, {live}\n"
            " help: there is nothing to go back to; fix the prompt and deploy\n"
        ),
    )
    assert contents() == before


def test_somebody_else_deployed_in_between(deployed_twice: Project, store: Store) -> None:
    """A rollback goes from what is live at that moment, whoever put it there."""
    deployed_twice.says("farewell", "Good-bye.")
    deployed_twice.here("deploy", "farewell", *PLACE, GITHUB_ACTOR="bo")
    deployed_twice.says("greeter", "Good grief.")
    deployed_twice.here("deploy", "greeter", *PLACE, GITHUB_ACTOR="cy")
    assert deployed_twice.here("rollback", "greeter", *PLACE).code == 0
    assert prompt_of(store) == "Good evening."
    assert prompt_of(store, "farewell") == "Good-bye."


# --- dry runs -------------------------------------------------------------------------------------


@everywhere
def test_a_dry_run_says_where_it_would_go_and_writes_nothing(
    deployed_twice: Project, contents: Contents
) -> None:
    before = contents()
    dry = deployed_twice.run("rollback", "greeter", *PLACE, "--dry-run", "--wait", "--json")
    assert (dry.code, dry.err, contents()) == (0, "", before)
    said = deployed_twice.here("rollback", "greeter", *PLACE, "--dry-run", "--revert")
    assert (said.code, said.err, contents()) == (0, "", before)
    assert said.out.startswith("production is at revision 2; a rollback would change:\n  greeter  ")
    assert deployed_twice.git("branch", "--list") == "* main"
    done = deployed_twice.run("rollback", "greeter", *PLACE, "--json")
    made = {"revision": 3, "operation": done.json["operation"]}
    assert dry.json["dry_run"] is True
    assert done.json == {key: each for key, each in dry.json.items() if key != "dry_run"} | made


def test_a_dry_run_asks_nobody(deployed_twice: Project, contents: Contents) -> None:
    text = (deployed_twice.root / "promptops.yaml").read_text()
    protected = text.replace('_STORE}"}', '_STORE}", protected: true, branch: main}')
    deployed_twice.write("promptops.yaml", protected)
    before = contents()
    back = ("rollback", "greeter", *PLACE)
    assert deployed_twice.run(*back).err.startswith("error[confirmation-needed]")
    assert deployed_twice.run(*back, "--dry-run").code == 0
    assert "would change" in deployed_twice.on_a_terminal(*back, "--dry-run")
    assert contents() == before


def test_a_dry_run_refuses_what_a_rollback_would_refuse(
    deployed_twice: Project, saboteur: Saboteur
) -> None:
    good = deployed_twice.digest("greeter", commit="HEAD~1")

    def refused(*words: str) -> str:
        command = ("rollback", *words, *PLACE, "--json")
        done = [deployed_twice.here(*command), deployed_twice.here(*command, "--dry-run")]
        assert [each.code for each in done] == [3, 3]
        assert done[0].json["refused"] == done[1].json["refused"]
        assert ("dry_run" in done[0].json, done[1].json["dry_run"]) == (False, True)
        return str(done[0].json["refused"]["code"])

    assert refused("farewell") == "no-target"
    saboteur.remove(good)
    named = ("greeter", "--to", short(good))
    assert (refused("greeter"), refused(*named)) == ("blocked", "missing-release")
    saboteur.overwrite(good, b"{}")
    assert (refused("greeter"), refused(*named, "--force")) == ("blocked", "missing-release")


@everywhere
def test_a_release_that_the_store_lost_or_damaged_is_skipped(
    deployed_twice: Project, store: Store, saboteur: Saboteur
) -> None:
    morning, evening = (deployed_twice.digest("greeter", commit=c) for c in ("HEAD~1", "HEAD"))
    deployed_twice.says("greeter", "Good night.")
    deployed_twice.deploy(store, "greeter")
    saboteur.overwrite(evening, b"{}")
    done = deployed_twice.run("rollback", "greeter", *PLACE, "--json")
    assert (done.code, prompt_of(store)) == (0, "Good morning.")
    [skipped] = done.json["skipped"]
    assert skipped["digest"] == evening
    assert skipped["why"] == f"the store holds other bytes as {short(evening)}"
    saboteur.remove(morning)
    done = deployed_twice.run("rollback", "greeter", "--to", short(evening), *PLACE)
    assert (done.code, done.err.partition(":")[0]) == (3, "error[missing-release]")


# --- several units, the whole environment ---------------------------------------------------------


@pytest.fixture
def both_changed(deployed_twice: Project, store: Store) -> Project:
    """Revision 3: farewell says Good-bye, after greeter said Good evening in revision 2."""
    deployed_twice.says("farewell", "Good-bye.")
    deployed_twice.deploy(store, "farewell")
    return deployed_twice


@everywhere
def test_several_units_go_back_in_one_deployment(both_changed: Project, store: Store) -> None:
    done = both_changed.run("rollback", "greeter", "farewell", *PLACE, "--json")
    assert (done.code, done.json["revision"]) == (0, 4)
    assert [change["unit"] for change in done.json["changes"]] == ["farewell", "greeter"]
    assert (prompt_of(store), prompt_of(store, "farewell")) == ("Good morning.", "Good night.")
    assert store.read().head == Head(1, 4)


def test_several_units_go_back_all_or_none(both_changed: Project, contents: Contents) -> None:
    assert both_changed.here("rollback", "farewell", *PLACE).code == 0
    before = contents()
    done = both_changed.here("rollback", "greeter", "farewell", *PLACE)
    assert (done.code, done.err.partition("\n")[0]) == (
        3,
        "error[no-target]: farewell has no earlier release that is not held",
    )
    assert contents() == before


@everywhere
def test_the_whole_environment_goes_back_to_a_revision(both_changed: Project, store: Store) -> None:
    both_changed.unit("newcomer", "Good to be new.")
    both_changed.commit("newcomer")
    both_changed.deploy(store, "newcomer")
    done = both_changed.run("rollback", "--to", "1", *PLACE, "-o", "json")
    assert (done.code, done.json["revision"], done.json["action"]) == (0, 5, "rollback")
    assert [change["unit"] for change in done.json["changes"]] == ["farewell", "greeter"]
    newcomer = both_changed.digest("newcomer")
    assert done.json["skipped"] == [
        {"unit": "newcomer", "digest": newcomer, "why": "was not live at revision 1"}
    ]
    assert done.err == f"skipped newcomer: {short(newcomer)} was not live at revision 1\n"
    assert store.read().pointers["newcomer"].digest == newcomer
    assert (prompt_of(store), prompt_of(store, "farewell")) == ("Good morning.", "Good night.")


def test_a_named_unit_goes_back_to_a_revision_alone(both_changed: Project, store: Store) -> None:
    assert both_changed.here("rollback", "greeter", "--to", "1", *PLACE).code == 0
    assert (prompt_of(store), prompt_of(store, "farewell")) == ("Good morning.", "Good-bye.")


def test_the_revision_that_is_needs_nothing(both_changed: Project, contents: Contents) -> None:
    before = contents()
    done = both_changed.here("rollback", "--to", "3", *PLACE)
    assert (done.code, done.out) == (0, "production: nothing to do, revision 3 stays\n")
    assert contents() == before


def test_which_unit_must_be_said_where_there_are_several(
    both_changed: Project, contents: Contents
) -> None:
    before = contents()
    done = both_changed.here("rollback", *PLACE, "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: say which unit to roll back\n"
        " help: live are: farewell, greeter; the whole environment goes back with --to REVISION\n"
    )
    assert contents() == before


def test_the_only_unit_need_not_be_named(git_project: Project, store: Store) -> None:
    git_project.deploy(store, "greeter")
    git_project.says("greeter", "Good evening.")
    git_project.deploy(store, "greeter")
    assert git_project.here("rollback", *PLACE).code == 0
    assert prompt_of(store) == "Good morning."


# --- --to -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["digest", "prefix", "bare prefix", "revision", "commit", "short commit"]
)
def test_a_target_is_a_digest_a_revision_or_a_commit(
    deployed_four_times: Project, store: Store, name: str
) -> None:
    commit = deployed_four_times.git("rev-parse", "HEAD~2")
    digest = deployed_four_times.digest("greeter", commit=commit)
    to = {
        "digest": digest,
        "prefix": digest[:19],
        "bare prefix": short(digest),
        "revision": "2",
        "commit": commit,
        "short commit": commit[:10],
    }[name]
    done = deployed_four_times.here("rollback", "greeter", "--to", to, *PLACE, "--json")
    assert (done.code, done.json["revision"]) == (0, 5)
    assert prompt_of(store) == "Good evening."
    live = store.read().pointers["greeter"]
    assert (live.commit, live.digest) == (commit, digest)


def test_a_digest_says_which_unit_is_meant(deployed_four_times: Project, store: Store) -> None:
    digest = deployed_four_times.digest("greeter", commit="HEAD~2")
    assert deployed_four_times.here("rollback", "--to", short(digest), *PLACE).code == 0
    assert prompt_of(store) == "Good evening."
    done = deployed_four_times.here("rollback", "farewell", "--to", short(digest), *PLACE)
    assert (done.code, done.err) == (
        2,
        (
            f"error: {short(digest)} is a release of greeter\n"
            f" help: promptops rollback greeter --to {short(digest)} --env production\n"
        ),
    )


@everywhere
def test_a_held_target_is_refused_unless_it_is_forced(
    rolled_back: Project, contents: Contents, store: Store
) -> None:
    held = rolled_back.digest("greeter")
    good = rolled_back.digest("greeter", commit="HEAD~1")
    before = contents()
    command = ("rollback", "greeter", "--to", short(held), *PLACE, "--json")
    done = rolled_back.run(*command)
    message = f"{short(held)} is held for greeter: invents refunds (2026-11-20T10:00:00.000Z)"
    hint = "choose another --to, or say --force to go there all the same"
    assert done.code == 3
    assert done.json["refused"] == {"code": "held", "message": message, "hint": hint}
    assert done.err == f"error[held]: {message}\n help: {hint}\n"
    assert contents() == before
    forced = rolled_back.here(*command, "--force")
    assert forced.code == 0
    assert forced.json["changes"] == [
        {"unit": "greeter", "from": good, "to": held, "held": good, "lifted": held}
    ]
    live = store.read().pointers["greeter"]
    assert (live.digest, [hold.digest for hold in live.held]) == (held, [good])


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (
            "7",
            (
                "error: there is no revision 7 in production\n"
                " help: revisions are 1 to 2; see promptops history --env production\n"
            ),
        ),
        (
            "0",
            (
                "error: there is no revision 0 in production\n"
                " help: revisions are 1 to 2; see promptops history --env production\n"
            ),
        ),
        (
            "deadbeef",
            (
                "error: 'deadbeef' is no digest, revision or commit that was live in production\n"
                " help: see promptops history --env production for what one can go back to\n"
            ),
        ),
        (
            "dEadb",
            "error: 'dEadb' is too short\n help: write at least 6 hex digits of it\n",
        ),
        (
            "HEAD~1",
            (
                "error: 'HEAD~1' is no digest, revision or commit that was live in production\n"
                " help: see promptops history --env production for what one can go back to\n"
            ),
        ),
        (
            "-1",
            (
                "error: '-1' is no digest, revision or commit that was live in production\n"
                " help: see promptops history --env production for what one can go back to\n"
            ),
        ),
    ],
)
def test_a_target_that_never_was_live(
    deployed_twice: Project, contents: Contents, to: str, said: str
) -> None:
    before = contents()
    done = deployed_twice.here("rollback", "greeter", f"--to={to}", *PLACE)
    assert (done.code, done.err) == (2, said)
    assert contents() == before


def test_a_release_of_another_environment_is_no_target(
    deployed_twice: Project, store_url: str
) -> None:
    deployed_twice.says("greeter", "Only in staging.")
    staging = ("--store", store_url, "--env", "staging")
    assert deployed_twice.here("deploy", "greeter", *staging, "--create").code == 0
    digest = deployed_twice.digest("greeter", "staging")
    assert deployed_twice.here("rollback", "greeter", "--to", digest, *PLACE).code == 2


def test_an_unknown_unit_is_answered_with_the_nearest(deployed_twice: Project) -> None:
    done = deployed_twice.here("rollback", "greter", *PLACE)
    assert (done.code, done.err) == (
        2,
        "error: there is no unit 'greter' in production\n help: did you mean 'greeter'?\n",
    )


@everywhere
def test_an_environment_that_never_was_is_not_made(
    git_project: Project, store_url: str, contents: Contents
) -> None:
    done = git_project.run("rollback", "greeter", *PLACE, "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "no-environment")
    assert contents() in (None, {})


# --- the store and nothing else -------------------------------------------------------------------


@pytest.fixture
def a_bad_night(tmp_path: Path) -> dict[str, str]:
    """git is not on the PATH, and GitPython cannot be imported."""
    (tmp_path / "nothing").mkdir()
    for package in ("git", "gitdb"):
        blocked = tmp_path / "blocked" / package / "__init__.py"
        blocked.parent.mkdir(parents=True)
        blocked.write_text(f"raise ImportError('{package} is broken')\n")
    return {"PATH": str(tmp_path / "nothing"), "PYTHONPATH": str(tmp_path / "blocked")}


@everywhere
def test_rollback_needs_the_store_and_nothing_else(
    deployed_twice: Project,
    empty_folder: Project,
    a_bad_night: dict[str, str],
    store: Store,
    store_url: str,
) -> None:
    place = ("--store", store_url, "--env", "production")
    # The night is as bad as it looks.
    assert empty_folder.run("status", *place, **a_bad_night).code == 5
    done = empty_folder.run("rollback", "greeter", *place, "--wait", "--json", **a_bad_night)
    assert done.code == 0
    assert done.err == (
        "no client is present: nobody could confirm it; clients without presence are not counted\n"
    )
    assert (done.json["revision"], done.json["action"]) == (3, "rollback")
    assert prompt_of(store) == "Good morning."
    digest = short(done.json["changes"][0]["from"])
    lifted = empty_folder.run("hold", "greeter", digest, "--lift", *place, **a_bad_night)
    assert (lifted.code, lifted.err) == (0, "")


@everywhere
def test_rollback_in_the_project_needs_no_git_either(
    deployed_twice: Project, a_bad_night: dict[str, str], store: Store
) -> None:
    """The project file names the store; git and GitPython are gone."""
    done = deployed_twice.run("rollback", "greeter", *PLACE, **a_bad_night)
    assert (done.code, done.err) == (0, "")
    assert prompt_of(store) == "Good morning."
    assert store.history(limit=1)[0].actor
