"""What a gate says to other programs."""

import json

from tests.cli.gate.reading import GATE
from tests.cli.projects import AT, PROJECT, Project


def test_json_has_a_fixed_shape(held: Project) -> None:
    done = held.here(*GATE, "-o", "json")
    facts = done.json
    assert list(facts) == [
        *("verdict", "base", "commit", "in_both", "findings", "environments", "markdown"),
    ]
    base, commit = held.git("rev-parse", "main", "HEAD").split()
    assert (facts["verdict"], facts["base"], facts["commit"]) == ("fail", base, commit)
    (item,) = facts["environments"]
    assert list(item) == [
        *("environment", "verdict", "offline", "error", "lost", "freeze"),
        *("plan", "changes", "drift", "held"),
        "markdown",
    ]
    assert (item["environment"], item["verdict"], item["offline"]) == ("production", "fail", False)
    assert list(item["plan"]) == ["environment", "head", "freeze", "commit", "digest", "units"]
    assert [unit["unit"] for unit in item["changes"]] == ["greeter"]
    assert item["held"] == [
        {
            "unit": "greeter",
            "digest": held.digest("greeter"),
            "reason": "invents refunds",
            "at": AT,
            "in_change": True,
        }
    ]
    assert facts["markdown"] == item["markdown"] == held.here(*GATE, "-o", "markdown").out[:-1]


def test_out_writes_what_json_prints_whatever_the_verdict(held: Project) -> None:
    done = held.here(*GATE, "-o", "json", "--out", "gate.json")
    assert done.code == 1
    assert json.loads((held.root / "gate.json").read_text("utf-8")) == done.json


def test_out_into_a_folder_that_is_not_there(changed: Project) -> None:
    done = changed.here(*GATE, "--out", "gone/gate.json")
    assert done.code == 2
    assert "gone/gate.json cannot be written: No such file or directory" in done.err


def test_the_marker_names_the_plan(changed: Project) -> None:
    plan = changed.here("plan", "--env", "production", "-o", "json").json
    (item,) = changed.here(*GATE, "-o", "json").json["environments"]
    assert item["plan"] == plan
    assert item["markdown"].startswith(f"<!-- promptops:gate production {plan['digest']} -->\n")


def test_several_environments_are_one_verdict(held: Project, store_url: str) -> None:
    held.write("promptops.yaml", PROJECT + f"  staging: {{store: '{store_url}'}}\n")
    done = held.here(*GATE, "--env", "staging", "-o", "json")
    assert done.code == 1
    facts = done.json
    assert facts["verdict"] == "fail"
    assert [(item["environment"], item["verdict"]) for item in facts["environments"]] == [
        ("production", "fail"),
        ("staging", "pass"),
    ]
    assert facts["markdown"].count("checked 2 manifests") == 1
    assert all("checked 2 manifests" in item["markdown"] for item in facts["environments"])
    assert held.here("gate", "--base", "main", PROMPTOPS_ENV="staging").code == 0
