"""What is live in staging goes live in production, from the same commits."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from promptops.delivery.promote import check_soaked, promotion
from promptops.errors import Refused
from promptops.live.store import Store
from promptops.source.project import Soak
from tests.cli.projects import AT, Project
from tests.cli.terminal import Terminal
from tests.conftest import Opener

PROMOTE = ("promote", "--from", "staging", "--to", "production")
STAGING = '  staging: {store: "sqlite:///staging.db", create: true}\n'


@pytest.fixture
def staged(deployed: Project, tmp_path: Path) -> Project:
    """Production says Good morning; both units are changed in staging, by two commits."""
    text = (deployed.root / "promptops.yaml").read_text()
    deployed.write("promptops.yaml", text + STAGING)
    deployed.write(".gitignore", "staging.db*\n")
    for unit in ("greeter", "farewell"):
        manifest = (deployed.root / f"manifests/{unit}/manifest.yaml").read_text()
        manifest = manifest[: manifest.index("environments:")]
        deployed.write(f"manifests/{unit}/manifest.yaml", manifest)
    deployed.commit("staging has no overlay")
    for unit in ("greeter", "farewell"):
        deployed.says(unit, "Good evening.")
        assert deployed.here("deploy", unit, "--env", "staging").code == 0
    return deployed


@pytest.fixture
def staging(staged: Project, opened: Opener) -> Store:
    return opened(f"sqlite:///{staged.root}/staging.db", "staging")


def soaking(project: Project, length: str) -> None:
    text = (project.root / "promptops.yaml").read_text()
    soak = f'_STORE}}", soak: {{from: staging, for: {length}}}}}'
    project.write("promptops.yaml", text.replace('_STORE}"}', soak))


def test_the_very_same_releases_go_live_in_one_deployment(
    staged: Project, staging: Store, store: Store
) -> None:
    greeter, farewell = staged.git("rev-parse", "HEAD^", "HEAD").split()
    staged.says("greeter", "This is not in staging.")
    done = staged.run(*PROMOTE, "--reason", "it is good", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.json["action"], done.json["revision"]) == ("promote", 2)
    there, here = staging.read().pointers, store.read().pointers
    for unit, commit in (("greeter", greeter), ("farewell", farewell)):
        assert (here[unit].digest, here[unit].commit) == (there[unit].digest, commit)
    promoted = {each["unit"]: each for each in done.json["promoted"]}
    assert promoted["greeter"] == {
        "unit": "greeter",
        "commit": greeter,
        "from": there["greeter"].digest,
        "to": there["greeter"].digest,
        "same": True,
        "changes": [],
    }
    (entry, _) = store.history()
    assert (entry.action, entry.commit, entry.reason) == ("promote", None, "it is good")
    again = staged.run(*PROMOTE, "--json")
    assert (again.code, again.json["action"]) == (0, "none")


def test_one_unit_alone_and_back_again_by_commit(staged: Project, store: Store) -> None:
    first = store.read().pointers
    done = staged.run(*PROMOTE, "farewell")
    assert done.code == 0
    live = store.read().pointers
    assert (live["greeter"], live["farewell"].commit) == (first["greeter"], staged.head)
    assert staged.run("rollback", "farewell", "--env", "production", "--to", "1").code == 0
    back = staged.run("rollback", "farewell", "--env", "production", "--force", "--to", staged.head)
    assert back.code == 0
    assert store.read().pointers["farewell"].digest == live["farewell"].digest


def test_an_overlay_makes_another_release_and_the_difference_is_shown(
    staged: Project, staging: Store, store: Store
) -> None:
    manifest = (staged.root / "manifests/greeter/manifest.yaml").read_text()
    overlay = "environments:\n  staging: {params: {temperature: 0.7}}\n"
    staged.write("manifests/greeter/manifest.yaml", manifest + overlay)
    commit = staged.commit("warmer in staging")
    assert staged.run("deploy", "greeter", "--env", "staging").code == 0
    done = staged.run(*PROMOTE, "greeter", "--json")
    assert done.code == 0
    lines = done.err.splitlines()
    assert lines[0] == "greeter is another release in production than in staging:"
    assert "  params.temperature: 0.7 → 0.2" in lines
    (promoted,) = done.json["promoted"]
    assert (promoted["same"], promoted["commit"]) == (False, commit)
    assert promoted["from"] == staging.read().pointers["greeter"].digest
    assert promoted["to"] == store.read().pointers["greeter"].digest
    assert promoted["to"] == staged.digest("greeter")


def test_what_has_not_soaked_waits(staged: Project, contents: Callable[[], object]) -> None:
    soaking(staged, "24h")
    before = contents()
    done = staged.run("promote", "--to", "production", "--json")
    assert (done.code, contents()) == (3, before)
    refusal = done.json["refused"]
    assert refusal["code"] == "soak"
    assert refusal["message"].startswith("farewell has been live in staging for ")
    assert refusal["message"].endswith(" s, and must be for 24 h")
    assert refusal["hint"].startswith("wait another 23 h 59 min; ")
    soaking_in_seconds = (staged.root / "promptops.yaml").read_text().replace("24h", "1ms")
    staged.write("promptops.yaml", soaking_in_seconds)
    assert staged.run("promote", "--to", "production").code == 0


def test_the_time_it_has_been_live_is_counted_to_the_second(
    staged: Project, staging: Store
) -> None:
    found = promotion(staged.read(), staging, "production", ("greeter",))
    (each,) = found.units.values()
    soak, since = Soak("staging", 86400), datetime.fromisoformat(each.live.since)
    check_soaked(soak, "staging", [each], (since + timedelta(days=1)).isoformat())
    with pytest.raises(Refused, match="must be for 24 h"):
        check_soaked(soak, "staging", [each], (since + timedelta(seconds=86399)).isoformat())
    with pytest.raises(Refused, match="live in staging for 0 s"):
        check_soaked(soak, "staging", [each], AT)
    with pytest.raises(Refused, match="must have been live in staging, and not in local"):
        check_soaked(soak, "local", [each], AT)
    check_soaked(None, "local", [each], AT)


def test_what_stops_a_deploy_stops_a_promotion(
    staged: Project, store: Store, contents: Callable[[], object]
) -> None:
    text = (staged.root / "promptops.yaml").read_text()
    staged.write(
        "promptops.yaml", text.replace('_STORE}"}', '_STORE}", protected: true, branch: main}')
    )
    before = contents()
    assert staged.run(*PROMOTE, "--json").json["refused"]["code"] == "protected"
    assert (
        staged.run(*PROMOTE, "--json", CI="true").json["refused"]["code"] == "confirmation-needed"
    )
    assert contents() == before
    staged.write("promptops.yaml", text)
    assert staged.run(*PROMOTE).code == 0
    assert staged.run("rollback", "greeter", "--env", "production").code == 0
    done = staged.run(*PROMOTE, "greeter", "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "held")
    done = staged.run(*PROMOTE, "--json")
    assert (done.code, done.json["skipped"][0]["unit"]) == (0, "greeter")
    staged.says("farewell", "Bye.")
    assert staged.run("deploy", "farewell", "--env", "production").code == 0
    done = staged.run(*PROMOTE, "farewell", "--json")
    assert (done.code, done.json["refused"]["code"]) == (3, "older")
    assert staged.run("freeze", "--env", "production", "--reason", "r").code == 0
    assert staged.run(*PROMOTE, "--json").json["refused"]["code"] == "frozen"


def test_a_person_is_asked_once(staged: Project, store: Store) -> None:
    asked = Terminal(staged, *PROMOTE, "greeter").until_asked()
    assert "promote in production, which is at revision 1" in asked.seen.decode()
    assert asked.answer("y\n").code == 0
    assert store.history(limit=1)[0].action == "promote"


def test_what_cannot_be_promoted(staged: Project) -> None:
    for command in (
        ("promote", "--to", "production"),
        ("promote", "--from", "production", "--to", "production"),
        (*PROMOTE, "greter"),
        ("promote", "--from", "nowhere", "--to", "production"),
    ):
        assert staged.here(*command).code == 2
    staged.git("update-ref", "-d", "HEAD")
    staged.git("reflog", "expire", "--expire=now", "--all")
    staged.git("gc", "--quiet", "--prune=now")
    done = staged.here(*PROMOTE)
    assert (done.code, "git knows no commit" in done.err) == (2, True)


def test_a_dry_run_changes_nothing(staged: Project, contents: Callable[[], object]) -> None:
    before = contents()
    done = staged.here(*PROMOTE, "--dry-run", "--json")
    assert (done.code, done.json["action"], contents()) == (0, "promote", before)
