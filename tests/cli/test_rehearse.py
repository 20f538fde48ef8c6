"""rehearse: what it prints, what is kept, and what it is asked for."""

from promptops import Client
from promptops.live.store import Store
from tests.cli.projects import Project, everywhere
from tests.cli.rehearsals import (
    PLACE,
    caller,
    codes,
    manifest,
    now_required,
    policy,
    rehearsed,
    release,
    says,
    variable_gone,
)
from tests.waiting import eventually


@everywhere
def test_what_the_command_prints_as_json(deployed_twice: Project, store: Store) -> None:
    done = deployed_twice.run("rehearse", *PLACE, "-o", "json")
    assert done.code == 0, done.err
    first = deployed_twice.digest("greeter", commit="HEAD~1")
    assert done.json == {
        "environment": "production",
        "checked_at": done.json["checked_at"],
        "units": [
            {
                "unit": "farewell",
                "live": deployed_twice.digest("farewell"),
                "best": None,
                "targets": [],
                "safe": None,
            },
            {
                "unit": "greeter",
                "live": deployed_twice.digest("greeter"),
                "best": first,
                "targets": [{"digest": first, "revision": 1, "verdict": "ready", "findings": []}],
                "safe": None,
            },
        ],
    }


def test_the_text_says_which_is_the_best(deployed_twice: Project) -> None:
    done = deployed_twice.here("rehearse", *PLACE)
    live, best = (deployed_twice.digest("greeter", commit=rev) for rev in ("HEAD", "HEAD~1"))
    bye = deployed_twice.digest("farewell")
    assert done.out == (
        f"farewell  live: {bye[7:19]}\n"
        "  no earlier release that is not held: there is nothing to go back to\n\n"
        f"greeter  live: {live[7:19]}\n"
        f"  revision 1  {best[7:19]}  ready  ← best\n\n"
        "production: 1 unit can go back, 1 without an earlier release\n"
    )


def test_status_says_how_long_ago_the_way_back_was_rehearsed(deployed_twice: Project) -> None:
    assert "way back" not in deployed_twice.here("status", *PLACE).out
    deployed_twice.here("rehearse", *PLACE)
    status = deployed_twice.here("status", *PLACE)
    assert "\ngreeter: way back: to revision 1, checked 0 s ago, 0.0" in status.out
    unit = deployed_twice.here("status", *PLACE, "-o", "json").json["units"][1]
    assert unit["way_back"]["best"] == deployed_twice.digest("greeter", commit="HEAD~1")
    assert unit["way_back"]["revision"] == 1


def test_one_target_by_its_revision_or_its_digest(deployed_twice: Project, store: Store) -> None:
    first = deployed_twice.digest("greeter", commit="HEAD~1")
    for name in ("1", first, first[7:19], first[7:19].upper()):
        [target] = rehearsed(deployed_twice, "--target", name)["targets"]
        assert (target["digest"], target["verdict"]) == (first, "ready")
    assert store.reports() == {}, "a look at one release is not the report of them all"
    live = deployed_twice.digest("greeter")
    for name in ("2", live):
        [target] = rehearsed(deployed_twice, "--target", name)["targets"]
        assert (target["digest"], target["revision"]) == (live, 2), "as after a rollback to it"
    for name in ("9", "abcdef", "no"):
        done = deployed_twice.here("rehearse", "greeter", *PLACE, "--target", name)
        assert (done.code, "see promptops history" in done.err) == (2, True)
    done = deployed_twice.here("rehearse", "greeter", *PLACE, "--target", "abcde")
    assert (done.code, done.err.splitlines()[0]) == (2, "error: 'abcde' is too short")


def test_what_a_commit_would_leave_is_rehearsed_by_its_own_policies(
    deployed_twice: Project, store: Store
) -> None:
    manifest(deployed_twice, params={"max_tokens": 300})
    policy(
        deployed_twice,
        '{"properties": {"params": {"title": "Limits", "required": ["max_tokens"]}}}',
    )
    deployed_twice.git("checkout", "--quiet", "HEAD~1")
    found = rehearsed(deployed_twice, "--commit", "main")
    assert found["live"] == deployed_twice.digest("greeter", commit="main")
    assert [target["verdict"] for target in found["targets"]] == ["blocked", "blocked"]
    assert store.reports() == {}


def test_what_is_held_is_no_way_back(rolled_back: Project) -> None:
    assert rehearsed(rolled_back)["targets"] == []
    assert rolled_back.here("rehearse", "greeter", *PLACE).code == 0


def test_what_a_release_does_not_say_is_taken_from_today(deployed_twice: Project) -> None:
    policy(deployed_twice, '{"properties": {"owners": {"items": {"enum": ["bob@example.com"]}}}}')
    assert "E600" in deployed_twice.here("validate").out
    assert rehearsed(deployed_twice)["targets"][0]["verdict"] == "ready"


def test_a_policy_that_only_warns_is_a_warning(deployed: Project, store: Store) -> None:
    now_required(deployed, store)
    file = deployed.root / "promptops.yaml"
    rules = 'rules: {E600: {severity: warning, reason: "until May"}}\n'
    file.write_text(file.read_text("utf-8") + rules, "utf-8")
    target = rehearsed(deployed)["targets"][0]
    assert (target["verdict"], codes(target)) == ("ready with warnings", {"E600"})


def test_a_unit_that_git_has_lost_can_still_go_back(deployed_twice: Project) -> None:
    deployed_twice.git("rm", "-rq", "manifests/greeter")
    deployed_twice.commit()
    assert rehearsed(deployed_twice)["targets"][0]["verdict"] == "ready"


def test_as_markdown(deployed: Project, store: Store) -> None:
    now_required(deployed, store)
    done = deployed.here("rehearse", "greeter", *PLACE, "-o", "markdown")
    assert done.code == 1
    lines = done.out.strip().splitlines()
    assert lines[0] == (
        "### promptops: the way back in <code>production</code>: ❌ 0 units can go back, 1 cannot"
    )
    assert "revision 1 | ❌ blocked |" in lines[4]
    assert "**E600**" in lines[-1]
    assert "max&#95;tokens" in lines[-1]


def test_callers_are_known_by_what_running_apps_register(
    deployed: Project, store: Store, store_url: str
) -> None:
    variable_gone(deployed, store)
    assert rehearsed(deployed)["targets"][0]["verdict"] == "blocked"
    passed = {"greeter": ("guest", "season")}
    with Client(store_url, environment="production", app="helpdesk", inputs=passed) as client:
        client.wait_ready(5)
        assert eventually(lambda: store.clients() != [])
        assert rehearsed(deployed)["targets"][0]["verdict"] == "ready"


def test_what_is_live_and_refused_by_its_callers_is_no_witness_for_what_they_pass(
    deployed: Project, store: Store
) -> None:
    """Accepted once, and deployed again with another text: clients still serve what was before."""
    caller(store, {"greeter": ("guest",)})
    release(deployed, store, **says("guest", "lang"))
    release(deployed, store, **says("lang", "guest"))
    way = rehearsed(deployed)
    assert [each["verdict"] for each in way["targets"]] == ["blocked", "ready with warnings"]
    assert codes(way["targets"][0]) == {"callers"}
    manifest(deployed, params={"temperature": 0.1})
    deployed.commit()
    again = deployed.here("deploy", "greeter", *PLACE)
    assert (again.code, again.err.partition(":")[0]) == (3, "error[callers]")
