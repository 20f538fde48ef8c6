"""Releases out of a git commit, or out of the work tree."""

from collections.abc import Callable
from dataclasses import dataclass

from promptops.delivery.build import Built, InvalidUnits, build, named_units
from promptops.finding import Finding, Place, errors_in
from promptops.source.files import WorkTree
from promptops.source.git import Repository
from promptops.source.project import Project
from promptops.source.severity import ruled
from promptops.source.text import MAX_BYTES
from promptops.source.tree import FileRefused, Tree


@dataclass(frozen=True, slots=True)
class Checkout:
    """What was built out of a tree, the warnings about it, and the commit, if it came from one.

    `is_older(commit, than)` says whether a commit is an ancestor of another one.
    """

    built: list[Built]
    findings: list[Finding]
    tree: Tree
    commit: str | None = None
    is_older: Callable[[str, str], bool | None] | None = None


def from_work_tree(project: Project, units: tuple[str, ...], environment: str) -> Checkout:
    """Build from the files as they lie there; raises UnknownUnit, InvalidUnits."""
    tree = WorkTree(project.root)
    names = named_units(tree, project.manifests, units)
    built = build(tree, project.manifests, names, environment, project.rules)
    return Checkout(built, [finding for item in built for finding in item.source.findings], tree)


def from_commit(
    project: Project, units: tuple[str, ...], environment: str, revision: str
) -> Checkout:
    """Build from a commit; where the work tree differs, W404 says that the commit wins.

    Raises UsageError (E406, E407), UnknownUnit (E404) and InvalidUnits.
    """
    repository = Repository.around(project.root)
    commit = repository.commit(revision)
    tree = repository.files(commit, project.root)
    names = named_units(tree, project.manifests, units)
    built = build(tree, project.manifests, names, environment, project.rules)
    findings = [finding for item in built for finding in item.source.findings]
    findings += ruled(_differences(WorkTree(project.root), built, commit), project.rules)
    if errors_in(findings):
        raise InvalidUnits(findings)
    return Checkout(built, findings, tree, commit, repository.is_older)


def _differences(work_tree: WorkTree, built: list[Built], commit: str) -> list[Finding]:
    findings = []
    for item in built:
        for path, data in item.source.files:
            try:
                same = _lines(work_tree.read(path, MAX_BYTES)) == _lines(data)
            except FileRefused:
                same = False
            if not same:
                findings.append(
                    Finding(
                        "W404",
                        work_tree.shown(path),
                        Place(),
                        f"the work tree differs from commit {commit[:12]}; the commit is deployed",
                        "commit the change if it was meant to go live",
                    )
                )
    return findings


def _lines(data: bytes) -> bytes:
    """A checkout with CRLF line ends is no difference."""
    return data.replace(b"\r\n", b"\n")
