"""Whether a JSON value is a JSON Schema (draft 2020-12) that can be used without surprises.

The official meta-schema says what a schema may look like; in addition nothing may be fetched, every
reference must lead somewhere, and none may go round in a circle.
"""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import urljoin

from jsonschema import Draft202012Validator
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]

from promptops.source.document import Path
from promptops.source.patterns import Patience, TooLarge, is_catastrophic, quietly
from promptops.source.references import REFERENCES, References, schemas_in, tops_of
from promptops.source.text import MOST_FINDINGS

Problem = tuple[Path, str, str]  # where, what is so, what to do

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_LONGEST_CHAIN = 100
_LONGEST_PATTERN = 2000
_MOST_PARTS = 1000  # checking them takes time: a third of a second for these


def problems_of(schema: Any, *, applied: bool = False) -> list[Problem]:
    """What is wrong with a schema; empty when it can be used.

    One that is `applied` here, and not only passed on, must be in our draft from top to bottom.
    """
    if not isinstance(schema, dict):
        return [((), "the schema is no JSON object", "begin with {")]
    references = References(schema)
    tops = list(tops_of(references))
    parts = [each for path, top in tops for each in schemas_in(top, path)]
    if len(parts) > _MOST_PARTS:
        message = f"a schema of {len(parts):,} parts; the limit is {_MOST_PARTS:,}"
        return [((), message, "make it smaller")]
    shapes = (problem for path, part in parts for problem in _shape_problems(path, part))
    problems = list(islice(shapes, MOST_FINDINGS))
    if problems:
        return problems
    patience = Patience()
    try:
        problems = [
            problem for path, part in parts for problem in _pattern_problems(path, part, patience)
        ]
    except TooLarge:
        message = "its patterns are too large for anybody to tell whether they take hours to check"
        return [((), message, "repeat less in them")]
    if applied:
        problems += (problem for path, part in parts for problem in _draft_problems(path, part))
    for path, part in parts:
        for key in REFERENCES:
            if key in part:
                problems += _reference_problems(references, (*path, key), part[key])
    if not problems and (circle := _circle(references, parts)) is not None:
        message = "a reference that leads back to itself: checking it never ends"
        problems.append((circle, message, "refer to another part"))
    return problems[:MOST_FINDINGS]


def _shape_problems(path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    """What the meta-schema says about one schema; those inside it are told apart."""
    for error in _meta().iter_errors(schema):
        yield (*path, *error.absolute_path), f"no JSON Schema: {error.message}", "correct it"


@cache
def _meta() -> Draft202012Validator:
    """The official meta-schema, about one schema without those inside it.

    As it is published it refers to itself seven times for every schema inside, and to look all
    that up takes most of the time that a unit takes.
    """
    root = Draft202012Validator.META_SCHEMA
    whole = _flat(root, root["$id"])
    for vocabulary in whole.pop("allOf"):
        whole["properties"] |= vocabulary["properties"]
    return Draft202012Validator({"properties": whole["properties"]})


def _flat(part: Any, base: str) -> Any:
    """A part of the meta-schema without references; in the place of a schema inside, its type."""
    if isinstance(part, list):
        return [_flat(item, base) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("$dynamicRef") == "#meta":
        return {"type": ["object", "boolean"]}
    flat = {key: _flat(item, base) for key, item in part.items()}
    if isinstance(flat.get("$ref"), str):
        document, _, pointer = flat.pop("$ref").partition("#")
        there = urljoin(base, document)
        target = REGISTRY.contents(there)
        for step in pointer.split("/")[1:]:
            target = target[step]
        flat = _flat(target, there) | flat
    return flat


def _pattern_problems(path: Path, schema: dict[str, Any], patience: Patience) -> Iterator[Problem]:
    """Patterns that Python cannot compile, which the meta-schema does not look into."""
    patterns = [((*path, "pattern"), schema["pattern"])] if "pattern" in schema else []
    patterns += [
        ((*path, "patternProperties", key), key) for key in schema.get("patternProperties", ())
    ]
    for where, pattern in patterns:
        if not _is_regex(pattern):
            message = f"'{pattern[:60]}' is no regular expression that can be used"
            yield where, message, "correct it"
        elif is_catastrophic(pattern, patience):
            message = (
                f"'{pattern[:60]}' can read one text in many ways: some answers would take hours "
                "to check"
            )
            yield where, message, "leave one way: one repeat, a character between, no overlap in |"


def _draft_problems(path: Path, schema: dict[str, Any]) -> Iterator[Problem]:
    """Keywords that would change what the others mean, from there on."""
    draft = schema.get("$schema", _DRAFT)
    if draft.rstrip("#") != _DRAFT:
        message = f"the schema is written in {draft}; it would be read as draft 2020-12"
        yield (*path, "$schema"), message, f"write it in {_DRAFT}, or delete $schema"
    if path and "$id" in schema:
        message = "an $id inside a schema: references would lead elsewhere from there on"
        yield (*path, "$id"), message, "delete it; refer to $defs"


def _is_regex(pattern: str) -> bool:
    if len(pattern) > _LONGEST_PATTERN:
        return False
    try:
        with quietly():
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _reference_problems(references: References, path: Path, reference: str) -> Iterator[Problem]:
    if not reference.startswith("#"):
        message = f"the reference {reference} leads out of the file: nothing is ever fetched"
        yield path, message, "copy what it refers to into $defs"
    elif reference == "#":
        message = "a reference to the whole schema: readers differ in where that ends"
        yield path, message, "put the repeated part into $defs and refer to it by name"
    elif references.target(reference) is None:
        yield path, f"the reference {reference} leads nowhere", "define it in $defs or correct it"


def _circle(references: References, parts: list[tuple[Path, dict[str, Any]]]) -> Path | None:
    """A reference that comes back to itself without going one level down in the checked value."""
    done: set[int] = set()
    for path, part in parts:
        if _returns(references, part, set(), done):
            return path
    return None


def _returns(references: References, schema: Any, above: set[int], done: set[int]) -> bool:
    if not isinstance(schema, dict) or id(schema) in done:
        return False
    if id(schema) in above or len(above) > _LONGEST_CHAIN:
        return True
    above.add(id(schema))
    returns = any(_returns(references, part, above, done) for part in references.in_place(schema))
    above.discard(id(schema))
    done.add(id(schema))
    return returns
