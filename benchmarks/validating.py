"""`promptops validate` of a thousand manifests against check-jsonschema on the same files."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.corpus import write_manifests
from benchmarks.processes import installed, output, wall
from benchmarks.rounds import alternate
from benchmarks.table import Bound, Row

COUNT = 1000
ROUNDS = 7
SCHEMA = Path(__file__).parent.parent / "schemas" / "manifest.v1.json"


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as name:
        folder, empty = Path(name, "manifests"), Path(name, "empty")
        empty.mkdir()
        files = write_manifests(folder, COUNT)
        ours = [installed("promptops"), "validate", str(folder)]
        theirs = [installed("check-jsonschema"), "--schemafile", str(SCHEMA), *map(str, files)]
        said = json.loads(output([*ours, "--json"], empty))
        if said != {"checked": COUNT, "findings": []}:
            raise RuntimeError(f"promptops looked at other files or has findings: {said}")
        yield Row(
            f"`promptops validate` of {COUNT:,} manifests of 2–3 KB",
            "`check-jsonschema`, same files and schema",
            alternate(wall(ours, empty), wall(theirs, empty), ROUNDS),
            Bound(0.6),
        )
