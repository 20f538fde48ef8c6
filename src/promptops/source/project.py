"""The project file `promptops.yaml`: where manifests lie and which environments there are."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from types import MappingProxyType
from typing import Any

from promptops.closest import closest
from promptops.errors import UsageError
from promptops.finding import Finding, Place, errors_in
from promptops.live.address import Address, parse_address
from promptops.source.complaints import shown as quoted
from promptops.source.document import Document
from promptops.source.durations import check_durations, seconds_of
from promptops.source.files import WorkTree
from promptops.source.lines import with_lines
from promptops.source.rehearsal import Rehearsal, read_rehearsal
from promptops.source.schema import check_schema
from promptops.source.severity import Rule, read_rules, ruled
from promptops.source.strict_yaml import read_yaml
from promptops.source.text import MAX_BYTES, read_text
from promptops.source.tree import FileRefused, Tree

PROJECT_FILE = "promptops.yaml"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class InvalidProject(UsageError):
    """A project file with errors; `findings` says which."""

    def __init__(self, shown: str, findings: list[Finding]) -> None:
        super().__init__(f"{shown} has errors", "mend what is listed above")
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Soak:
    """What is promoted must have been live in environment `source` for so many seconds."""

    source: str
    seconds: float


@dataclass(frozen=True, slots=True)
class EnvironmentSettings:
    """One environment: the store's URL as written, and what is allowed there.

    A protected one takes deployments from CI and from commits on `branch` only.
    """

    store: str
    create: bool = False
    allow_dirty: bool = False
    policy: tuple[str, ...] = ()
    protected: bool = False
    branch: str = "main"
    soak: Soak | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A project: its folder, the manifests' folder below it, its environments by name.

    It was read from `tree`, and so are its policies. `policies` are the files of those for all
    environments, by their names in `document`, which is the project file. `findings` are about
    `rules`, probes, soaks and secrets, and stop only what goes by rules: a rollback does not.
    """

    root: Path
    manifests: str
    environments: Mapping[str, EnvironmentSettings]
    policies: tuple[str, ...]
    rules: tuple[Rule, ...]
    document: Document
    findings: tuple[Finding, ...]
    tree: Tree
    rehearsal: Rehearsal

    @property
    def shown(self) -> str:
        return os.path.relpath(self.root / PROJECT_FILE)

    def check_environment(self, name: str) -> None:
        """Raises UsageError for an environment that is not the project's, with the nearest."""
        if name in self.environments:
            return
        names = ", ".join(self.environments)
        close = closest(name, self.environments)
        raise UsageError(
            f"{self.shown} has no environment '{name}'",
            (f"did you mean '{close}'? " if close else "")
            + f"it has: {names}; another one is reached with --store URL --env {quote(name)}",
        )

    def variables_of(self, environment: str) -> list[str]:
        """The variables in the store of an environment; none where there is no such one."""
        settings = self.environments.get(environment)
        return _VARIABLE.findall(settings.store) if settings else []

    def address_of(self, environment: str, variables: Mapping[str, str]) -> Address:
        """The store of an environment, `${NAME}` expanded; raises UsageError."""
        text = self.environments[environment].store
        missing = [name for name in self.variables_of(environment) if not variables.get(name)]
        if missing:
            are, way_out = "is", f"export {missing[0]}=redis://…"
            if len(missing) > 1:
                are, way_out = "are", f"export {' '.join(f'{name}=…' for name in missing)}"
            raise UsageError(
                f"the store of {environment} needs {' and '.join(missing)}, which {are} not set",
                f"{way_out}, or name the store with --store URL",
            )
        return parse_address(_VARIABLE.sub(lambda found: variables[found.group(1)], text))


def find_project(folder: Path) -> Project | None:
    """The project in `folder` or the nearest folder above; raises InvalidProject."""
    folder = folder.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / PROJECT_FILE).is_file():
            return read_project(candidate)
    return None


def read_project(root: Path, tree: Tree | None = None) -> Project:
    """The project file of a folder, as it lies there or in the `tree` of a commit.

    Raises InvalidProject with its findings.
    """
    tree = tree or WorkTree(root)
    shown = tree.shown(PROJECT_FILE)
    try:
        data = tree.read(PROJECT_FILE, MAX_BYTES)
    except FileRefused as error:
        refused = Finding(error.code, shown, Place(), error.message, error.hint)
        raise InvalidProject(shown, [refused]) from error
    text, findings = read_text(data, shown, "project file")
    document = None
    if text is not None:
        document, found = read_yaml(text, shown)
        findings += found
        if document is not None:
            findings += check_schema(document, "project")
    if document is None or errors_in(findings):
        lines = with_lines(findings, [(PROJECT_FILE, data)], tree, tell_secrets=True)
        raise InvalidProject(shown, lines)
    facts = document.value
    rules, found = read_rules(document)
    rehearsal, problems = read_rehearsal(document)
    found += [*problems, *_problems_of_soaks(document)]
    return Project(
        root,
        facts.get("manifests", "manifests").strip("/"),
        MappingProxyType(
            {name: _settings(document, name, each) for name, each in facts["environments"].items()}
        ),
        tuple(facts.get("policy", ())),
        rules,
        document,
        tuple(ruled(with_lines(found, [(PROJECT_FILE, data)], tree, tell_secrets=True), rules)),
        tree,
        rehearsal,
    )


def _settings(document: Document, name: str, written: Mapping[str, Any]) -> EnvironmentSettings:
    soak = written.get("soak")
    if soak is not None:
        is_wrong = any(_problems_of_soak(document, name))
        soak = None if is_wrong else Soak(soak["from"], seconds_of(soak["for"]))
    policy = tuple(written.get("policy", ()))
    return EnvironmentSettings(**{**written, "policy": policy, "soak": soak})


def _problems_of_soaks(document: Document) -> Iterator[Finding]:
    for name in document.value["environments"]:
        yield from _problems_of_soak(document, name)


def _problems_of_soak(document: Document, name: str) -> Iterator[Finding]:
    environments = document.value["environments"]
    path = ("environments", name, "soak")
    yield from check_durations(document, [(*path, "for")])
    source = document.get((*path, "from"))
    others = [other for other in environments if other != name]
    if source is not None and source not in others:
        close = closest(source, others)
        message = f"{name} soaks in {quoted(source)}, which is no other environment of this file"
        hint = f"did you mean {close}?" if close else "name the one to promote from"
        yield Finding("E212", document.file, document.place((*path, "from")), message, hint)
