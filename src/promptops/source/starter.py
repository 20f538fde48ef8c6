"""The first files of a project and of a unit; nothing that is there is overwritten."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from promptops.errors import UsageError
from promptops.source.files import top_of_git
from promptops.source.project import PROJECT_FILE, Project, read_project
from promptops.source.shipped import SCHEMAS, schema_text, template
from promptops.source.unit import MANIFEST
from promptops.source.writing import Unwritable, make_file
from promptops.version import VERSION

WORKFLOWS = (
    "promptops-check.yml",
    "promptops-deploy.yml",
    "promptops-rollback.yml",
    "promptops-rehearse.yml",
)
FIRST_UNIT = "hello"
_LIVE = "production"
IGNORED = ".promptops/"
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_BRANCH = re.compile(r"ref: refs/(?:heads|remotes/origin)/([A-Za-z][A-Za-z0-9._/-]*)\n")
_NO_TEXT_IN_YAML = re.compile(r"null|true|false|[0-9].*")


@dataclass(frozen=True, slots=True)
class Written:
    """What was done to one file, by its path below the project, and why."""

    path: str
    what: Literal["made", "added to", "left"]
    why: str = ""

    def as_json(self) -> dict[str, str]:
        return {"path": self.path, "what": self.what, "why": self.why}


def start_project(root: Path, owner: str, *, github: bool) -> list[Written]:
    """What a project needs, where it is missing: project file, schemas, a first unit, editor, git.

    With `github` the four workflows too. Raises UsageError for a folder below the top of a
    repository then, InvalidProject for a project file that is there and has errors, and Unwritable,
    which says what was made before.
    """
    top = top_of_git(root)
    if github and top is not None and top != root:
        raise UsageError(
            "GitHub reads workflows at the top of a repository only",
            "run promptops init alone here, and call promptops' action there with "
            f"folder: {root.relative_to(top)}; the README shows how",
        )
    return _listed(_first_files(root, owner, top, github=github))


def _first_files(root: Path, owner: str, top: Path | None, *, github: bool) -> Iterator[Written]:
    yield _make(root, PROJECT_FILE, template("project/promptops.yaml"))
    project = read_project(root)
    for name in SCHEMAS:
        yield _schema(root, name)
    if any((root / project.manifests).glob(f"*/{MANIFEST}")):
        yield Written(project.manifests, "left", "it has units")
    else:
        yield from _unit_files(project, FIRST_UNIT, owner)
    yield _ignore(root)
    settings = template("project/vscode-settings.json", MANIFESTS=project.manifests)
    yield _make(root, ".vscode/settings.json", settings)
    if top in {root, None}:
        hooks = template("project/pre-commit-config.yaml", VERSION=VERSION)
        yield _make(root, ".pre-commit-config.yaml", hooks)
    for name in WORKFLOWS if github else ():
        yield _make(root, f".github/workflows/{name}", _workflow(name, project, top))


def deployed_to(project: Project) -> str:
    """The environment that a merge goes to: the last one that is not local."""
    return next((name for name in reversed([*project.environments]) if name != "local"), _LIVE)


def _workflow(name: str, project: Project, top: Path | None) -> str:
    environment = deployed_to(project)
    quoted = f'"{environment}"' if _NO_TEXT_IN_YAML.fullmatch(environment) else environment
    return template(
        f"github/{name}",
        VERSION=VERSION,
        ENVIRONMENT=quoted,
        BRANCH=_default_branch(top),
        VARIABLE=next(iter(project.variables_of(environment)), "PRODUCTION_REDIS_URL"),
    )


def _default_branch(top: Path | None) -> str:
    """The one that origin calls its own, else the current one; looked up without running git."""
    heads = [top / ".git" / name for name in ("refs/remotes/origin/HEAD", "HEAD")] if top else []
    for head in heads:
        with suppress(OSError, UnicodeDecodeError):
            if found := _BRANCH.fullmatch(head.read_text("utf-8")):
                return found[1]
    return "main"


def new_unit(project: Project, name: str, owner: str) -> list[Written]:
    """A unit that passes validation; raises UsageError for a bad name and for one that is taken."""
    if not _ID.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be the name of a unit",
            "use lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit, "
            "at most 63 characters",
        )
    folder = f"{project.manifests}/{name}"
    if (project.root / folder / MANIFEST).exists():
        raise UsageError(f"{folder} is there already", "choose another name, or edit that one")
    return _listed(_unit_files(project, name, owner))


def _unit_files(project: Project, name: str, owner: str) -> Iterator[Written]:
    folder = f"{project.manifests}/{name}"
    schema = "schemas/manifest.v1.json"
    modeline = ""
    if (project.root / schema).exists():
        modeline = f"# yaml-language-server: $schema={os.path.relpath(schema, folder)}\n"
    unit = f'"{name}"' if _NO_TEXT_IN_YAML.fullmatch(name) else name
    manifest = template("unit/manifest.yaml", MODELINE=modeline, UNIT=unit, OWNER=owner)
    yield _make(project.root, f"{folder}/{MANIFEST}", manifest)
    yield _make(project.root, f"{folder}/system.md", template("unit/system.md"))


def _listed(files: Iterable[Written]) -> list[Written]:
    written: list[Written] = []
    try:
        written.extend(files)
    except Unwritable as error:
        made = ", ".join(item.path for item in written if item.what != "left")
        error.hint += f"; run it again then (made so far: {made or 'nothing'})"
        raise
    return written


def _schema(root: Path, name: str) -> Written:
    """A copy for editors, which cannot look into a Python package."""
    path = f"schemas/{name}.v1.json"
    text = schema_text(name)
    written = _make(root, path, text)
    if written.what == "left" and _read(root / path) != text:
        why = f"it differs from this version's; for that: promptops schema {name} > {path}"
        return Written(path, "left", why)
    return written


def _ignore(root: Path) -> Written:
    file = root / ".gitignore"
    if not file.exists():
        return _make(root, file.name, f"{IGNORED}\n")
    text = _read(file)
    if IGNORED.strip("/") in {line.strip().strip("/") for line in text.splitlines()}:
        return Written(file.name, "left", f"it has {IGNORED}")
    try:
        with file.open("a", encoding="utf-8", newline="") as opened:
            opened.write(("" if text.endswith("\n") or not text else "\n") + f"{IGNORED}\n")
    except OSError as error:
        raise Unwritable(file.name, error) from error
    return Written(file.name, "added to", IGNORED)


def _make(root: Path, path: str, text: str) -> Written:
    file = root / path
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unwritable(path, error) from error
    try:
        make_file(file, text)
    except FileExistsError:
        return Written(path, "left", "it is there")
    except OSError as error:
        raise Unwritable(path, error) from error
    return Written(path, "made")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{file.name} cannot be read: {error.strerror}") from error
