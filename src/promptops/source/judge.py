"""Apply policies to a unit: what they say about it, at the lines of the manifest that cause it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry

from promptops.finding import Finding, Place
from promptops.source.document import Document, Path
from promptops.source.lines import with_lines
from promptops.source.merged import Merged, overlay_of, safe_of
from promptops.source.models import check_retirement
from promptops.source.objections import Objection, objections, sayings
from promptops.source.policy import Policy, Standard
from promptops.source.references import References, spell_out
from promptops.source.resolve import resolved_manifest
from promptops.source.severity import is_in_the_way, ruled
from promptops.source.text import MOST_FINDINGS
from promptops.source.time_limit import TookTooLong, time_limit
from promptops.source.tree import Tree
from promptops.source.unit import Unit

SECONDS = 1.0


def judge(tree: Tree, unit: Unit, standard: Standard) -> list[Finding]:
    """What a standard says about a unit: its policies (E600), and models that end (E226, W228).

    The findings have the project's severities. `tree` is the one that the unit was read from. A
    unit that cannot be built is not judged: it has findings to mend first, and nobody knows what it
    would be.
    """
    document = unit.document
    if document is None or any(map(is_in_the_way, unit.findings)):
        return []
    found: dict[Finding, list[str]] = {}
    seen: dict[tuple[str, tuple[Policy, ...]], dict[Finding, None]] = {}
    for environment, policies in standard.looks or (("", ()),):
        # Where no overlay is, one look stands for all that ask the same.
        overlay = environment if overlay_of(document.value, environment) else ""
        key = (overlay, policies)
        if key not in seen:
            seen[key] = _said(unit, document, overlay, policies, standard)
        for finding in seen[key]:
            found.setdefault(finding, []).append(environment)
    everywhere = len(standard.looks or " ")
    said = (_in(where, finding, everywhere) for finding, where in found.items())
    return ruled(with_lines(sorted(said, key=_position), unit.files, tree), standard.rules)


def _said(
    unit: Unit,
    document: Document,
    environment: str,
    policies: tuple[Policy, ...],
    standard: Standard,
) -> dict[Finding, None]:
    """What is found in an environment, and in safe mode there."""
    found: dict[Finding, None] = {}
    for safe in (False, True) if safe_of(document.value) else (False,):
        value = resolved_manifest(unit, environment, safe=safe)
        merged = Merged(document, environment, value, safe)
        judged = judge_merged(merged, policies)
        if standard.today is not None:
            judged += check_retirement(merged, standard.models, standard.today)
        for finding in judged:
            if finding not in found:
                said = f"in safe mode: {finding.message}" if safe else finding.message
                found[replace(finding, message=said)] = None
    return found


def judge_merged(merged: Merged, policies: Iterable[Policy]) -> list[Finding]:
    """What policies say about a manifest under an overlay, with their own severities."""
    return [found for policy in policies for found in _schema_of(policy).findings_about(merged)]


def _position(finding: Finding) -> tuple[int, int]:
    return finding.place.line, finding.place.column


def _in(environments: list[str], finding: Finding, everywhere: int) -> Finding:
    """The finding, saying where it holds, unless it does wherever one looked."""
    if finding.code == "E224" or len(environments) == everywhere:
        return finding
    return replace(finding, message=f"in {', '.join(environments)}: {finding.message}")


class _Schema:
    """A policy that is ready to be applied; one that took too long once is not tried again."""

    def __init__(self, policy: Policy) -> None:
        root = json.loads(policy.text)
        # Its name would only change where its references are looked for.
        self._root = {key: part for key, part in root.items() if key != "$id"}
        spell_out(self._root)
        self._file = policy.file
        self._references = References(self._root)
        self._validator = Draft202012Validator(self._root, registry=Registry())
        self._failure: Finding | None = None

    def findings_about(self, merged: Merged) -> list[Finding]:
        """What it says; where it cannot say it in time, that is the finding, and an error."""
        if self._failure is None:
            try:
                with time_limit(SECONDS):
                    return list(islice(self._findings(merged), MOST_FINDINGS))
            except TookTooLong:
                what = f"takes longer than {SECONDS:g} s"
            except RecursionError:
                what = "goes too deep"
            message = f"checking {merged.file} with this schema {what}"
            hint = "simplify its patterns and references"
            self._failure = Finding("E224", self._file, Place(), message, hint)
        return [self._failure]

    def _findings(self, merged: Merged) -> Iterator[Finding]:
        said = set()
        for error in self._validator.iter_errors(merged.value):
            way = self._way(error)
            above = way[-2] if len(way) > 1 else None
            for objection in objections(
                error, above.get("if") if isinstance(above, dict) else None
            ):
                finding = self._finding(merged, way, objection)
                if finding not in said:
                    said.add(finding)
                    yield finding

    def _way(self, error: ValidationError) -> tuple[Any, ...]:
        """The schemas from the whole one to the one that failed."""
        steps = tuple(error.absolute_schema_path)[:-1]
        return _way(self._references, self._root, steps, error.schema) or (self._root,)

    def _finding(self, merged: Merged, way: tuple[Any, ...], objection: Objection) -> Finding:
        """The words are those of the nearest schema that says anything."""
        said = next((said for schema in reversed(way) if (said := sayings(schema))), None)
        title, *more = said or [f"{self._file} does not allow this"]
        hint = "; ".join([objection.hint, *(text.rstrip(".") for text in more)])
        message = f"{title}: {objection.message}"
        place = _place(merged, objection)
        return Finding("E600", merged.file, place, message, f"{hint} ({self._file})")


@lru_cache(maxsize=64)
def _schema_of(policy: Policy) -> _Schema:
    return _Schema(policy)


def _way(references: References, schema: Any, steps: Path, goal: Any) -> tuple[Any, ...]:
    """The schemas that lead to `goal`; jsonschema's steps leave out when it followed a `$ref`."""
    if not steps and schema is goal:
        return (schema,)
    nexts: list[tuple[Any, Path]] = []
    if steps and isinstance(schema, list):
        nexts.append((schema[int(steps[0])], steps[1:]))
    elif steps and isinstance(schema, dict) and steps[0] in schema:
        step = str(steps[0])
        target = references.target(schema[step]) if step == "$dynamicRef" else schema[step]
        nexts.append((target, steps[1:]))
    if isinstance(schema, dict) and isinstance(schema.get("$ref"), str):
        nexts.append((references.target(schema["$ref"]), steps))
    for each, rest in nexts:
        if isinstance(each, dict | list) or each is goal:
            found = _way(references, each, rest, goal)
            if found:
                return (schema, *found)
    return ()


def _place(merged: Merged, objection: Objection) -> Place:
    path = objection.path
    if objection.kind == "missing":
        return merged.missing_place(path[:-1], str(path[-1]))
    written = _written(merged, path)
    return merged.key_place(written) if objection.kind == "key" else merged.place(written)


def _written(merged: Merged, path: Path) -> Path:
    """What the manifest writes for a path of the resolved one: a text may be in a file."""
    is_text = path[:1] == ("prompt",) and path[-1:] == ("text",)
    if is_text and not merged.document.has(merged.origin(path)):
        return (*path[:-1], "file")
    return path
