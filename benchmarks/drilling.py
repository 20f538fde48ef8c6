"""The drill as one types it, and the way back as it measures it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.processes import installed, output
from benchmarks.rounds import Rounds
from benchmarks.servers import redis_server
from benchmarks.table import Bound, Row
from benchmarks.unit import ENVIRONMENT, deploy
from promptops.live.opening import open_store

CLIENTS = 20
ROUNDS = 5
WHOLE = 30.0
BACK = 5.0


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as empty, redis_server() as server:
        store = open_store(server.url, ENVIRONMENT)
        deploy(store, 0)
        deploy(store, 1)
        store.close()
        drills = [_drill(server.url, Path(empty)) for _ in range(ROUNDS)]
    lasted, back = zip(*drills, strict=True)
    yield Row(
        f"`promptops rehearse --drill` with {CLIENTS} client processes (Redis), whole process",
        "the bound",
        Rounds(lasted, (WHOLE,) * ROUNDS),
        Bound(1),
        every=True,
    )
    yield Row(
        f"the way back in it: start of the command → the last of {CLIENTS} clients",
        "the bound",
        Rounds(back, (BACK,) * ROUNDS),
        Bound(1),
        every=True,
    )


def _drill(url: str, folder: Path) -> tuple[float, float]:
    """Seconds of the whole drill, and of the way back in it."""
    place = ("--env", ENVIRONMENT, "--store", url)
    command = [installed("promptops"), "rehearse", "--drill", "--clients", str(CLIENTS), *place]
    started = time.monotonic()
    said = output([*command, "--yes", "-o", "json"], folder)
    return time.monotonic() - started, float(json.loads(said)["back_seconds"])
