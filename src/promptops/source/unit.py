"""A unit as it stands in a tree: its manifest and files, read and checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from promptops.finding import Finding, Place, errors_in
from promptops.source.attachments import Attachments, read_attachments
from promptops.source.document import Document
from promptops.source.lines import with_lines
from promptops.source.merged import Merged, overlay_of, safe_of, with_overlay
from promptops.source.parameters import check_parameters
from promptops.source.rules import check_length, check_pins, check_rules
from promptops.source.schema import check_schema, check_sections
from promptops.source.severity import Rule, ruled
from promptops.source.strict_yaml import read_yaml
from promptops.source.text import MAX_BYTES, MOST_FINDINGS, read_text
from promptops.source.tree import FileRefused, Tree

MANIFEST = "manifest.yaml"
_SPELLINGS = {MANIFEST, "manifest.yml"}  # in lower case
FREE_TEXT = frozenset({"text", "description", "default", "forward_only"})

_NOTHING = Attachments({}, {}, (), ())


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit: what was found in its files, and what they hold.

    `folder` is relative to the tree's root. `document` is None when the manifest cannot be read.
    `texts` and `schemas` are the files that the manifest names, by the name it gives them. `files`
    are path and bytes of everything that was read, the manifest first.
    """

    folder: str
    name: str
    findings: tuple[Finding, ...]
    document: Document | None
    texts: Mapping[str, str]
    schemas: Mapping[str, Any]
    files: tuple[tuple[str, bytes], ...]

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings may be there."""
        return not errors_in(list(self.findings))


def read_unit(tree: Tree, folder: str, rules: tuple[Rule, ...] = (), *, check: bool = True) -> Unit:
    """Read and check the unit in `folder`: its manifest, the files it names, every environment.

    The findings have the severities of `rules`. Without `check`, for a folder that has passed
    before, schema, rules and secrets are left out.
    """
    path = f"{folder}/{MANIFEST}" if folder else MANIFEST
    shown = tree.shown(path)
    try:
        data = tree.read(path, MAX_BYTES)
    except FileRefused as refused:
        return _unit(folder, [_unreadable(tree, folder, refused)], None, _NOTHING, ())
    document = None
    text, findings = read_text(data, shown, "manifest")
    if text is not None:
        document, found = read_yaml(text, shown, FREE_TEXT)
        findings += found
    attachments = _NOTHING
    if document is not None:
        attachments = read_attachments(tree, folder, document)
        findings += attachments.findings
    if document is not None and check:
        findings += check_schema(document, "manifest")
        findings += check_rules(document, _name(folder), attachments)
        findings += _twins(tree, folder, shown)
        findings += islice(_check_environments(document, attachments, findings), MOST_FINDINGS)
    files = ((path, data), *attachments.files)
    if check:
        findings = with_lines(findings, files, tree, tell_secrets=True)
    return _unit(folder, ruled(findings, rules), document, attachments, files)


def manifest_in(tree: Tree, folder: str) -> str | None:
    """The name of a folder's manifest, or of the file that was meant to be it; None without."""
    names = [entry.name for entry in tree.list(folder) if entry.name.casefold() in _SPELLINGS]
    return MANIFEST if MANIFEST in names else next(iter(names), None)


def _twins(tree: Tree, folder: str, shown: str) -> Iterator[Finding]:
    """Files whose names differ in case only: a clone on macOS or Windows keeps one of them."""
    seen: dict[str, str] = {}
    for entry in tree.list(folder):
        other = seen.setdefault(entry.name.casefold(), entry.name)
        if other != entry.name:
            names = [tree.shown(f"{folder}/{name}") for name in (other, entry.name)]
            message = f"{' and '.join(names)} differ in case only: some systems keep one of them"
            yield Finding("E220", shown, Place(), message, "rename or delete one of them")


def _check_environments(
    document: Document, attachments: Attachments, known: list[Finding]
) -> Iterator[Finding]:
    """What is wrong only under an environment's overlay, or in safe mode there."""
    said = {(finding.code, finding.place) for finding in known}
    environments = document.get(("environments",))
    names = list(environments) if isinstance(environments, dict) else []
    looks = [(name, False) for name in names if overlay_of(document.value, name)]
    if safe_of(document.value):
        looks += [("", True), *((name, True) for name, _ in looks)]
    for environment, safe in looks:
        for finding in _check_merged(document, attachments, environment, safe=safe):
            if (finding.code, finding.place) not in said:
                said.add((finding.code, finding.place))
                where = " and ".join(filter(None, [environment, "safe mode" if safe else ""]))
                yield replace(finding, message=f"in {where}: {finding.message}")


def _check_merged(
    document: Document, attachments: Attachments, environment: str, *, safe: bool
) -> Iterator[Finding]:
    value = document.value
    merged = Merged(document, environment, with_overlay(value, environment, safe=safe), safe)
    sections = {*overlay_of(value, environment), *(safe_of(value) if safe else ())}
    yield from check_sections(merged, "manifest", sections)
    yield from check_pins(merged, sections)
    yield from check_length(merged, attachments.texts)
    yield from check_parameters(merged)


def _unreadable(tree: Tree, folder: str, refused: FileRefused) -> Finding:
    message, hint, name = refused.message, refused.hint, MANIFEST
    meant = manifest_in(tree, folder)
    if meant is None:
        message = f"no {MANIFEST} in {tree.shown(folder)}"
    elif meant != MANIFEST:
        message = f"a manifest is named {MANIFEST}: this file would never be deployed"
        hint, name = f"rename {meant} to {MANIFEST}", meant
    return Finding(refused.code, tree.shown(f"{folder}/{name}"), Place(), message, hint)


def _unit(
    folder: str,
    findings: list[Finding],
    document: Document | None,
    attachments: Attachments,
    files: tuple[tuple[str, bytes], ...],
) -> Unit:
    ordered = sorted(dict.fromkeys(findings), key=_position)
    texts, schemas = attachments.texts, attachments.schemas
    return Unit(folder, _name(folder), tuple(ordered), document, texts, schemas, files)


def _position(finding: Finding) -> tuple[str, int, int, str]:
    return finding.file, finding.place.line, finding.place.column, finding.code


def _name(folder: str) -> str:
    return folder.rpartition("/")[2]
