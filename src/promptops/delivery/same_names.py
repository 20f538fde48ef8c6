"""Units whose folders differ in case only: some file systems keep one of them."""

from collections.abc import Iterable, Iterator

from promptops.delivery.build import below
from promptops.finding import Finding, Place
from promptops.source.tree import Tree
from promptops.source.unit import MANIFEST


def same_names(tree: Tree, folder: str, names: Iterable[str]) -> Iterator[Finding]:
    """E220 for every unit of `folder` that has the name of an earlier one."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.casefold(), name)
        if twin != name:
            paths = [tree.shown(f"{below(folder, each)}/{MANIFEST}") for each in (twin, name)]
            message = f"{' and '.join(paths)} differ in case only: some systems keep one of them"
            yield Finding("E220", paths[1], Place(), message, "rename one of the folders")
