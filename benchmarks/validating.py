"""`promptops validate` of many manifests against check-jsonschema on the same files."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.corpus import write_manifests
from benchmarks.processes import installed, output, wall
from benchmarks.rounds import alternate
from benchmarks.table import Bound, Row

SCHEMA = Path(__file__).parent.parent / "schemas" / "manifest.v1.json"


def rows() -> Iterator[Row]:
    yield _row(1000, rounds=3, bound=Bound(0.6))
    yield _row(10_000, rounds=2, bound=Bound(0.5))


def _row(count: int, rounds: int, bound: Bound) -> Row:
    with TemporaryDirectory() as name:
        folder, empty = Path(name, "manifests"), Path(name, "empty")
        empty.mkdir()
        files = write_manifests(folder, count)
        ours = [installed("promptops"), "validate", str(folder)]
        theirs = [installed("check-jsonschema"), "--schemafile", str(SCHEMA), *map(str, files)]
        said = json.loads(output([*ours, "--json"], empty))
        if said != {"checked": count, "findings": []}:
            raise RuntimeError(f"promptops looked at other files or has findings: {said}")
        # Their ten thousand take more than half a minute, which no warm-up is worth.
        measured = alternate(wall(ours, empty), wall(theirs, empty), rounds, warm_up=count < 10_000)
        return Row(
            f"`promptops validate` of {count:,} manifests of 2–3 KB",
            "`check-jsonschema`, same files and schema",
            measured,
            bound,
        )
