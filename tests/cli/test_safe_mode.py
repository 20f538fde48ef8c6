"""safe-mode: every unit's safe release in one step, and back to exactly where it was."""

from pathlib import Path

import pytest

from promptops import Client
from promptops.client.disk import Disk
from promptops.errors import PromptopsError
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import ADA, MANIFEST, Project, everywhere, short
from tests.client.sabotage import Saboteur
from tests.client.waiting import until

PLACE = ("--env", "production")
ON = ("safe-mode", "on", "greeter", *PLACE, "--reason", "it invents refunds")
OFF = ("safe-mode", "off", "greeter", *PLACE)
SAFE = """\
safe:
  params: {temperature: 0}
  prompt:
    version: "1.0.0-safe"
    messages: [{role: system, file: safe.md}]
"""


@pytest.fixture
def careful(git_project: Project, store: Store) -> Project:
    """Revision 2 of production: greeter, which has a safe release, says Good evening."""
    git_project.write("manifests/greeter/manifest.yaml", MANIFEST.replace("NAME", "greeter") + SAFE)
    git_project.write("manifests/greeter/safe.md", "Say hello and nothing else.\n")
    git_project.commit("a safe mode")
    git_project.run("deploy", "--all", *PLACE, "--create")
    git_project.says("greeter", "Good evening.")
    git_project.run("deploy", "--all", *PLACE)
    assert store.read().pointers["greeter"].revision == 2
    return git_project


@everywhere
def test_safe_mode_is_one_swap_and_the_way_back_leads_to_where_it_was(
    careful: Project, store: Store, store_url: str
) -> None:
    before = store.read().pointers["greeter"]
    assert before.safe is not None
    apps = [App(store_url, f"app-{number}") for number in range(2)]
    try:
        for app in apps:
            app.wait_until_present(store)
        on = careful.run(*ON, "--wait", "--json")
        assert (on.code, on.err) == (0, "")
        assert (on.json["action"], on.json["clients"]["confirmed"]) == ("safe-mode on", 2)
        assert on.json["changes"] == [
            {"unit": "greeter", "from": before.digest, "to": before.safe, "safe": before.safe}
        ]
        live = store.read().pointers["greeter"]
        assert (live.digest, live.revision, live.meant) == (before.safe, 3, before.digest)
        again = careful.run(*ON, "--json")
        assert (again.code, again.json["action"]) == (0, "none")
        off = careful.run(*OFF, "--wait", "--json")
        assert (off.code, off.json["clients"]["confirmed"]) == (0, 2)
    finally:
        for app in apps:
            app.end()
    after = store.read().pointers["greeter"]
    assert (after.digest, after.commit, after.since, after.held, after.safe, after.safe_mode) == (
        before.digest,
        before.commit,
        before.since,
        before.held,
        before.safe,
        None,
    )
    assert [entry.action for entry in store.history()][:2] == ["safe-mode off", "safe-mode on"]


def test_it_is_seen_everywhere(careful: Project, store: Store) -> None:
    digest = store.read().pointers["greeter"].digest
    assert f"safe       {short(store.read().pointers['greeter'].safe or '')}" in (
        careful.here("show", "greeter", *PLACE).out
    )
    careful.here(*ON)
    said = f"greeter is in safe mode since {store.read().pointers['greeter'].since}, instead of "
    said += f"{short(digest)}: it invents refunds ({ADA})"
    assert said in careful.here("status", *PLACE).out.splitlines()
    assert said in careful.here("clients", *PLACE).out.splitlines()
    status = careful.here("status", *PLACE, "--json").json
    [greeter] = [unit for unit in status["units"] if unit["unit"] == "greeter"]
    assert (greeter["state"], greeter["safe_mode"]["digest"]) == ("safe mode", digest)
    assert careful.here("clients", *PLACE, "--json").json["safe_mode"] == ["greeter"]
    assert "safe-mode on" in careful.here("history", *PLACE).out
    shown = careful.here("show", "greeter", *PLACE).out
    assert f"safe mode  instead of {short(digest)}: it invents refunds" in shown
    assert "Say hello and nothing else." in shown
    assert "in safe mode, left alone: greeter" in careful.here("plan", *PLACE).out
    gate = careful.here("gate", "--base", "HEAD~1", *PLACE).out
    assert "greeter: it is in safe mode, and left alone" in gate
    careful.says("greeter", "Good night.")
    plan = careful.here("plan", *PLACE)
    assert "warning[safe-mode]: it is in safe mode and will not be deployed" in plan.out


