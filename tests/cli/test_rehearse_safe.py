"""rehearse: would the safe release work, tonight, as well?"""

import json

import pytest

from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short
from tests.cli.rehearsals import PLACE, codes, manifest, policy, rehearsed, said

ON = ("safe-mode", "on", "greeter", *PLACE, "--reason", "it invents refunds")
WARM = json.dumps(
    {
        "title": "Answers differ",
        "properties": {"params": {"properties": {"temperature": {"minimum": 0.1}}}},
    }
)


@pytest.fixture
def careful(git_project: Project, store: Store) -> Project:
    """greeter is live at revision 2 with a safe release, and the command deployed it both times."""
    manifest(git_project, safe={"params": {"temperature": 0}})
    git_project.commit("a safe mode")
    assert git_project.run("deploy", "--all", *PLACE, "--create").code == 0
    assert json.loads(store.reports()["greeter"])["safe"]["verdict"] == "ready", "the first, too"
    git_project.says("greeter", "Good evening.")
    assert git_project.here("deploy", "--all", *PLACE).code == 0
    return git_project


def safe_of(store: Store) -> str:
    safe = store.read().pointers["greeter"].safe
    assert safe is not None
    return safe


@everywhere
def test_a_safe_release_that_today_forbids_is_blocked_and_safe_mode_says_so(
    careful: Project, store: Store
) -> None:
    safe = safe_of(store)
    assert rehearsed(careful)["safe"] == {"digest": safe, "verdict": "ready", "findings": []}
    policy(careful, WARM)
    done = careful.run("rehearse", "greeter", *PLACE, "-o", "json")
    [unit] = done.json["units"]
    assert (done.code, unit["targets"][0]["verdict"]) == (1, "ready")
    assert unit["best"] == unit["targets"][0]["digest"], "the way back is not lost"
    assert (unit["safe"]["digest"], unit["safe"]["verdict"]) == (safe, "blocked")
    assert (codes(unit["safe"]), "Answers differ: " in said(unit["safe"])) == ({"E600"}, True)
    assert "its safe release is blocked" in careful.here("status", *PLACE).out
    on = careful.run(*ON, "--json")
    assert (on.code, store.read().pointers["greeter"].digest) == (0, safe)
    [doubt] = on.json["doubts"]
    assert (doubt["unit"], doubt["digest"]) == ("greeter", safe)
    assert doubt["why"].startswith(
        f"goes to its safe release {short(safe)}, which was blocked: Answers differ: "
    )
    assert doubt["hint"] == "promptops rehearse greeter --env production"


def test_how_it_is_said(careful: Project, store: Store) -> None:
    policy(careful, WARM)
    safe = short(safe_of(store))
    text = careful.here("rehearse", "greeter", *PLACE).out.splitlines()
    assert f"  safe release  {safe}  blocked" in text
    assert text[-1] == "production: 1 unit can go back; 1 safe release blocked"
    markdown = careful.here("rehearse", "greeter", *PLACE, "-o", "markdown").out
    assert f"| <code>{safe}</code>, safe release | ❌ blocked |" in markdown
    assert f"- <code>greeter</code> in safe mode, <code>{safe}</code>: **E600** " in markdown
    on = careful.here(*ON).out
    assert f"warning: greeter goes to its safe release {safe}, which was blocked: " in on
    assert "\n  = help: promptops rehearse greeter --env production\n" in on


def test_validate_and_deploy_find_it_at_safe(careful: Project, store: Store) -> None:
    policy(careful, WARM)
    careful.says("greeter", "Good night.")
    before = store.read()
    found = careful.here("validate", "--json").json["findings"]
    [finding] = [each for each in found if each["code"] == "E600"]
    lines = (careful.root / finding["file"]).read_text("utf-8").splitlines()
    assert finding["message"].startswith("in safe mode: Answers differ: ")
    assert lines.index("safe:") < finding["line"] - 1
    done = careful.here("deploy", "greeter", *PLACE)
    assert (done.code, "E600" in done.err, store.read()) == (1, True, before)


def test_a_safe_release_that_the_store_lost_is_blocked(careful: Project, store: Store) -> None:
    store.forget_releases([safe_of(store)])
    safe = rehearsed(careful)["safe"]
    assert (safe["verdict"], codes(safe)) == ("blocked", {"C610"})


def test_what_is_live_may_say_that_there_is_no_way_back_and_safe_mode_is_none(
    careful: Project, store: Store
) -> None:
    manifest(careful, forward_only="it writes the new format")
    careful.commit()
    accepted = ("--accept-no-return", "we must")
    assert careful.here("deploy", "greeter", *PLACE, *accepted).code == 0
    assert careful.here(*ON).code == 0
    unit = rehearsed(careful)
    assert unit["live"] == safe_of(store)
    assert {each["verdict"] for each in unit["targets"]} == {"blocked"}
    assert unit["safe"]["verdict"] == "ready"
