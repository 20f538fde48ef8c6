"""rehearse: every drift that would spoil the way back is found, and a healthy history is ready."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from promptops import Client
from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.rehearsal import Outcome, Sample, against_rendering
from promptops.delivery.rehearse import rehearse as judge
from promptops.delivery.today import means_of, units_of
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from promptops.manifest.release import read_release
from tests.cli.projects import Project, everywhere, intent, on_redis
from tests.cli.rehearsals import PLACE, caller, manifest, policy, rehearsed, release
from tests.waiting import eventually

INDEX = {"index": "kb", "version": "1"}
ANSWER = {"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]}


def says(*names: str) -> dict[str, Any]:
    """Inputs and a prompt that uses them."""
    text = " ".join(f"{{{{ {name} }}}}" for name in names)
    return {
        "inputs": {name: {"type": "string"} for name in names},
        "prompt": {
            "id": "greeter",
            "version": f"2.{len(names)}.0",
            "messages": [{"role": "user", "text": text}],
        },
    }


def codes(target: Any) -> set[str]:
    return {finding["code"] for finding in target["findings"]}


def said(target: Any) -> str:
    return "; ".join(finding["message"] for finding in target["findings"])


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
            },
            {
                "unit": "greeter",
                "live": deployed_twice.digest("greeter"),
                "best": first,
                "targets": [{"digest": first, "revision": 1, "verdict": "ready", "findings": []}],
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
        "production: 1 unit can go back, 1 have no earlier release\n"
    )


def test_status_says_how_long_ago_the_way_back_was_rehearsed(deployed_twice: Project) -> None:
    assert "way back" not in deployed_twice.here("status", *PLACE).out
    deployed_twice.here("rehearse", *PLACE)
    status = deployed_twice.here("status", *PLACE)
    assert "\ngreeter: way back: to revision 1, checked 0 s ago, 0.0" in status.out
    unit = deployed_twice.here("status", *PLACE, "-o", "json").json["units"][1]
    assert unit["way_back"]["best"] == deployed_twice.digest("greeter", commit="HEAD~1")
    assert unit["way_back"]["revision"] == 1


# drifts that the stored release shows; those of the world outside are further down


def now_required(project: Project, store: Store) -> None:
    release(project, store, params={"temperature": 0.2, "max_tokens": 300})
    required = {"required": ["params"], "properties": {"params": {"required": ["max_tokens"]}}}
    policy(project, json.dumps(required))


def model_forbidden(project: Project, store: Store) -> None:
    other = {"provider": "openai", "id": "gpt-5-2025-08-07", "version": "2025-08-07"}
    release(project, store, model=other)
    only = {"properties": {"model": {"properties": {"id": {"enum": ["gpt-5-2025-08-07"]}}}}}
    policy(project, json.dumps(only))


def variable_gone(project: Project, store: Store) -> None:
    release(project, store, **says("guest", "season"))
    release(project, store, **says("guest"))


def callers_moved_on(project: Project, store: Store) -> None:
    release(project, store, **says("guest", "season"))
    release(project, store, **says("guest", "weather"))
    caller(store, {"greeter": ("guest", "weather")})


def other_type(project: Project, store: Store) -> None:
    facts = says("guest")
    facts["inputs"] = {"guest": {"type": "integer"}}
    release(project, store, **facts)
    release(project, store, **says("guest"))


def answer_promises_more(project: Project, store: Store) -> None:
    release(project, store, output={"schema": ANSWER})
    more = {**ANSWER, "required": ["team", "why"]}
    release(project, store, output={"schema": more})


def release_gone(project: Project, store: Store) -> None:
    store.forget_releases([store.read().pointers["greeter"].digest])
    release(project, store, params={"temperature": 0.3})


def unreadable(project: Project, store: Store) -> None:
    swap_in(project, store, b"no JSON")


def newer_format(project: Project, store: Store) -> None:
    swap_in(project, store, b'{"apiVersion":"promptops/v2","unit":"greeter"}')


def of_another_unit(project: Project, store: Store) -> None:
    data = store.release(store.read().pointers["farewell"].digest)
    assert data is not None
    swap_in(project, store, data)


def swap_in(project: Project, store: Store, data: bytes) -> None:
    """Bytes that somebody else deployed, and a good release after them."""
    deploy(store, {"greeter": (digest_of(data), data)}, intent(), Conditions())
    release(project, store, params={"temperature": 0.3})


DRIFTS: dict[Callable[[Project, Store], None], tuple[str, str]] = {
    now_required: ("E600", "max_tokens"),
    model_forbidden: ("E600", "model.id"),
    variable_gone: ("callers", "inputs.season"),
    callers_moved_on: ("callers", "1 of 1 present clients"),
    other_type: ("callers", "inputs.guest is integer there"),
    answer_promises_more: ("answers", "why"),
    release_gone: ("C610", "does not have its release"),
    unreadable: ("C601", "not JSON"),
    newer_format: ("C603", "INCOMPATIBLE"),
    of_another_unit: ("C605", "not of unit greeter"),
}


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.__name__)
def test_a_drift_is_found_and_blocks_the_way_back(
    deployed: Project, store: Store, drift: Callable[[Project, Store], None]
) -> None:
    drift(deployed, store)
    code, words = DRIFTS[drift]
    done = deployed.here("rehearse", "greeter", *PLACE, "-o", "json", "--last", "1")
    assert done.code == 1
    unit = done.json["units"][0]
    assert unit["best"] is None
    assert unit["targets"][0]["verdict"] == "blocked"
    assert codes(unit["targets"][0]) == {code}
    assert words in said(unit["targets"][0])


@on_redis
def test_bytes_that_were_changed_in_the_store_are_found(
    deployed_twice: Project, store: Store, shared_servers: Any
) -> None:
    digest = deployed_twice.digest("greeter", commit="HEAD~1")
    server = shared_servers("valkey")
    key = f"{{{store.address.namespace}:production}}:release:{digest}"
    server.ask("SET", key, b"{}")
    target = rehearsed(deployed_twice)["targets"][0]
    assert (target["verdict"], codes(target)) == ("blocked", {"C602"})


def judged(project: Project, store: Store, forward_only: str = "", **means: Any) -> Any:
    """The newest target, by means that a project file does not have."""
    read = project.read()
    asked = means_of(read, "production", units_of(read, read.tree, ["greeter"]))
    asked = replace(asked, **means)
    reports = judge(store, store.read(), ["greeter"], asked, lambda *_: forward_only)
    return reports[0].way.as_json()["targets"][0]


def test_a_model_that_was_retired_blocks_and_one_that_will_be_soon_warns(
    deployed_twice: Project, store: Store
) -> None:
    for today, verdict in (
        (date(2026, 10, 1), "ready"),
        (date(2026, 11, 10), "ready with warnings"),
        (date(2026, 12, 1), "blocked"),
    ):
        target = judged(deployed_twice, store, today=today, retires=lambda _: date(2026, 12, 1))
        assert (target["verdict"], codes(target)) == (
            verdict,
            set() if verdict == "ready" else {"retired"},
        )


def test_a_model_that_is_not_served_blocks(deployed_twice: Project, store: Store) -> None:
    gone = Outcome("failed", "GET /models does not list it")
    target = judged(deployed_twice, store, served=lambda _: gone)
    assert (target["verdict"], codes(target)) == ("blocked", {"retired"})


def test_an_index_that_was_migrated_forward(deployed: Project, store: Store) -> None:
    release(deployed, store, retriever=INDEX)
    release(deployed, store, retriever=INDEX | {"version": "2"})
    target = judged(deployed, store)
    assert (target["verdict"], codes(target)) == ("unknown", {"no-probe"})
    asked = []

    def probe(index: str, version: str) -> Outcome:
        asked.append((index, version))
        return Outcome("failed", "answered 404, not 200")

    target = judged(deployed, store, probe=probe)
    assert (target["verdict"], codes(target)) == ("blocked", {"probe-failed"})
    assert said(target) == "index kb 1: answered 404, not 200"
    assert asked == [("kb", "1")]
    assert judged(deployed, store, probe=lambda *_: Outcome("passed"))["verdict"] == "ready"


def test_what_is_unknown_is_no_way_back(deployed: Project, store: Store) -> None:
    release(deployed, store, retriever=INDEX)
    release(deployed, store, retriever=INDEX | {"version": "2"})
    done = deployed.here("rehearse", "greeter", *PLACE, "--last", "1")
    assert done.code == 1
    assert "unknown[no-probe]: no probe is configured for the index kb 1" in done.out


def test_a_release_that_says_forward_only_blocks(deployed_twice: Project, store: Store) -> None:
    target = judged(deployed_twice, store, forward_only="it migrates the tickets")
    assert (target["verdict"], codes(target)) == ("blocked", {"forward-only"})
    assert "it migrates the tickets" in said(target)


def test_a_sample_that_the_earlier_release_refuses(deployed: Project, store: Store) -> None:
    short = says("guest")
    short["inputs"] = {"guest": {"type": "string", "maxLength": 5}}
    digest = release(deployed, store, **short)
    release(deployed, store, **says("guest"))
    assert rehearsed(deployed)["targets"][0]["verdict"] == "ready with warnings"
    data = store.release(digest)
    assert data is not None
    earlier = read_release(data, digest, "greeter")
    assert [*against_rendering(earlier, [Sample("ada", {"guest": "Ada"})])] == []
    [found] = against_rendering(earlier, [Sample("long", {"guest": "Archibald"})])
    assert (found.code, found.severity) == ("unrenderable", "error")
    assert found.message.startswith("with the sample 'long': greeter: input 'guest' has 9")


# twenty healthy histories

HEALTHY: dict[str, list[dict[str, Any]]] = {
    "another text": [says("guest"), says("guest") | {"params": {"temperature": 0.1}}],
    "another parameter": [{"params": {"temperature": 0.1}}, {"params": {"temperature": 0.9}}],
    "a parameter more": [{"params": {"temperature": 0.1}}, {"params": {"max_tokens": 9}}],
    "no parameters": [{"params": None}, {"params": {"max_tokens": 9}}],
    "another model": [
        {"model": {"provider": "openai", "id": "gpt-5-2025-08-07", "version": "2025-08-07"}}
    ],
    "another provider": [
        {
            "model": {
                "provider": "anthropic",
                "id": "claude-sonnet-4-5-20250929",
                "version": "2025-09-29",
            }
        }
    ],
    "an input more": [says("guest"), says("guest", "season")],
    "two inputs more": [says("guest"), says("guest", "season", "weather")],
    "an input that may be longer": [
        says("guest") | {"inputs": {"guest": {"type": "string", "maxLength": 50}}},
        says("guest") | {"inputs": {"guest": {"type": "string", "maxLength": 50}}, "params": None},
    ],
    "an input that became required": [
        says("guest") | {"inputs": {"guest": {"type": "string", "default": ""}}},
        says("guest"),
    ],
    "an input that takes more there": [
        says("guest") | {"inputs": {"guest": {"type": "number"}}},
        says("guest") | {"inputs": {"guest": {"type": "integer"}}},
    ],
    "an index": [{"retriever": INDEX}, {"retriever": INDEX, "params": {"max_tokens": 9}}],
    "an index that is asked for more": [
        {"retriever": INDEX},
        {"retriever": INDEX | {"top_k": 9}},
    ],
    "a first index": [{"retriever": INDEX}],
    "answers by a schema": [
        {"output": {"schema": ANSWER}},
        {"output": {"schema": ANSWER}, "params": {"max_tokens": 9}},
    ],
    "answers that are described": [
        {"output": {"schema": ANSWER}},
        {"output": {"schema": ANSWER | {"title": "Which team"}}},
    ],
    "answers that may say more": [
        {"output": {"schema": ANSWER | {"additionalProperties": False}}},
        {
            "output": {
                "schema": {
                    **ANSWER,
                    "additionalProperties": False,
                    "properties": {"team": {"type": "string"}, "why": {"type": "string"}},
                }
            }
        },
    ],
    "an overlay": [
        {"environments": {"production": {"params": {"temperature": 0.1}}}},
        {"environments": {"production": {"params": {"temperature": 0.5}}}},
    ],
    "another owner": [{"owners": ["bob@example.com"]}, {"params": {"max_tokens": 9}}],
    "examples": [
        says("guest"),
        {
            "prompt": {
                **says("guest")["prompt"],
                "version": "3.0.0",
                "examples": [
                    {"role": "user", "text": "Ada"},
                    {"role": "assistant", "text": "Hello."},
                ],
            }
        },
    ],
}


@pytest.mark.parametrize("steps", HEALTHY.values(), ids=list(HEALTHY))
def test_a_healthy_history_is_ready_without_a_finding(
    deployed: Project, store: Store, steps: list[dict[str, Any]]
) -> None:
    for step in steps:
        release(deployed, store, **step)
    done = deployed.here("rehearse", "greeter", *PLACE, "-o", "json", "--last", "1")
    [newest] = done.json["units"][0]["targets"]
    assert (newest["verdict"], newest["findings"]) == ("ready", []), said(newest)
    assert done.code == 0


def test_one_target_by_its_revision_or_its_digest(deployed_twice: Project, store: Store) -> None:
    first = deployed_twice.digest("greeter", commit="HEAD~1")
    for name in ("1", first, first[7:19]):
        [target] = rehearsed(deployed_twice, "--target", name)["targets"]
        assert (target["digest"], target["verdict"]) == (first, "ready")
    assert store.reports() == {}, "a look at one release is not the report of them all"
    for name in ("2", "9", "abcdef", "no"):
        done = deployed_twice.here("rehearse", "greeter", *PLACE, "--target", name)
        assert (done.code, "see promptops history" in done.err) == (2, True)


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
