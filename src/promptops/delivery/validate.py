"""Check manifests in the work tree; all findings of all files, never only the first."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from promptops.delivery.build import nearest_folder, unit_names
from promptops.delivery.same_names import same_names
from promptops.delivery.spread import spread
from promptops.errors import UsageError
from promptops.finding import Finding, in_order
from promptops.source.files import WorkTree
from promptops.source.unit import MANIFEST, manifest_in, read_unit


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
    names: dict[Path, list[str]] = {}
    with closing(spread(_findings, folders)) as found:
        for number, folder in enumerate(folders, 1):
            findings += next(found)
            names.setdefault(folder.parent, []).append(folder.name)
            tell(number, len(folders))
    for parent, below in names.items():
        findings += same_names(WorkTree(parent), ".", below)
    return Checked(len(folders), in_order(findings))


def _findings(folder: Path) -> tuple[Finding, ...]:
    return read_unit(WorkTree(folder.parent), folder.name).findings


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
