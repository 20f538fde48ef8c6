"""rollback goes by the last rehearsal, which it needs the store alone for."""

import json
import re
from dataclasses import replace

import pytest

from promptops.delivery.rehearsal import Hindrance, Rehearsed, WayBack
from promptops.delivery.way_back import Report, keep, kept
from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short
from tests.cli.rehearsals import INDEX, PLACE, policy, release
from tests.cli.terminal import QUESTION, Terminal
from tests.client.sabotage import Saboteur

REQUIRED = {"required": ["params"], "properties": {"params": {"required": ["max_tokens"]}}}


@pytest.fixture
def policy_came(deployed: Project, store: Store) -> list[str]:
    """The digests of greeter, oldest first: the one before the live one lacks what is required."""
    digests = [
        release(deployed, store, params={"max_tokens": 100}),
        release(deployed, store, params={"temperature": 0.5}),
        release(deployed, store, params={"max_tokens": 300}),
    ]
    policy(deployed, json.dumps(REQUIRED))
    return digests


@everywhere
def test_a_rollback_skips_what_is_blocked_and_says_why(
    deployed: Project, store: Store, empty_folder: Project, store_url: str, policy_came: list[str]
) -> None:
    good, lacking, live = policy_came
    report = deployed.run("rehearse", "greeter", *PLACE, "-o", "json").json["units"][0]
    assert (report["best"], report["targets"][0]["verdict"]) == (good, "blocked")
    done = empty_folder.run("rollback", "greeter", *PLACE, "--store", store_url, "-o", "json")
    assert done.code == 0
    assert done.json["changes"] == [{"unit": "greeter", "from": live, "to": good, "held": live}]
    [skipped] = done.json["skipped"]
    assert skipped["digest"] == lacking
    assert "'max_tokens' is missing in params (rehearsed 20" in skipped["why"]
    assert f"skipped greeter: {short(lacking)} blocked: " in done.err
    assert "--force goes there all the same" in done.err
    assert store.read().pointers["greeter"].digest == good


@everywhere
def test_a_restore_knows_what_is_blocked_and_no_newer_report_is_lost(
    deployed: Project, store: Store, policy_came: list[str], saboteur: Saboteur
) -> None:
    deployed.here("rehearse", "greeter", *PLACE)
    kept = store.reports()
    written = deployed.here("export", *PLACE, "--out", "a.export")
    assert written.out.endswith(" entries of the history, 1 rehearsal\n")
    saboteur.wipe()
    restore = ("restore", *PLACE, "--from", "a.export")
    assert deployed.run(*restore).code == 0
    assert store.reports() == kept
    done = deployed.here("rollback", "greeter", *PLACE, "--json")
    assert [each["digest"] for each in done.json["skipped"]] == [policy_came[1]]
    assert done.json["changes"][0]["to"] == policy_came[0]

    store.keep_report("greeter", kept["greeter"].replace('"checked_at":"2', '"checked_at":"3'))
    store.keep_report("farewell", "no report")
    newer = store.reports()
    assert deployed.here(*restore, "--yes", "--force").code == 0
    assert store.reports() == newer
    store.keep_report("greeter", kept["greeter"].replace('"checked_at":"2', '"checked_at":"1'))
    assert deployed.here(*restore, "--yes", "--force").code == 0
    assert store.reports()["greeter"] == kept["greeter"]


def test_force_goes_to_the_newest_all_the_same(
    deployed: Project, store: Store, policy_came: list[str]
) -> None:
    deployed.here("rehearse", "greeter", *PLACE)
    done = deployed.here("rollback", "greeter", *PLACE, "--force")
    assert (done.code, done.err) == (0, "")
    assert store.read().pointers["greeter"].digest == policy_came[1]


@pytest.mark.parametrize("units", [("greeter",), ()])
def test_a_blocked_release_that_is_named_is_refused(
    deployed: Project, store: Store, policy_came: list[str], units: tuple[str, ...]
) -> None:
    deployed.here("rehearse", "greeter", *PLACE)
    before = store.read()
    target = short(policy_came[1]) if units else "3"
    done = deployed.here("rollback", *units, *PLACE, "--to", target)
    assert done.code == 3
    assert f"error[blocked]: greeter: going back to {short(policy_came[1])} is blocked" in done.err
    assert f"{' '.join(['promptops rollback', *units])} --to {target} --env production --force" in (
        done.err
    )
    assert store.read() == before


def test_where_all_are_blocked_nothing_moves_and_force_is_offered(
    deployed_twice: Project, store: Store
) -> None:
    policy(deployed_twice, json.dumps(REQUIRED))
    assert deployed_twice.here("rehearse", "greeter", *PLACE).code == 1
    done = deployed_twice.here("rollback", "greeter", *PLACE)
    assert done.code == 3
    assert "error[blocked]: greeter has no earlier release that is neither held nor" in done.err
    assert "to go there all the same: promptops rollback greeter --env production --force" in (
        done.err
    )
    assert deployed_twice.here("rollback", "greeter", *PLACE, "--force").code == 0


