"""A release: the unit as machines read it, immutable and named by its digest."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from promptops.errors import ReleaseRejected
from promptops.manifest.digest import digest_of
from promptops.manifest.document import Frozen, Json, freeze

API_VERSION = "promptops/v1"
READ_SINCE = "0.1.0"  # the first promptops that reads it
MAX_BYTES = 1 << 20

_MAJOR = re.compile(r"promptops/v(\d+)")


@dataclass(frozen=True, slots=True)
class Model:
    """Which model answers: `id` is what is sent to the provider, `version` what is pinned."""

    provider: str
    id: str
    version: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn; `content` is a template in messages and literal text in examples."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The texts: messages in order, and few-shot examples that follow the system messages."""

    id: str
    version: str
    messages: tuple[Message, ...]
    examples: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """What a caller passes under one name: string, integer, number or boolean."""

    type: str
    required: bool
    default: str | int | float | bool | None
    max_length: int | None


@dataclass(frozen=True, slots=True)
class Retriever:
    """The index version that answers are grounded on."""

    index: str
    version: str
    top_k: int | None


@dataclass(frozen=True, slots=True)
class Release:
    """Everything that decides how a unit behaves."""

    unit: str
    model: Model
    params: Mapping[str, Frozen]
    prompt: Prompt
    inputs: Mapping[str, Input]
    output_schema: Frozen
    tools: tuple[Frozen, ...]
    retriever: Retriever | None


def read_release(data: bytes, digest: str, unit: str) -> Release:
    """Check `data` against its digest, then parse it.

    Raises ReleaseRejected, `code` C601 (not readable), C602 (other digest), C603 (format of a
    newer promptops), C604 (over 1 MiB) or C605 (another unit).
    """
    document = release_document(data, digest)
    if document.get("unit") != unit:
        raise ReleaseRejected("C605", f"release {digest} is not of unit {unit}")
    try:
        return _parse(document)
    except (KeyError, TypeError, AttributeError) as error:
        raise ReleaseRejected("C601", f"release {digest} lacks what a release has") from error
    except RecursionError as error:
        raise ReleaseRejected("C601", f"release {digest} is nested too deep") from error


def release_document(data: bytes, digest: str) -> dict[str, Any]:
    """The JSON document of verified bytes; raises ReleaseRejected as `read_release` does."""
    if len(data) > MAX_BYTES:
        raise ReleaseRejected("C604", f"release {digest} has {len(data)} bytes, over {MAX_BYTES}")
    if digest_of(data) != digest:
        raise ReleaseRejected("C602", f"the bytes stored as {digest} have another digest")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReleaseRejected("C601", f"release {digest} is not JSON") from error
    if not isinstance(document, dict):
        raise ReleaseRejected("C601", f"release {digest} is not a JSON object")
    major = _MAJOR.fullmatch(str(document.get("apiVersion")))
    if major is None or document["apiVersion"] != API_VERSION:
        raise ReleaseRejected(
            "C603",
            f"INCOMPATIBLE: release {digest} has format {document.get('apiVersion')!r:.40}",
            f"this version of promptops reads {API_VERSION}; upgrade it",
        )
    return document


def _parse(document: dict[str, Any]) -> Release:
    model, prompt = document["model"], document["prompt"]
    retriever = document.get("retriever")
    return Release(
        unit=document["unit"],
        model=Model(*(_of(str, model[name]) for name in ("provider", "id", "version"))),
        params=cast("Mapping[str, Frozen]", freeze(_of(dict, document.get("params", {})))),
        prompt=Prompt(
            prompt["id"],
            prompt["version"],
            _messages(prompt["messages"]),
            _messages(prompt.get("examples", [])),
        ),
        inputs={name: _input(spec) for name, spec in document.get("inputs", {}).items()},
        output_schema=freeze(document.get("output", {}).get("schema")),
        tools=tuple(freeze(_of(dict, tool)) for tool in document.get("tools", [])),
        retriever=None
        if retriever is None
        else Retriever(retriever["index"], retriever["version"], retriever.get("top_k")),
    )


def _messages(items: list[dict[str, str]]) -> tuple[Message, ...]:
    return tuple(Message(_of(str, item["role"]), _of(str, item["content"])) for item in items)


def _input(spec: dict[str, Json]) -> Input:
    return Input(
        type=_of(str, spec["type"]),
        required="default" not in spec,
        default=cast("str | int | float | bool | None", spec.get("default")),
        max_length=_of(int | None, spec.get("maxLength")),
    )


def _of(kind: Any, value: Any) -> Any:
    """The value; raises TypeError when it is of another kind: readers count on these."""
    if not isinstance(value, kind):
        raise TypeError(value)
    return value
