"""Ten thousand units of 2 KB in one environment: the start, one change, and the memory."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.occupying import bare, resident
from benchmarks.processes import ENVIRON, ROOT
from benchmarks.rounds import Rounds
from benchmarks.servers import redis_server
from benchmarks.table import Bound, Row, size
from benchmarks.unit import ENVIRONMENT, UNIT, deploy_many, proposed, release, swapped
from promptops.client.keeping import SAVE_EVERY
from promptops.live.opening import open_store
from promptops.live.store import Store

FEW, MANY = 3, 10_000
STARTS = 3
CHANGES = 31
KEPT = 15
READY_WITHIN = 3.0


def rows() -> Iterator[Row]:
    with TemporaryDirectory() as name:
        few, many = (f"sqlite:///{Path(name)}/{count}.db" for count in (FEW, MANY))
        yield from _rows("SQLite", few, many)
        yield _kept(few, many, Path(name))
    with redis_server() as small, redis_server() as large:
        yield from _rows("Redis", small.url, large.url)


def _rows(kind: str, few: str, many: str) -> Iterator[Row]:
    small, large = open_store(few, ENVIRONMENT), open_store(many, ENVIRONMENT)
    deploy_many(small, FEW)
    written = deploy_many(large, MANY)
    starts, used = zip(*(_start(many) for _ in range(STARTS)), strict=True)
    with _follower(few) as one, _follower(many) as other:
        pairs = [
            (_change(large, other, number), _change(small, one, number))
            for number in range(CHANGES)
        ]
    small.close()
    large.close()
    units = f"{kind}, {MANY:,} units of 2 KB"
    yield Row(
        f"start of a client process on {units}",
        "the bound",
        Rounds(starts, (READY_WITHIN,) * STARTS),
        Bound(1),
        every=True,
    )
    yield Row(
        f"memory that it adds to a process on {units}",
        "their releases as bytes",
        Rounds(used, (written,) * STARTS),
        None,
        said=size,
    )
    for figure, what in enumerate(("one swap → served", "processor time of a client per swap")):
        ours, theirs = (tuple(pair[side][figure] for pair in pairs) for side in (0, 1))
        yield Row(f"{what} on {units}", f"among {FEW} units", Rounds(ours, theirs), Bound(5))


def _kept(few: str, many: str, folder: Path) -> Row:
    """With a copy on disk that follows every change."""
    small, large = open_store(few, ENVIRONMENT), open_store(many, ENVIRONMENT)
    caches = folder / "few", folder / "many"
    with _follower(few, caches[0]) as one, _follower(many, caches[1]) as other:
        pairs = [
            (_change(large, other, number, caches[1])[1], _change(small, one, number, caches[0])[1])
            for number in range(CHANGES, CHANGES + KEPT)
        ]
    small.close()
    large.close()
    return Row(
        f"processor time of a client with `cache=` per swap on SQLite, {MANY:,} units of 2 KB",
        f"among {FEW} units",
        Rounds(*zip(*pairs, strict=True)),
        Bound(5),
    )


def _start(url: str) -> tuple[float, float]:
    """Seconds that a client process needs until it serves, and the bytes it has for it then."""
    began = time.monotonic()
    with _follower(url) as process:
        taken = time.monotonic() - began
        time.sleep(0.5)  # let its threads come to rest
        return taken, resident(process.pid) - bare()


def _change(
    store: Store, process: "subprocess.Popen[str]", number: int, cache: Path | None = None
) -> tuple[float, float]:
    """Seconds from one swap until a client process serves it, and of its work for it.

    To its work belongs the copy in `cache`, which it saves once a second at most.
    """
    time.sleep(SAVE_EVERY if cache else 0)
    copy = _copy(cache)
    digest = store.put(release(number))
    state = store.read()
    proposal = proposed(state, digest)
    before = _worked(process)
    sent = time.monotonic()
    swapped(store, state, proposal)
    served = _said(process, digest)
    while cache and _copy(cache) == copy:
        time.sleep(0.01)
    time.sleep(0.05)  # let it finish what it does after serving
    return served - sent, _worked(process) - before


def _copy(cache: Path | None) -> object:
    """Another one whenever it was written."""
    while cache and not list(cache.glob("*.copy")):
        time.sleep(0.01)
    files = cache.glob("*.copy") if cache else ()
    return [(facts.st_ino, facts.st_size) for facts in map(Path.stat, files)]


def _worked(process: "subprocess.Popen[str]") -> float:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    print(file=process.stdin, flush=True)
    return _said(process, "worked")


def _said(process: "subprocess.Popen[str]", what: str) -> float:
    """The seconds in the first of its lines that are about this."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    for line in process.stdout:
        if line.split()[1] == what:
            return float(line.split()[2])
    raise RuntimeError("the client process ended")


@contextmanager
def _follower(url: str, cache: Path | None = None) -> Iterator["subprocess.Popen[str]"]:
    """A client process that serves already."""
    command = [sys.executable, "-m", "benchmarks.follower", url, ENVIRONMENT, UNIT]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=ENVIRON | ({"PROMPTOPS_CACHE": str(cache)} if cache else {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        _worked(process)
        yield process
