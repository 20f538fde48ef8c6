"""rehearse: every drift that would spoil the way back is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.rehearsal import Outcome, against_rendering
from promptops.delivery.rehearse import rehearse as judge
from promptops.delivery.today import means_of, units_of
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from promptops.manifest.release import read_release
from promptops.manifest.way_back import Sample
from tests.cli.projects import Project, intent, on_redis
from tests.cli.rehearsals import (
    ANSWER,
    INDEX,
    PLACE,
    caller,
    codes,
    now_required,
    policy,
    rehearsed,
    release,
    said,
    says,
    variable_gone,
)


def model_forbidden(project: Project, store: Store) -> None:
    other = {"provider": "openai", "id": "gpt-5-2025-08-07", "version": "2025-08-07"}
    release(project, store, model=other)
    only = {"properties": {"model": {"properties": {"id": {"enum": ["gpt-5-2025-08-07"]}}}}}
    policy(project, json.dumps(only))


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


def judged(project: Project, store: Store, **means: Any) -> Any:
    """The newest target, by means that a project file does not have."""
    read = project.read()
    asked = means_of(read, "production", units_of(read, read.tree, ["greeter"]))
    asked = replace(asked, **means)
    reports = judge(store, store.read(), ["greeter"], asked)
    return reports[0].way.as_json()["targets"][0]


def test_a_model_that_was_retired_blocks_and_one_that_will_be_soon_warns(
    deployed_twice: Project, store: Store
) -> None:
    for today, verdict in (
        (date(2026, 10, 1), "ready"),
        (date(2026, 11, 10), "ready with warnings"),
        (date(2026, 12, 1), "ready with warnings"),  # its last day
        (date(2026, 12, 2), "blocked"),
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
    assert done.out.endswith("\n\nproduction: 0 units can go back, 1 unknown\n")


def test_of_one_target_nothing_is_said_of_the_others(deployed: Project, store: Store) -> None:
    release(deployed, store, retriever=INDEX)
    release(deployed, store, retriever=INDEX | {"version": "2"})
    for number, sum_of_it in (
        ("1", "1 unit can go back there"),
        ("2", "0 units can go back there, 1 unknown"),
    ):
        done = deployed.here("rehearse", "greeter", *PLACE, "--target", number)
        assert done.out.endswith(f"\n\nproduction: {sum_of_it}\n")


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
