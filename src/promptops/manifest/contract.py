"""The contract between a unit and who calls it: can a caller of one release use another?

- **major**: a caller of the old release would break. An input newly required, gone, of a type that
  does not take the old one, or shorter; answers that the old output schema may refuse; a tool
  gone, or called with arguments that the app did not expect.
- **minor**: every caller still fits, and the unit behaves differently: model, provider, parameter,
  index, prompt id, roles, a new optional input, a new tool, a schema that allows less.
- **patch**: only texts change, and the version of the prompt with them.
- **none**: nothing that a release says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import cast

from promptops.manifest.document import Frozen, Json, same, thaw
from promptops.manifest.narrowing import gaps
from promptops.manifest.release import Input, Model, Release, Retriever


class Impact(IntEnum):
    """How much a change means to callers; the greater is the worse."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Reason:
    """One fact that a grade rests on: the field as a manifest names it, and what is so."""

    impact: Impact
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Grade:
    """The impact of going from one release to another, and why, the worst first."""

    impact: Impact
    reasons: tuple[Reason, ...]


def grade(old: Release | None, new: Release | None) -> Grade:
    """The impact of going from `old` to `new`; None for a unit that is not there."""
    if old is None or new is None:
        return _appearing_or_gone(old, new)
    reasons = [
        *breaks(old, new),
        *_inputs(old.inputs, new.inputs),
        *_behaviour(old, new),
        *_schemas(old, new),
        *_texts(old, new),
    ]
    reasons.sort(key=lambda reason: -reason.impact)
    return Grade(max((reason.impact for reason in reasons), default=Impact.NONE), tuple(reasons))


def breaks(old: Release, new: Release) -> tuple[Reason, ...]:
    """Why a caller of `old` cannot use `new`; empty when every caller can."""
    found = [
        *_broken_inputs(old.inputs, new.inputs),
        *(("output.schema", said) for said in _broken_output(old.output_schema, new.output_schema)),
        *(("tools", said) for said in _broken_tools(_tools(old), _tools(new))),
    ]
    return tuple(Reason(Impact.MAJOR, field, message) for field, message in found)


def _appearing_or_gone(old: Release | None, new: Release | None) -> Grade:
    if new is not None:
        reason = Reason(Impact.MINOR, "unit", "it is new, and nobody calls it yet")
    elif old is not None:
        reason = Reason(Impact.MAJOR, "unit", "it is gone")
    else:
        return Grade(Impact.NONE, ())
    return Grade(reason.impact, (reason,))


def _broken_inputs(old: Mapping[str, Input], new: Mapping[str, Input]) -> Iterator[tuple[str, str]]:
    for name, now in new.items():
        was, field = old.get(name), f"inputs.{name}"
        if was is None:
            if now.required:
                yield field, f"'{name}' is newly required"
            continue
        if now.required and not was.required:
            yield field, f"'{name}' could be left out and is required now"
        if now.type != was.type and not _widened(was, now):
            yield field, f"'{name}' was {was.type} and is {now.type} now"
        if now.max_length is not None and now.max_length < (was.max_length or 1 << 62):
            before = "any number" if was.max_length is None else str(was.max_length)
            yield field, f"'{name}' may have {now.max_length} characters, was {before}"
    for name in sorted(old.keys() - new.keys()):
        yield f"inputs.{name}", f"'{name}' is gone: what callers pass is ignored"


def _widened(was: Input, now: Input) -> bool:
    """Whether the new type takes every value of the old one."""
    return (was.type, now.type) == ("integer", "number")


def _broken_output(old: Frozen, new: Frozen) -> Iterator[str]:
    if old is None and new is not None:
        yield "answers were free text and follow a schema now"
    elif new is None and old is not None:
        yield "answers followed a schema and are free text now"
    elif old is not None:
        yield from gaps(thaw(old), thaw(new))


