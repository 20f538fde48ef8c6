"""What differs between two releases, field by field, as before and after."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptops.manifest.document import Json, same

_SECTIONS = ("model", "params", "retriever", "inputs", "output")
_LISTS = ("messages", "examples")
_KNOWN = {*_SECTIONS, "apiVersion", "unit", "prompt", "tools"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One field before and after; None where it is not there."""

    field: str
    before: Json
    after: Json

    def as_json(self) -> dict[str, Json]:
        return {"field": self.field, "before": self.before, "after": self.after}


def differences(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> tuple[Difference, ...]:
    """What differs between two documents of releases; None for a unit that is not there.

    Fields are named as in a manifest: `model.id`, `params.temperature`, `inputs.ticket`,
    `output.schema`, `tools`, `prompt.messages[0]` (a message with role and content), `examples`
    (all of them), and so on. A field that this version does not know is named too.
    """
    old, new = before or {}, after or {}
    found = [
        *(
            Difference(f"{section}.{key}", was, now)
            for section in _SECTIONS
            for key, was, now in _keys(old.get(section), new.get(section))
        ),
        *_prompt(old.get("prompt") or {}, new.get("prompt") or {}),
        Difference("tools", old.get("tools") or [], new.get("tools") or []),
        *(Difference(key, was, now) for key, was, now in _keys(old, new) if key not in _KNOWN),
    ]
    return tuple(item for item in found if not same(item.before, item.after))


def unknown_fields(found: tuple[Difference, ...]) -> tuple[str, ...]:
    """The fields of which this version does not know what they mean."""
    known = {
        *(f"model.{name}" for name in ("provider", "id", "version")),
        *(f"retriever.{name}" for name in ("index", "version", "top_k")),
        *(f"{name}" for name in ("prompt.id", "prompt.version", "output.schema")),
        *("tools", "examples", "samples", "forward_only"),
    }
    open_ended = ("params.", "inputs.", "prompt.messages[")
    return tuple(
        item.field
        for item in found
        if item.field not in known and not item.field.startswith(open_ended)
    )


def message_pairs(before: list[Json], after: list[Json]) -> Iterator[tuple[int, Json, Json]]:
    """Messages side by side, from the first that differs to the last; None where one has none.

    What is put in or taken out in one place does not make all that follows look changed.
    """
    start = 0
    while start < min(len(before), len(after)) and same(before[start], after[start]):
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and same(before[-1 - end], after[-1 - end]):
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    for index in range(max(len(old), len(new))):
        yield (
            start + index,
            old[index] if index < len(old) else None,
            new[index] if index < len(new) else None,
        )


def _prompt(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for key, was, now in _keys(old, new):
        if key not in _LISTS:
            yield Difference(f"prompt.{key}", was, now)
    for index, was, now in message_pairs(old.get("messages") or [], new.get("messages") or []):
        yield Difference(f"prompt.messages[{index}]", was, now)
    yield Difference("examples", old.get("examples") or [], new.get("examples") or [])


def _keys(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> Iterator[tuple[str, Json, Json]]:
    was, now = old or {}, new or {}
    for key in dict.fromkeys([*was, *now]):
        yield key, was.get(key), now.get(key)
