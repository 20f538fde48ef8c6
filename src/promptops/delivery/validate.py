"""Check manifests in the work tree; all findings of all files, never only the first."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from promptops.delivery.build import nearest_folder, unit_names
from promptops.delivery.same_names import same_names
from promptops.delivery.spread import spread
from promptops.errors import UsageError
from promptops.finding import Finding, in_order
from promptops.source.files import WorkTree
from promptops.source.judge import judge
from promptops.source.policy import Standard, standard_everywhere, this_day
from promptops.source.project import PROJECT_FILE, find_project
from promptops.source.severity import ruled
from promptops.source.unit import MANIFEST, manifest_in, read_unit


@dataclass(frozen=True, slots=True)
class Checked:
    """How many manifests were checked, and what was found: errors first, then by place."""

    count: int
    findings: list[Finding]


def validate(
    paths: Iterable[Path],
    environment: str | None = None,
    tell: Callable[[int, int], object] = lambda _done, _of: None,
    today: date | None = None,
) -> Checked:
    """Check manifests, units' folders, or folders of units, by what their project asks of them.

    The policies of `environment` are asked besides the common ones. `tell` hears after every
    manifest how many were checked, of how many; models are judged as of `today`. Raises
    UsageError for other paths, for an environment that the project does not have, and for an
    invalid project file.
    """
    folders = list(dict.fromkeys(folder for path in paths for folder in _unit_folders(path)))
    standards, findings = _standards(folders, environment, today or this_day())
    names: dict[Path, list[str]] = {}
    with closing(spread(partial(_findings, standards), folders)) as found:
        for number, folder in enumerate(folders, 1):
            findings += next(found)
            names.setdefault(folder.parent, []).append(folder.name)
            tell(number, len(folders))
    for parent, below in names.items():
        findings += ruled(same_names(WorkTree(parent), ".", below), standards[parent].rules)
    # A policy that cannot be applied is said once, and not for every unit.
    return Checked(len(folders), in_order(dict.fromkeys(findings)))


def _findings(standards: Mapping[Path, Standard], folder: Path) -> list[Finding]:
    """The findings about one unit, its policies among them."""
    tree, standard = WorkTree(folder.parent), standards[folder.parent]
    unit = read_unit(tree, folder.name, standard.rules)
    return [*unit.findings, *judge(tree, unit, standard)]


def _standards(
    folders: list[Path], environment: str | None, today: date
) -> tuple[dict[Path, Standard], list[Finding]]:
    """By folder of units, what the project around it asks; and what is wrong with that."""
    standards: dict[Path, Standard] = {}
    findings: list[Finding] = []
    for parent in dict.fromkeys(folder.parent for folder in folders):
        standards[parent] = Standard(today=today)
        project = find_project(parent)
        if project is not None:
            standards[parent], found = standard_everywhere(project, environment, today)
            findings += found
        elif environment is not None:
            raise UsageError(
                f"there is no {PROJECT_FILE} in {parent} or above: nobody knows {environment}",
                "leave --env out, or name a path in a project",
            )
    return standards, findings


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
