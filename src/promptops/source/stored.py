"""A stored release as today's schema, rules and policies see it."""

import json
from dataclasses import dataclass
from typing import Any

from promptops.finding import Finding
from promptops.manifest.digest import short
from promptops.source.attachments import Attachments
from promptops.source.document import Document, Path, Span, span
from promptops.source.judge import judge_merged
from promptops.source.merged import Merged, with_overlay
from promptops.source.policy import Standard
from promptops.source.rules import check_rules
from promptops.source.schema import check_schema
from promptops.source.severity import ruled
from promptops.source.unit import Unit

# What a release says; the rest of a manifest stays in git, and is that of today.
_OF_A_RELEASE = frozenset(
    ["apiVersion", "name", "model", "params", "prompt", "inputs", "output", "tools", "retriever"]
)
_NOTHING = Attachments({}, {}, (), ())


@dataclass(frozen=True, slots=True)
class _Stored(Document):
    """A document that no file holds: its lines stand for the keys at its top."""

    def raw(self, path: Path) -> str:
        return json.dumps(self.get(path), ensure_ascii=False)


def judge_stored(
    digest: str, release: dict[str, Any], today: Unit | None, environment: str, standard: Standard
) -> list[Finding]:
    """What would be said of a release if it were a manifest of today: errors, and lowered ones.

    `release` is its verified document, `today` the unit in git, if it is still there. Warnings are
    left out: who deployed it was warned.
    """
    value = _manifest(release, today, environment)
    keys: dict[str, Span] = {key: span(at, at) for at, key in enumerate(value, 1)}
    text = "\n" * (len(value) + 1)
    file = f"release {short(digest)}"
    document = _Stored(file, text, value, (0, keys, dict(keys)), has_empty=False)
    found = [
        *check_schema(document, "manifest"),
        *check_rules(document, value["name"], _NOTHING),
    ]
    for _, policies in standard.looks:
        found += judge_merged(Merged(document, "", value), policies)
    theirs = {at for at, key in enumerate(value, 2) if key not in _OF_A_RELEASE}
    return [
        finding
        for finding in ruled(dict.fromkeys(found), standard.rules)
        if (finding.code.startswith("E") or finding.severity == "error")
        and finding.place.line not in theirs
    ]


def _manifest(release: dict[str, Any], today: Unit | None, environment: str) -> dict[str, Any]:
    """The release in the words of a manifest."""
    beside = _beside(today, environment)
    prompt = dict(release["prompt"])
    for part in ("messages", "examples"):
        if part in prompt:
            prompt[part] = [
                {"role": each["role"], "text": each["content"]} for each in prompt[part]
            ]
    value: dict[str, Any] = {
        "apiVersion": release["apiVersion"],
        "name": release["unit"],
        "description": "Not in git any more.",
        "owners": ["nobody@example.com"],
        **{key: part for key, part in beside.items() if key not in _OF_A_RELEASE},
        "model": _model(release["model"], beside.get("model")),
        "prompt": prompt,
    }
    value |= {key: release[key] for key in ("params", "output", "retriever") if key in release}
    if release.get("inputs"):
        value["inputs"] = release["inputs"]
    if "tools" in release:
        value["tools"] = [_tool(tool) for tool in release["tools"]]
    return value


def _beside(today: Unit | None, environment: str) -> dict[str, Any]:
    if today is None or today.document is None or not today.ok:
        return {}
    return with_overlay(today.document.value, environment)


def _model(model: dict[str, Any], today: Any) -> dict[str, Any]:
    """With the size of its context, which no release says, where git has the same model."""
    window = today.get("context_window") if isinstance(today, dict) else None
    same = window is not None and today.get("id") == model.get("id")
    return {**model, "context_window": window} if same else model


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """In the words of a manifest."""
    return {"schema" if key == "parameters" else key: part for key, part in tool.items()}
