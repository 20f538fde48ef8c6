"""`rehearse` of a hundred units, and `rollback` that goes by what it found."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import installed, output, python, wall
from benchmarks.repository import SOURCE, commit, new_repository, write_unit
from benchmarks.rounds import alternate
from benchmarks.servers import redis_server
from benchmarks.table import Bound, Row

COUNT = 100
LAST = 3
ROUNDS = 7
ROLLBACKS = 21


def rows() -> Iterator[Row]:
    promptops = installed("promptops")
    with TemporaryDirectory() as name, redis_server() as server:
        folder = Path(name, "repository")
        new_repository(folder)
        place = ["--store", server.url, "--env", "local"]
        sources = sorted(unit.name for unit in SOURCE.iterdir())
        units = [
            write_unit(folder, sources[number % len(sources)], f"unit-{number:03}")
            for number in range(COUNT)
        ]
        for version in range(LAST + 1):
            for unit in units:
                with (unit / "system.md").open("a", encoding="utf-8") as prompt:
                    prompt.write(f"Be brief, {version}.\n")
            commit(folder)
            output([promptops, "deploy", "--all", *place, "--create"], folder)
        yield Row(
            f"`promptops rehearse --last {LAST}` of {COUNT} units on Redis, whole process",
            '`python -c "import click, git, jsonschema, redis, yaml"`',
            alternate(
                wall([promptops, "rehearse", *place, "--last", str(LAST)], folder),
                python("import click, git, jsonschema, redis, yaml", folder),
                ROUNDS,
            ),
            Bound(8, seconds=5),
        )
        yield _rollback(promptops, place, folder, units[0].name)


def _rollback(promptops: str, place: list[str], folder: Path, unit: str) -> Row:
    """From the same revision each time: what was rolled back is deployed again, unmeasured."""
    back = [promptops, "rollback", unit, *place]
    plain, forced = wall(back, folder), wall([*back, "--force"], folder)
    again = [promptops, "deploy", unit, *place]

    def measured(one: bool) -> float:
        with (folder / "manifests" / unit / "system.md").open("a", encoding="utf-8") as prompt:
            prompt.write("Once more.\n")
        commit(folder)
        output(again, folder)
        return plain() if one else forced()

    return Row(
        f"`promptops rollback` by the verdicts on {COUNT} units",
        "`promptops rollback --force`, which reads none",
        alternate(lambda: measured(True), lambda: measured(False), ROLLBACKS),
        Bound(1.5),
    )