WHOLE = (
    '{"live": "", "checked_at": "2026-11-21T08:00:00Z", "seconds": 0.1, "targets": ['
    '{"digest": "sha256:0", "revision": REVISION, "findings": [{"code": "C610", "message": "", '
    '"hint": "", "severity": SEVERITY}]}]}'
)
JUNK = (
    "",
    "{}",
    "[1]",
    "\0",
    '{"targets": 3}',
    WHOLE.replace("REVISION", "1e999").replace("SEVERITY", '"error"'),
    WHOLE.replace("REVISION", "1").replace("SEVERITY", "[]"),
    WHOLE.replace("REVISION", "1").replace("SEVERITY", '"error"').replace("00Z", "00"),
    WHOLE.replace("REVISION", "1").replace("SEVERITY", '"error"').replace("0.1", "null"),
)


@pytest.mark.parametrize("text", JUNK)
def test_a_report_that_promptops_did_not_write_hinders_nobody(
    deployed_twice: Project, store: Store, text: str
) -> None:
    store.keep_report("greeter", text)
    assert deployed_twice.here("status", *PLACE).code == 0
    assert deployed_twice.here("rollback", "greeter", *PLACE).code == 0


@everywhere
def test_it_goes_where_no_rehearsal_looked_and_says_so(
    deployed: Project, store: Store, policy_came: list[str]
) -> None:
    good, _, live = policy_came
    assert deployed.run("rehearse", "greeter", *PLACE, "--last", "1").code == 1
    asked = Terminal(deployed, "rollback", "greeter", *PLACE).until_asked()
    assert store.read().pointers["greeter"].digest == live
    done = asked.answer("y\n")
    assert (done.code, store.read().pointers["greeter"].digest) == (0, good)
    command = f"promptops rehearse greeter --env production --target {short(good)}"
    before, after = done.out.split(QUESTION.decode())
    for told in (before, after):
        said = f"warning: greeter goes back to {short(good)}: it was not among what was rehearsed "
        assert re.search(re.escape(said) + "20[^ ]+; what was is blocked", told)
        assert f"  = help: {command}" in told
    # What it says to type works, also now that it is live.
    rehearsal = deployed.run(*command.split()[1:], "-o", "json")
    [target] = rehearsal.json["units"][0]["targets"]
    assert (rehearsal.code, target["digest"], target["verdict"]) == (0, good, "ready")


def test_what_was_found_ready_is_gone_to_without_a_word(
    deployed_twice: Project, store: Store
) -> None:
    first = deployed_twice.digest("greeter", commit="HEAD~1")
    last = release(deployed_twice, store, params={"max_tokens": 9})
    deployed_twice.here("rehearse", "greeter", *PLACE)
    done = deployed_twice.here("rollback", "greeter", *PLACE, "--json")
    assert (done.json["doubts"], done.err) == ([], "")
    # The next one leaves another release than the one that was rehearsed.
    again = deployed_twice.here("rollback", "greeter", *PLACE, "--json")
    [doubt] = again.json["doubts"]
    assert doubt["digest"] == first
    assert doubt["why"].startswith(
        f"goes back to {short(first)}: it was ready from {short(last)}, which is not live (rehear"
    )


def test_what_nobody_could_tell_is_said(deployed: Project, store: Store) -> None:
    release(deployed, store, retriever=INDEX)
    release(deployed, store, retriever=INDEX | {"version": "2"})
    deployed.here("rehearse", "greeter", *PLACE)
    [doubt] = deployed.here("rollback", "greeter", *PLACE, "--json").json["doubts"]
    said = "it is unknown whether that works: no probe is configured for the index kb 1 (rehearsed"
    assert said in doubt["why"]


def test_many_doubts_are_no_wall_of_text(git_project: Project, store: Store) -> None:
    units = [f"unit-{number}" for number in range(5)]
    for prompt in ("Good day.", "Good grief."):
        for unit in units:
            git_project.unit(unit, prompt)
        git_project.commit()
        git_project.deploy(store, *units)
    done = git_project.here("rollback", *units, *PLACE)
    lines = done.out.splitlines()
    assert len([line for line in lines if line.startswith("warning: unit-")]) == 3
    assert lines[-1] == "warning: … and so 2 more units"


def test_a_report_that_is_cut_keeps_its_verdict(store: Store) -> None:
    findings = [Hindrance("callers", "warning", "w")] * 50 + [Hindrance("E600", "error", "e")]
    target = Rehearsed("sha256:0", 1, tuple(findings))
    safe = replace(target, revision=None)
    way = WayBack("greeter", "sha256:1", (target,), safe)
    keep(store, Report(way, "2026-11-21T08:00:00Z", 0.1))
    found = kept(store)["greeter"].way
    assert [(each.verdict, each.why) for each in (*found.targets, found.safe) if each] == [
        ("blocked", "e")
    ] * 2
