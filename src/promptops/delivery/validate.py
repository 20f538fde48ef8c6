"""Check manifests in the work tree; all findings of all files, never only the first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from promptops.delivery.build import unit_names
from promptops.errors import UsageError
from promptops.finding import Finding, Place
from promptops.source.files import WorkTree
from promptops.source.judge import judge
from promptops.source.policy import Standard, standard_everywhere
from promptops.source.project import PROJECT_FILE, find_project
from promptops.source.tree import Tree
from promptops.source.unit import MANIFEST, read_unit


@dataclass(frozen=True, slots=True)
class Checked:
    """How many manifests were checked, and what was found: errors first, then by place."""

    count: int
    findings: list[Finding]


def validate(paths: Iterable[Path], environment: str | None = None) -> Checked:
    """Check manifests, units' folders, or folders of units, by what their project asks of them.

    The policies of `environment` are asked besides the common ones. Raises UsageError for other
    paths, for an environment that the project does not have, and for an invalid project file.
    """
    folders = list(dict.fromkeys(folder for path in paths for folder in _unit_folders(path)))
    standards, findings = _standards(folders, environment)
    seen: dict[tuple[Path, str], Path] = {}
    trees: dict[Path, WorkTree] = {}
    for folder in folders:
        tree = trees.setdefault(folder.parent, WorkTree(folder.parent))
        findings += check_unit(tree, folder.name, standards[folder.parent])
        twin = seen.setdefault((folder.parent, folder.name.casefold()), folder)
        if twin != folder:
            findings.append(_same_name(tree, twin, folder))
    # A policy that cannot be applied is said once, and not for every unit.
    return Checked(len(folders), sorted(dict.fromkeys(findings), key=_order))


def check_unit(tree: Tree, folder: str, standard: Standard) -> list[Finding]:
    """The findings about one unit, its policies among them."""
    unit = read_unit(tree, folder, standard.rules)
    return [*unit.findings, *judge(tree, unit, standard)]


def _standards(
    folders: list[Path], environment: str | None
) -> tuple[dict[Path, Standard], list[Finding]]:
    """By folder of units, what the project around it asks; and what is wrong with that."""
    standards: dict[Path, Standard] = {}
    findings: list[Finding] = []
    for parent in dict.fromkeys(folder.parent for folder in folders):
        standards[parent] = Standard()
        project = find_project(parent)
        if project is not None:
            standards[parent], found = standard_everywhere(project, environment)
            findings += found
        elif environment is not None:
            raise UsageError(
                f"there is no {PROJECT_FILE} in {parent} or above: nobody knows {environment}",
                "leave --env out, or name a path in a project",
            )
    return standards, findings


def _same_name(tree: WorkTree, one: Path, other: Path) -> Finding:
    paths = [tree.shown(f"{folder.name}/{MANIFEST}") for folder in (one, other)]
    message = f"{' and '.join(paths)} differ in case only: some systems keep one of them"
    return Finding("E220", paths[1], Place(), message, "rename one of the folders")


def _order(finding: Finding) -> tuple[bool, str, int, int]:
    place = finding.place
    return finding.severity != "error", finding.file, place.line, place.column


def _unit_folders(path: Path) -> Iterator[Path]:
    where = path.resolve()
    if where.name == MANIFEST or (where / MANIFEST).exists():
        yield where.parent if where.name == MANIFEST else where
        return
    names = unit_names(WorkTree(where), ".") if where.is_dir() else []
    if not names:
        raise UsageError(
            f"there is no {MANIFEST} at {path}",
            "name a manifest, a unit's folder, or a folder of units",
        )
    for name in names:
        yield where / name
