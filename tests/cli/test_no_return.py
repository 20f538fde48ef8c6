"""Points of no return: refused by deploy, said by the gate, accepted with a reason."""

import json
from pathlib import Path

import pytest

from promptops.live.store import Store
from tests.cli.projects import Project, everywhere, short
from tests.cli.rehearsals import PLACE, caller, manifest, policy

GATE = ("gate", "--base", "HEAD~1", "--env", "production")
REQUIRED = json.dumps(
    {"required": ["params"], "properties": {"params": {"required": ["max_tokens"]}}}
)


@pytest.fixture
def policy_came(deployed: Project) -> Project:
    """The last commit gives greeter max_tokens, which a policy requires; what is live lacks it."""
    manifest(deployed, params={"max_tokens": 300})
    policy(deployed, REQUIRED)
    return deployed


@everywhere
def test_a_deploy_that_leaves_no_way_back_is_refused(policy_came: Project, store: Store) -> None:
    before = store.read()
    done = policy_came.run("deploy", "greeter", *PLACE, "-o", "json")
    assert done.code == 3
    assert done.json["refused"]["code"] == "no-return"
    live = short(before.pointers["greeter"].digest)
    assert f"point of no return: greeter could not go back to {live}: " in done.err
    assert "'max_tokens' is missing in params" in done.err
    assert store.read() == before
    assert store.reports() == {}


@everywhere
def test_it_is_accepted_with_a_reason_that_the_history_keeps(
    policy_came: Project, store: Store
) -> None:
    live = store.read().pointers["greeter"].digest
    done = policy_came.run(
        "deploy", "greeter", *PLACE, "--reason", "limits", "--accept-no-return", "we must"
    )
    assert done.code == 0, done.err
    assert store.history()[0].reason == "limits; no way back accepted: we must"
    # What the deployment found is what a rollback goes by.
    refused = policy_came.run("rollback", "greeter", *PLACE)
    assert (refused.code, f"{short(live)}: " in refused.err) == (3, True)


def test_what_is_accepted_needs_a_reason(policy_came: Project) -> None:
    done = policy_came.here("deploy", "greeter", *PLACE, "--accept-no-return", " ")
    assert (done.code, "what is accepted needs a reason" in done.err) == (2, True)


def test_a_deploy_leaves_a_report_of_the_way_back(deployed: Project, store: Store) -> None:
    before = store.read().pointers["greeter"].digest
    deployed.says("greeter", "Good evening.")
    assert deployed.here("deploy", "--all", *PLACE).code == 0
    report = json.loads(store.reports()["greeter"])
    assert (report["live"], report["best"]) == (deployed.digest("greeter"), before)
    assert (
        "greeter: way back: to revision 1, checked 0 s ago" in deployed.here("status", *PLACE).out
    )


def test_a_live_release_that_is_gone_does_not_keep_out_what_mends_it(
    deployed: Project, store: Store
) -> None:
    store.forget_releases([store.read().pointers["greeter"].digest])
    deployed.says("greeter", "Good evening.")
    assert deployed.here("deploy", "greeter", *PLACE).code == 0


@pytest.fixture
def asks_more(deployed: Project) -> Project:
    """The last commit lets greeter require the season."""
    text = "{{ guest }}, {{ times }}, {{ loud }}, {{ season }}"
    inputs = {
        "guest": {"type": "string", "maxLength": 40},
        "times": {"type": "integer", "default": 1},
        "loud": {"type": "boolean", "default": False},
        "season": {"type": "string"},
    }
    prompt = {"id": "greeter", "version": "2.0.0", "messages": [{"role": "user", "text": text}]}
    manifest(deployed, inputs=inputs, prompt=prompt)
    deployed.commit()
    return deployed


def test_an_input_that_present_clients_do_not_pass_is_refused(
    asks_more: Project, store: Store
) -> None:
    caller(store, {"greeter": ("guest",)}, "one")
    caller(store, {"greeter": ("guest", "season")}, "two")
    done = asks_more.here("deploy", "greeter", *PLACE)
    assert done.code == 3
    assert (
        "error[callers]: greeter: it requires inputs.season, which 1 of 2 present clients do not "
        "pass"
    ) in done.err
    assert "PROMPTOPS_ACCEPT_CALLERS" in asks_more.here("deploy", "--help").out
    accepted = asks_more.run("deploy", "greeter", *PLACE, PROMPTOPS_ACCEPT_CALLERS="at noon")
    assert accepted.code == 0, accepted.err
    assert store.history()[0].reason == "callers accepted: at noon"


def test_an_input_that_all_pass_or_nobody_is_known_to_call_deploys(
    asks_more: Project, store: Store
) -> None:
    caller(store, {"greeter": ("guest", "season"), "farewell": ()})
    assert asks_more.here("deploy", "greeter", *PLACE, "--dry-run").code == 0
    store.withdraw("app")
    assert asks_more.here("deploy", "greeter", *PLACE).code == 0


@pytest.mark.parametrize("offline", [(), ("--offline",)])
def test_the_gate_names_the_point_of_no_return(
    policy_came: Project, offline: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "gate.json"
    done = policy_came.here(*GATE, *offline, "--out", str(out))
    assert done.code == 1
    assert "error[no-return]: point of no return in production: greeter could not" in done.out
    assert done.out.endswith("gate: fail (2 errors; point of no return)\n")
    facts = json.loads(out.read_text("utf-8"))
    [found] = [each for each in facts["findings"] if each["code"] == "no-return"]
    assert "'max_tokens' is missing in params" in found["message"]
    assert (found["file"], found["severity"]) == ("manifests/greeter/manifest.yaml", "error")
    assert "point of no return in production" in facts["markdown"]
    annotated = policy_came.here("gha", "annotate", "--from", str(out))
    assert "::error " in annotated.out
    assert "point of no return in production" in annotated.out


def test_the_gate_passes_with_a_reason_that_it_shows(policy_came: Project) -> None:
    # farewell does not satisfy the policy either, and that is not what is accepted.
    manifest_of_farewell = policy_came.root / "manifests/farewell/manifest.yaml"
    text = manifest_of_farewell.read_text("utf-8")
    manifest_of_farewell.write_text(text.replace("temperature: 0.2", "max_tokens: 9"), "utf-8")
    policy_came.commit()
    gate = ("gate", "--base", "HEAD~2", "--env", "production")
    assert policy_came.here(*gate).code == 1
    done = policy_came.here(*gate, "--accept-no-return", "the vendor asks for it")
    assert done.code == 0, done.out
    assert "warning[no-return]: point of no return" in done.out
    assert "= reason: the vendor asks for it" in done.out
    said = policy_came.here(*gate, PROMPTOPS_ACCEPT_NO_RETURN="the vendor asks for it")
    assert said.code == 0
