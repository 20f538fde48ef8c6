"""The units that files belong to, as pre-commit names files: changed ones, of any kind."""

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from promptops.source.project import PROJECT_FILE, find_project
from promptops.source.unit import MANIFEST


def folders_of(paths: Iterable[Path]) -> list[Path]:
    """The units' folders, each once; files of no unit are passed over.

    A project file stands for all units of its project. Raises InvalidProject.
    """
    project_of = lru_cache(maxsize=None)(find_project)

    def folders() -> Iterator[Path]:
        for path in paths:
            # Not resolved: a link in a unit's folder belongs to that unit, wherever it leads.
            file = Path(os.path.normpath(Path.cwd() / path))
            project = project_of(file.parent)
            if project is None:
                continue
            manifests = project.root / project.manifests
            if file == project.root / PROJECT_FILE:
                yield from sorted(found.parent for found in manifests.glob(f"*/{MANIFEST}"))
            elif manifests in file.parents:
                unit = manifests / file.relative_to(manifests).parts[0]
                if (unit / MANIFEST).exists():
                    yield unit

    return list(dict.fromkeys(folders()))
