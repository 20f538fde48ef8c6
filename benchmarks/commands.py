"""Commands as whole processes, against what Python needs for nothing, or for its imports."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import installed, python, wall
from benchmarks.rounds import alternate
from benchmarks.servers import redis_server
from benchmarks.table import Bound, Row
from benchmarks.unit import ENVIRONMENT, UNIT, deploy
from promptops.live.opening import open_store

ROUNDS = 31
MANIFEST = Path(__file__).parent.parent / "manifests" / "support-triage" / "manifest.yaml"


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as name:
        empty = Path(name)
        promptops = installed("promptops")
        yield _rollback(promptops, empty)
        nothing = python("pass", empty)
        yield Row(
            "`promptops --version`",
            "`python -c pass`",
            alternate(wall([promptops, "--version"], empty), nothing, ROUNDS),
            Bound(8),
        )
        yield Row(
            "`promptops validate` of one manifest",
            "`python -c pass`",
            alternate(wall([promptops, "validate", str(MANIFEST)], empty), nothing, ROUNDS),
            Bound(25),
        )


def _rollback(promptops: str, empty: Path) -> Row:
    with redis_server() as server:
        store = open_store(server.url, ENVIRONMENT)
        before = deploy(store, 0)
        number = 0
        command = [promptops, "rollback", UNIT, "--store", server.url, "--env", ENVIRONMENT]
        measure = wall(command, empty)

        def rollback() -> float:
            """Deploy something new, then time the way back from it."""
            nonlocal number
            number += 1
            deploy(store, number)
            taken = measure()
            if store.read().pointers[UNIT].digest != before:
                raise RuntimeError("promptops rollback did not go back")
            return taken

        measured = alternate(rollback, python("import click, redis", empty), ROUNDS)
        store.close()
        return Row(
            "`promptops rollback` on Redis, whole process",
            '`python -c "import click, redis"`',
            measured,
            Bound(2.5),
        )
