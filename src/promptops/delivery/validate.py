"""Check manifests in the work tree; all findings of all files, never only the first."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from promptops.delivery.build import unit_names
from promptops.delivery.spread import spread
from promptops.errors import UsageError
from promptops.finding import Finding, Place
from promptops.source.files import WorkTree
from promptops.source.unit import MANIFEST, read_unit


@dataclass(frozen=True, slots=True)
class Checked:
    """How many manifests were checked, and what was found: errors first, then by place."""

    count: int
    findings: list[Finding]


def validate(
    paths: Iterable[Path], tell: Callable[[int, int], object] = lambda _done, _of: None
) -> Checked:
    """Check manifests, units' folders, or folders of units; raises UsageError for other paths.

    `tell` hears after every manifest how many were checked, of how many.
    """
    folders = list(dict.fromkeys(folder for path in paths for folder in _unit_folders(path)))
    findings: list[Finding] = []
    seen: dict[tuple[Path, str], Path] = {}
    with closing(spread(_findings, folders)) as found:
        for number, folder in enumerate(folders, 1):
            findings += next(found)
            twin = seen.setdefault((folder.parent, folder.name.casefold()), folder)
            if twin != folder:
                findings.append(_same_name(twin, folder))
            tell(number, len(folders))
    findings.sort(key=_order)
    return Checked(len(folders), findings)


def _findings(folder: Path) -> tuple[Finding, ...]:
    return read_unit(WorkTree(folder.parent), folder.name).findings


def _same_name(one: Path, other: Path) -> Finding:
    tree = WorkTree(one.parent)
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
