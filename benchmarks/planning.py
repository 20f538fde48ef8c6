"""`promptops plan` of a thousand units, against what reading their manifests takes at least."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import installed, output, python, wall
from benchmarks.repository import SOURCE, commit, new_repository, write_unit
from benchmarks.rounds import alternate
from benchmarks.table import Bound, Row

COUNT = 1000
CHANGED = (3, 500, 997)
ROUNDS = 7

LOAD = """
import pathlib, yaml
for file in pathlib.Path("manifests").glob("*/manifest.yaml"):
    yaml.load(file.read_bytes(), yaml.CSafeLoader)
"""


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as name:
        folder = Path(name, "repository")
        new_repository(folder)
        sources = sorted(unit.name for unit in SOURCE.iterdir())
        units = [
            write_unit(folder, source, f"{source}-{number:04}")
            for number in range(COUNT)
            for source in [sources[number % len(sources)]]
        ]
        commit(folder)
        promptops = installed("promptops")
        output([promptops, "deploy", "--all", "--env", "local"], folder)
        for number in CHANGED:
            with (units[number] / "system.md").open("a", encoding="utf-8") as prompt:
                prompt.write("Be brief.\n")
        commit(folder)
        ours = [promptops, "plan", "--env", "local"]
        planned = json.loads(output([*ours, "--json"], folder))["units"]
        if [each["unit"] for each in planned] != sorted(units[number].name for number in CHANGED):
            raise RuntimeError(f"promptops plan found something else: {planned}")
        yield Row(
            f"`promptops plan` of {COUNT:,} units of which {len(CHANGED)} changed, whole process",
            "`python`, loading their manifests with PyYAML's C loader",
            alternate(wall(ours, folder), python(LOAD, folder), ROUNDS),
            Bound(8, seconds=2),
        )