def test_a_deploy_does_not_end_it(careful: Project, store: Store) -> None:
    careful.here(*ON)
    careful.says("greeter", "Good night.")
    careful.says("farewell", "Farewell.")
    before = store.read().pointers["greeter"]
    refused = careful.here("deploy", "greeter", *PLACE, "--json")
    assert (refused.code, refused.json["refused"]["code"]) == (3, "safe-mode")
    assert "promptops rollback greeting".removesuffix("ing") in refused.err
    done = careful.here("deploy", "--all", *PLACE, "--json")
    assert (done.code, [each["unit"] for each in done.json["changes"]]) == (0, ["farewell"])
    assert [each["why"] for each in done.json["skipped"]] == ["in safe mode: it invents refunds"]
    assert store.read().pointers["greeter"] == before


def test_a_rollback_leaves_it_for_the_target_and_holds_what_it_stood_in_for(
    careful: Project, store: Store
) -> None:
    bad = store.read().pointers["greeter"].digest
    careful.here(*ON)
    back = careful.here("rollback", "greeter", *PLACE, "--json")
    good = careful.digest("greeter", commit="HEAD~1")
    live = store.read().pointers["greeter"]
    assert (back.code, live.digest, live.safe_mode) == (0, good, None)
    assert [hold.digest for hold in live.held] == [bad]
    assert live.safe is not None
    assert careful.here(*ON).code == 0
    # What stood in for another is never gone back to by itself.
    done = careful.here("rollback", "greeter", *PLACE, "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "no-target")


def test_it_passes_through_freezes_and_holds(careful: Project, store: Store) -> None:
    live = store.read().pointers["greeter"]
    for digest in (str(live.safe), live.digest):
        assert careful.here("hold", "greeter", digest, *PLACE, "--reason", "r").code == 0
    assert careful.here("freeze", *PLACE, "--reason", "the auditors are here").code == 0
    assert careful.here(*ON).code == 0
    assert careful.here(*OFF).code == 0
    found = store.read()
    assert (found.pointers["greeter"].digest, found.freeze is not None) == (live.digest, True)


@everywhere
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("removed", "the release {} is not in the store"),
        ("changed", "the store holds other bytes as {}"),
    ],
)
def test_it_is_not_left_for_a_release_that_is_not_whole(
    careful: Project,
    store: Store,
    saboteur: Saboteur,
    damage: str,
    why: str,
) -> None:
    assert careful.here(*ON).code == 0
    before = store.read()
    meant = before.pointers["greeter"].meant
    if damage == "removed":
        saboteur.remove(meant)
    else:
        saboteur.overwrite(meant, b"{}")
    done = careful.run(*OFF, "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "missing-release")
    restore = "promptops restore --env production"
    assert done.err == (
        f"error[missing-release]: greeter stays in safe mode: {why.format(short(meant))}\n"
        f" help: to mend the store: {restore} --from FILE, or without an export: {restore} "
        "--from-git REV; to leave safe mode for an earlier release: promptops rollback greeter "
        "--env production\n"
    )
    assert store.read() == before
    assert careful.here("restore", *PLACE, "--from-git", "HEAD", "--yes").code == 0
    assert careful.here(*OFF).code == 0
    assert store.read().pointers["greeter"].digest == meant


def test_nobody_is_asked_in_a_protected_environment_either(careful: Project) -> None:
    text = (careful.root / "promptops.yaml").read_text()
    protected = text.replace('_STORE}"}', '_STORE}", protected: true, branch: main}')
    careful.write("promptops.yaml", protected)
    assert careful.run("freeze", *PLACE, "--reason", "r").code == 3
    assert careful.run(*ON).code == 0
    assert careful.run(*OFF).code == 0


def test_units_without_a_safe_release(careful: Project, store: Store) -> None:
    refused = careful.here(
        "safe-mode", "on", "greeter", "farewell", *PLACE, "--reason", "r", "--json"
    )
    assert (refused.code, refused.json["refused"]["code"]) == (3, "no-safe-release")
    done = careful.here("safe-mode", "on", "--all", *PLACE, "--reason", "r", "--json")
    assert [each["unit"] for each in done.json["changes"]] == ["greeter"]
    assert [each["why"] for each in done.json["skipped"]] == ["has no safe release"]
    off = careful.here("safe-mode", "off", "--all", *PLACE, "--json")
    assert (off.code, [each["unit"] for each in off.json["changes"]]) == (0, ["greeter"])
    assert store.read().pointers["greeter"].safe_mode is None


@pytest.mark.parametrize(
    "words",
    [
        ("safe-mode", "on", "greeter", *PLACE),
        ("safe-mode", "on", *PLACE, "--reason", "r"),
        ("safe-mode", "on", "greeter", "--all", *PLACE, "--reason", "r"),
        ("safe-mode", "up", "greeter", *PLACE),
    ],
)
def test_what_cannot_be_meant(careful: Project, words: tuple[str, ...]) -> None:
    assert careful.here(*words).code == 2


def test_a_change_of_the_safe_release_alone_is_deployed(careful: Project, store: Store) -> None:
    before = store.read().pointers["greeter"]
    careful.write("manifests/greeter/safe.md", "Say nothing.\n")
    careful.commit("safer")
    assert "warning[safe-release]" in careful.here("plan", *PLACE).out
    done = careful.here("deploy", "--all", *PLACE)
    after = store.read().pointers["greeter"]
    assert (done.code, after.digest, after.since) == (0, before.digest, before.since)
    assert after.safe not in {None, before.safe}
    assert careful.here("deploy", "--all", *PLACE, "--json").json["action"] == "none"
    careful.git("revert", "--no-edit", "HEAD")
    path = Path("manifests/greeter/manifest.yaml")
    careful.write(str(path), (careful.root / path).read_text().replace(SAFE, ""))
    careful.commit("no safe mode")
    assert "warning[no-safe-release]" in careful.here("plan", *PLACE).out
    careful.here("deploy", "--all", *PLACE)
    assert store.read().pointers["greeter"].safe is None


def test_a_restore_from_git_brings_safe_releases_and_ends_no_safe_mode(
    careful: Project, store: Store, saboteur: Saboteur
) -> None:
    before, restore = store.read().pointers["greeter"], ("restore", *PLACE, "--from-git", "HEAD")
    saboteur.wipe()
    assert careful.run(*restore).code == 0
    after = store.read().pointers["greeter"]
    assert (after.digest, after.safe) == (before.digest, before.safe)
    assert careful.run(*ON).code == 0
    with Client(str(store.address), environment="production") as client:
        client.wait_ready(10)
        assert client.get("greeter").messages[0].content == "Say hello and nothing else.\n"
    again = careful.here(*restore, "--yes", "--json")
    assert [each["why"] for each in again.json["skipped"]] == ["in safe mode: it invents refunds"]
    assert careful.here(*OFF).code == 0
    assert store.read().pointers["greeter"].digest == before.digest
    assert careful.here("verify", *PLACE).code == 0


def test_it_works_from_the_copy_on_disk_without_a_store(
    careful: Project, store_url: str, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    with Client(store_url, environment="production", cache=cache, poll=0.05) as client:
        client.wait_ready(10)
        until(lambda: _has_copy(cache))
    pin = ("pin", "greeter", *PLACE, "--cache", str(cache))
    pinned = careful.run(*pin, "--safe", PROMPTOPS_STORE="")
    assert (pinned.code, pinned.err) == (0, "")
    with Client(None, environment="production", cache=cache, poll=0.05) as alone:
        alone.wait_ready(10)
        assert alone.get("greeter").messages[0].content == "Say hello and nothing else.\n"
        assert alone.get("farewell").messages[0].content == "Good night.\n"
        assert careful.run(*pin, "--lift").code == 0
        until(lambda: alone.get("greeter").messages[0].content == "Good evening.\n")
    none = careful.here("pin", "farewell", *PLACE, "--cache", str(cache), "--safe")
    assert (none.code, none.err.startswith("error[no-safe-release]: neither")) == (3, True)
    assert careful.here(*pin, "--safe", "--lift").code == 2


def test_a_bundle_has_the_safe_release(careful: Project, tmp_path: Path) -> None:
    bundle, cache = str(tmp_path / "prompts.bundle"), str(tmp_path / "cache")
    assert careful.here("bundle", *PLACE, "--out", bundle).code == 0
    pin = ("pin", "greeter", *PLACE, "--cache", cache, "--bundle", bundle, "--safe", "--json")
    pinned = careful.here(*pin)
    assert [*pinned.json["pins"]] == ["greeter"]
    with Client(None, environment="production", cache=cache, bundle=bundle) as alone:
        alone.wait_ready(10)
        assert alone.get("greeter").messages[0].content == "Say hello and nothing else.\n"


def _has_copy(cache: Path) -> bool:
    try:
        return bool(Disk(str(cache), "production", None).read().safe)
    except PromptopsError:
        return False


def test_a_rehearsal_goes_where_a_rollback_would_and_not_to_what_stood_in(
    careful: Project,
) -> None:
    assert careful.here(*ON).code == 0
    assert careful.here(*OFF).code == 0
    rehearsed = careful.here("rehearse", "greeter", *PLACE, "--json")
    (unit,) = rehearsed.json["units"]
    assert [target["revision"] for target in unit["targets"]] == [1]
    assert careful.here("rollback", "greeter", *PLACE, "--yes", "--json").code == 0
