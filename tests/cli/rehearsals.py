"""Projects with a history, to be rehearsed."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from promptops.live.presence import Presence
from promptops.live.store import Store
from tests.cli.projects import Project

PLACE = ("--env", "production")
INDEX = {"index": "kb", "version": "1"}
ANSWER = {"type": "object", "properties": {"team": {"type": "string"}}, "required": ["team"]}


def manifest(project: Project, unit: str = "greeter", **sections: Any) -> None:
    """Change sections of a manifest; None takes one away."""
    path = f"manifests/{unit}/manifest.yaml"
    facts = yaml.safe_load((project.root / path).read_text("utf-8"))
    facts = {key: part for key, part in (facts | sections).items() if part is not None}
    project.write(path, yaml.safe_dump(facts, sort_keys=False))


def release(project: Project, store: Store, **sections: Any) -> str:
    """Commit and deploy such a change; the digest that is live then."""
    manifest(project, **sections)
    project.commit()
    project.deploy(store, "greeter")
    return store.read().pointers["greeter"].digest


def policy(project: Project, schema: str) -> None:
    """What the team asks from now on."""
    file = project.root / "promptops.yaml"
    project.write("policy.json", schema)
    project.write("promptops.yaml", file.read_text("utf-8") + "policy: [policy.json]\n")
    project.commit("policy")


def caller(store: Store, inputs: Mapping[str, tuple[str, ...]], name: str = "app") -> None:
    """A present client that passes these names."""
    head = store.read().head
    assert head is not None
    presence = Presence(
        name, name, "host", 1, "0.1.0", head.epoch, head.revision, inputs=dict(inputs)
    )
    store.announce(presence, 60)


def rehearsed(project: Project, *arguments: str) -> Any:
    """What the command says of greeter."""
    done = project.here("rehearse", "greeter", *PLACE, "-o", "json", *arguments)
    return done.json["units"][0]


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


def now_required(project: Project, store: Store) -> None:
    release(project, store, params={"temperature": 0.2, "max_tokens": 300})
    required = {"required": ["params"], "properties": {"params": {"required": ["max_tokens"]}}}
    policy(project, json.dumps(required))


def variable_gone(project: Project, store: Store) -> None:
    release(project, store, **says("guest", "season"))
    release(project, store, **says("guest"))
