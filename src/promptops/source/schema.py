"""Check a document against the schemas that promptops ships.

The schemas are data (`promptops/schemas/`), the same ones that editors and CI use. Nothing is
ever fetched: a `$ref` that leaves the schema is a defect and fails.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from promptops.finding import Finding
from promptops.source.complaints import Placed, Violation, complain, dotted
from promptops.source.document import BROKEN, Path, find
from promptops.source.text import MOST_FINDINGS

Name = Literal["manifest", "project"]


def check_schema(document: Placed, name: Name) -> list[Finding]:
    """What the schema says about a whole document."""
    version = document.value.get("apiVersion")
    errors: Iterable[ValidationError] = _validator(name).iter_errors(document.value)
    if isinstance(version, str) and version != "promptops/v1":
        # A file in another format is not judged by the rules of this one.
        errors = (error for error in errors if list(error.path) == ["apiVersion"])
    return _findings(document, errors, _root(name))


def can_be_id(text: str) -> bool:
    """Whether the schema takes a text as the name of a unit."""
    return re.search(_root("manifest")["$defs"]["id"]["pattern"], text) is not None


def check_sections(document: Placed, name: Name, sections: set[str]) -> list[Finding]:
    """What the schema says about some top-level keys; that the others are missing is no matter."""
    root = _root(name)
    part = {key: item for key, item in document.value.items() if key in sections}
    found = _validator(name).iter_errors(part)
    errors = (error for error in found if error.path or error.validator != "required")
    missing = [key for key in root["required"] if key in sections and key not in part]
    return [*(_deleted(document, key) for key in missing), *_findings(document, errors, root)]


def _deleted(document: Placed, key: str) -> Finding:
    place = document.missing_place((), key)
    return Finding("E211", document.file, place, f"'{key}' is missing", "keep it, or replace it")


def _findings(
    document: Placed, errors: Iterable[ValidationError], root: dict[str, Any]
) -> list[Finding]:
    broken = list(find(document.value, BROKEN))
    violations = (
        violation
        for violation in map(_violation, _plain(errors))
        if not any(violation.path[: len(bad)] == bad for bad in broken)
    )
    said = (finding for each in violations for finding in complain(document, each, root))
    found = dict.fromkeys(islice(said, MOST_FINDINGS))
    places = {finding.place for finding in found if finding.code == "E205"}
    empty = (_empty(document, path) for path in islice(document.empty_paths(), MOST_FINDINGS))
    return [*found, *(finding for finding in empty if finding.place not in places)]


def _empty(document: Placed, path: Path) -> Finding:
    message = f"{dotted(path)} has an empty value: it is unclear whether that is meant"
    hint = "remove the key or set it"
    return Finding("E205", document.file, document.place(path), message, hint)


def _plain(errors: Iterable[ValidationError]) -> Iterator[ValidationError]:
    """The errors that matter: `anyOf: [X, null]` in overlays is about X."""
    for error in errors:
        if error.validator == "anyOf":
            first = [part for part in error.context or () if part.relative_schema_path[0] == 0]
            yield from _plain(first)
        else:
            yield error


def _violation(error: ValidationError) -> Violation:
    path: Path = tuple(error.absolute_path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    of_key = "propertyNames" in error.absolute_schema_path
    limit = error.validator_value
    return Violation(path, str(error.validator), limit, schema, error.instance, of_key)


@lru_cache(maxsize=2)
def _root(name: Name) -> dict[str, Any]:
    text = files("promptops").joinpath("schemas", f"{name}.v1.json").read_text("utf-8")
    root: dict[str, Any] = json.loads(text)
    return root


@lru_cache(maxsize=2)
def _validator(name: Name) -> Draft202012Validator:
    return Draft202012Validator(_inlined(_root(name), _root(name)), registry=Registry())


def _inlined(part: Any, root: dict[str, Any]) -> Any:
    """The schema with every reference replaced by what it names, so that none has to be looked up.

    Our schemas refer to their own parts only, and in no circle.
    """
    if isinstance(part, list):
        return [_inlined(item, root) for item in part]
    if not isinstance(part, dict):
        return part
    part = {key: _inlined(item, root) for key, item in part.items()}
    if not isinstance(part.get("$ref"), str):
        return part
    target: Any = root
    for step in part.pop("$ref").removeprefix("#/").split("/"):
        target = target[step]
    return {**_inlined(target, root), **part}