def _broken_tools(
    old: dict[str, dict[str, Json]], new: dict[str, dict[str, Json]]
) -> Iterator[str]:
    for name, was in old.items():
        now = new.get(name)
        if now is None:
            yield f"the tool {name} is gone"
            continue
        before, after = was.get("parameters"), now.get("parameters")
        yield from (f"the tool {name}: {gap}" for gap in gaps(before, after))
        # A schema mostly allows further properties and a function mostly does not.
        for argument in sorted(_names(after) - _names(before)):
            yield f"the tool {name}: the argument '{argument}' is new, and the app does not know it"


def _names(parameters: Json) -> set[str]:
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    return set(properties) if isinstance(properties, dict) else set()


def _tools(release: Release) -> dict[str, dict[str, Json]]:
    tools = (cast("dict[str, Json]", thaw(tool)) for tool in release.tools)
    return {str(tool.get("name")): tool for tool in tools}


def _inputs(old: Mapping[str, Input], new: Mapping[str, Input]) -> Iterator[Reason]:
    for name, now in new.items():
        was, field = old.get(name), f"inputs.{name}"
        if was is None and not now.required:
            yield Reason(Impact.MINOR, field, f"'{name}' is new and may be left out")
        elif was is not None and _accepts_otherwise(was, now):
            yield Reason(Impact.MINOR, field, f"'{name}' is taken differently")


def _accepts_otherwise(was: Input, now: Input) -> bool:
    one, other = ([item.type, item.required, item.default, item.max_length] for item in (was, now))
    return not same(cast("Json", one), cast("Json", other))


def _behaviour(old: Release, new: Release) -> Iterator[Reason]:
    for field, was, now in (
        *_facts("model", old.model, new.model),
        ("prompt.id", old.prompt.id, new.prompt.id),
        *_facts("retriever", old.retriever, new.retriever),
        *(
            (f"params.{name}", thaw(old.params.get(name)), thaw(new.params.get(name)))
            for name in sorted(old.params.keys() | new.params.keys())
        ),
    ):
        if not same(was, now):
            yield Reason(Impact.MINOR, field, f"{field} changes")
    roles = [[message.role for message in item.prompt.messages] for item in (old, new)]
    if len(roles[0]) == len(roles[1]) and roles[0] != roles[1]:
        yield Reason(Impact.MINOR, "prompt.messages", "who says what changes")


def _facts(
    name: str, old: Model | Retriever | None, new: Model | Retriever | None
) -> Iterator[tuple[str, Json, Json]]:
    kind = old or new
    for field in fields(kind) if kind is not None else ():
        yield (
            f"{name}.{field.name}",
            getattr(old, field.name, None),
            getattr(new, field.name, None),
        )


def _schemas(old: Release, new: Release) -> Iterator[Reason]:
    if not same(thaw(old.output_schema), thaw(new.output_schema)):
        yield Reason(Impact.MINOR, "output.schema", "the answer's schema changes")
    was, now = _tools(old), _tools(new)
    for name in sorted(now.keys() - was.keys()):
        yield Reason(Impact.MINOR, "tools", f"the tool {name} is new")
    for name in sorted(was.keys() & now.keys()):
        if not same(was[name].get("parameters"), now[name].get("parameters")):
            yield Reason(Impact.MINOR, "tools", f"the tool {name} has other parameters")
        elif not same(cast("Json", was[name]), cast("Json", now[name])):
            yield Reason(Impact.PATCH, "tools", f"the tool {name} is described differently")
    if was.keys() == now.keys() and list(was) != list(now):
        yield Reason(Impact.MINOR, "tools", "the tools stand in another order")


def _texts(old: Release, new: Release) -> Iterator[Reason]:
    if old.prompt.version != new.prompt.version:
        yield Reason(Impact.PATCH, "prompt.version", "prompt.version changes")
    if old.prompt.messages != new.prompt.messages:
        yield Reason(Impact.PATCH, "prompt.messages", "the prompt's text changes")
    if old.prompt.examples != new.prompt.examples:
        yield Reason(Impact.PATCH, "examples", "the examples change")
