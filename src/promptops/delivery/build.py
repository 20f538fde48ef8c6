"""Build releases from the files of a tree: read, check, resolve."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from promptops.closest import closest
from promptops.errors import CheckFailed, UnknownUnit, UsageError
from promptops.finding import Finding, errors_in
from promptops.manifest.digest import digest_of
from promptops.source.files import WorkTree
from promptops.source.project import find_project
from promptops.source.resolve import resolve, resolve_safe
from promptops.source.severity import Rule
from promptops.source.tree import Tree
from promptops.source.unit import MANIFEST, Unit, manifest_in, read_unit


class InvalidUnits(CheckFailed):
    """Manifests with errors; `findings` says which. Policies may be those of an environment.

    `so` says what comes of it.
    """

    def __init__(
        self, findings: list[Finding], environment: str = "", so: str = "; nothing was deployed"
    ) -> None:
        count = len(errors_in(findings))
        again = f"promptops validate --env {environment}" if environment else "promptops validate"
        super().__init__(
            f"{count} error{'s' if count != 1 else ''} in the manifests{so}",
            f"mend what is listed above, then: {again}",
        )
        self.findings = findings
        self.environment = environment


@dataclass(frozen=True, slots=True)
class Built:
    """One release: canonical bytes and their digest, and the unit that it was built from.

    `safe` are digest and bytes of the one that takes its place in safe mode.
    """

    unit: str
    digest: str
    data: bytes
    source: Unit
    safe: tuple[str, bytes] | None = None


def unit_names(tree: Tree, folder: str) -> list[str]:
    """The folders below `folder` that hold a manifest, or what was meant as one, by name."""
    return [
        entry.name
        for entry in tree.list(folder)
        if entry.is_folder and manifest_in(tree, below(folder, entry.name))
    ]


def below(folder: str, name: str) -> str:
    """The path of a unit's folder."""
    return name if folder in {"", "."} else f"{folder}/{name}"


def named_units(tree: Tree, folder: str, names: tuple[str, ...]) -> list[str]:
    """The names, each of which must be there, or all; raises UnknownUnit with the nearest."""
    present = unit_names(tree, folder)
    if not names and not present:
        raise UsageError(
            f"{tree.shown(folder)} holds no unit",
            "commit a unit's folder there, or change `manifests:` in promptops.yaml",
            code="E404",
        )
    for name in names:
        if name not in present:
            close = closest(name, present)
            raise UnknownUnit(
                f"{tree.shown(folder)} has no unit '{name}'",
                f"did you mean '{close}'?"
                if close
                else f"its units are: {', '.join(present) or 'none'}; a new one is committed first",
                code="E404",
            )
    return sorted(set(names)) if names else present


def read_units(
    tree: Tree, folder: str, names: Collection[str], rules: tuple[Rule, ...]
) -> dict[str, Unit]:
    """Those of the named units that are there, read and checked."""
    present = [name for name in unit_names(tree, folder) if name in names]
    return {name: read_unit(tree, below(folder, name), rules) for name in present}


def build(
    tree: Tree, folder: str, names: list[str], environment: str, rules: tuple[Rule, ...] = ()
) -> list[Built]:
    """Releases of the named units for an environment; raises InvalidUnits."""
    units = [read_unit(tree, below(folder, name), rules) for name in names]
    check_valid(units)
    return [built_from(unit, environment) for unit in units]


def check_valid(units: Collection[Unit]) -> None:
    """Raises InvalidUnits, with all findings, when one has an error."""
    findings = [finding for unit in units for finding in unit.findings]
    if errors_in(findings):
        raise InvalidUnits(findings)


def built_from(unit: Unit, environment: str) -> Built:
    """The release of a unit without errors."""
    data = resolve(unit, environment)
    safe = resolve_safe(unit, environment)
    return Built(
        unit.name, digest_of(data), data, unit, None if safe is None else (digest_of(safe), safe)
    )


def build_folder(folder: Path, environment: str) -> Built:
    """The release of one unit's folder in the work tree; raises UsageError, InvalidUnits."""
    where = folder.resolve()
    if where.name == MANIFEST:
        where = where.parent
    if not where.is_dir():
        hint = nearest_folder(folder) or "name a unit's folder, manifests/UNIT"
        raise UsageError(f"there is no folder {folder}", hint)
    project = find_project(where)
    rules = () if project is None else project.rules
    return build(WorkTree(where.parent), ".", [where.name], environment, rules)[0]


def nearest_folder(folder: Path) -> str:
    """A hint at the unit beside a folder that is not there; empty when no name is close."""
    where = folder.resolve()
    close = closest(where.name, unit_names(WorkTree(where.parent), "."))
    return f"did you mean {folder.parent / close}?" if close else ""
