"""The files that a manifest names: found, read and checked as files."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from promptops.finding import Finding, Place
from promptops.source.document import Document, Path
from promptops.source.pins import NO_EXPANSION, expands
from promptops.source.strict_json import read_json
from promptops.source.text import MAX_BYTES, Kind, read_text
from promptops.source.tree import FileRefused, Tree

_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Attachments:
    """What the files hold that a manifest names.

    `texts` and `schemas` go by the name that the manifest gives the file; a file that could not be
    read is in neither. `files` are the bytes of all that were read, by path from the tree's root.
    """

    texts: Mapping[str, str]
    schemas: Mapping[str, Any]
    files: tuple[tuple[str, bytes], ...]
    findings: tuple[Finding, ...]


def read_attachments(tree: Tree, folder: str, document: Document) -> Attachments:
    """Read every file that a manifest names, each once."""
    return read_named(tree, folder, document, references(document))


def read_named(
    tree: Tree, folder: str, document: Document, names: Iterable[tuple[Path, str, Kind]]
) -> Attachments:
    """Read files that a document names: where it does, the name, and what the file should hold."""
    reader = _Reader(tree, folder, document)
    seen: set[tuple[str, Kind]] = set()
    for path, name, kind in names:
        problem = path_problem(name)
        if problem:
            message = f"the path '{name}' {problem}"
            hint = "name a file in this folder or below, with / between folders"
            reader.refer(path, "E401", message, hint)
        elif expands(name):
            reader.refer(path, "E225", f"the path '{name}': {NO_EXPANSION}", "write the real path")
        elif (name, kind) not in seen:
            seen.add((name, kind))
            reader.read(path, name, kind)
    return Attachments(
        reader.texts, reader.schemas, tuple(reader.files.items()), tuple(reader.findings)
    )


def references(document: Document) -> Iterator[tuple[Path, str, Kind]]:
    """Where a manifest names a file, the name, and what the file should hold."""
    parts = [(*at, "prompt", part) for at in ((), ("safe",)) for part in ("messages", "examples")]
    for part in parts:
        for index in range(len(_list(document, part))):
            path: Path = (*part, index, "file")
            if isinstance(name := document.get(path), str):
                yield path, name, "prompt"
    schemas: list[Path] = [("output", "schema")]
    schemas += [("tools", index, "schema") for index in range(len(_list(document, ("tools",))))]
    for path in schemas:
        if isinstance(name := document.get(path), str):
            yield path, name, "JSON Schema"


def path_problem(name: str) -> str:
    """What is wrong with a file's name before anything is opened; empty when nothing is."""
    parts = name.split("/")
    rules = (
        ("is empty", not name.strip()),
        ("has a NUL or another control character", not name.isprintable()),
        ("has a backslash", "\\" in name),
        ("begins with a drive letter", _DRIVE.match(name) is not None),
        ("is absolute", name.startswith("/")),
        ("begins with ~, which is not expanded", name.startswith("~")),
        ("leaves the folder by '..'", ".." in parts),
        ("has a part '.'", "." in parts),
        ("ends in a slash", name.endswith("/")),
        ("has an empty part", "" in parts),
    )
    return next((problem for problem, applies in rules if applies), "")


class _Reader:
    def __init__(self, tree: Tree, folder: str, document: Document) -> None:
        self._tree = tree
        self._folder = folder
        self._document = document
        self.texts: dict[str, str] = {}
        self.schemas: dict[str, Any] = {}
        self.files: dict[str, bytes] = {}
        self.findings: list[Finding] = []

    def refer(self, path: Path, code: str, message: str, hint: str) -> None:
        """Say something about a file at the place that names it."""
        place = self._document.place(path)
        self.findings.append(Finding(code, self._document.file, place, message, hint))

    def read(self, path: Path, name: str, kind: Kind) -> None:
        whole = f"{self._folder}/{name}" if self._folder else name
        try:
            data = self._tree.read(whole, MAX_BYTES)
        except FileRefused as refused:
            if refused.code == "E402":
                self.refer(path, refused.code, refused.message, refused.hint)
            else:
                self._say(whole, refused)
            return
        self.files[whole] = data
        shown = self._tree.shown(whole)
        text, findings = read_text(data, shown, kind)
        self.findings += findings
        if text is None:
            return
        if kind == "prompt":
            self.texts[name] = text
            return
        schema, findings = read_json(text, shown)
        self.findings += findings
        if not findings:
            self.schemas[name] = schema
            self.texts.setdefault(name, text)

    def _say(self, whole: str, refused: FileRefused) -> None:
        """Say something about a file at its own beginning: it is there, and it has to change."""
        shown = self._tree.shown(whole)
        finding = Finding(refused.code, shown, Place(), refused.message, refused.hint)
        self.findings.append(finding)


def _list(document: Document, path: Path) -> list[Any]:
    value = document.get(path)
    return value if isinstance(value, list) else []
