"""Check manifests in the work tree; all findings of all files, never only the first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from promptops.delivery.build import nearest_folder, unit_names
from promptops.errors import UsageError
from promptops.finding import Finding, Place
from promptops.source.files import WorkTree
from promptops.source.unit import MANIFEST, manifest_in, read_unit


@dataclass(frozen=True, slots=True)
class Checked:
    """How many manifests were checked, and what was found: errors first, then by place."""

    count: int
    findings: list[Finding]


def validate(paths: Iterable[Path]) -> Checked:
    """Check manifests, units' folders, or folders of units; raises UsageError for other paths."""
    folders = list(dict.fromkeys(folder for path in paths for folder in _unit_folders(path)))
    findings: list[Finding] = []
    seen: dict[tuple[Path, str], Path] = {}
    trees: dict[Path, WorkTree] = {}
    for folder in folders:
        tree = trees.setdefault(folder.parent, WorkTree(folder.parent))
        findings += read_unit(tree, folder.name).findings
        twin = seen.setdefault((folder.parent, folder.name.casefold()), folder)
        if twin != folder:
            findings.append(_same_name(tree, twin, folder))
    findings.sort(key=_order)
    return Checked(len(folders), findings)


def _same_name(tree: WorkTree, one: Path, other: Path) -> Finding:
    paths = [tree.shown(f"{folder.name}/{MANIFEST}") for folder in (one, other)]
    message = f"{' and '.join(paths)} differ in case only: some systems keep one of them"
    return Finding("E220", paths[1], Place(), message, "rename one of the folders")


def _order(finding: Finding) -> tuple[bool, str, int, int]:
    place = finding.place
    return finding.severity != "error", finding.file, place.line, place.column


def _unit_folders(path: Path) -> Iterator[Path]:
    where = path.resolve()
    folder = where if where.is_dir() and where.name != MANIFEST else where.parent
    manifest = manifest_in(WorkTree(folder), ".")
    if where.name == MANIFEST or (manifest and where in {folder, folder / manifest}):
        yield folder
        return
    names = unit_names(WorkTree(where), ".") if where.is_dir() else []
    if not names:
        raise UsageError(
            f"there is no {MANIFEST} at {path}",
            nearest_folder(path) or "name a manifest, a unit's folder, or a folder of units",
        )
    for name in names:
        yield where / name
