"""`get` in eight threads of an app, while another process changes what is live."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter_ns

from benchmarks.processes import ENVIRON, ROOT
from benchmarks.publisher import PER_SECOND
from benchmarks.reading import ready_client
from benchmarks.rounds import Rounds
from benchmarks.table import Bound, Row
from benchmarks.unit import ENVIRONMENT, UNIT
from promptops import Client

THREADS = 8
ROUNDS = 7
BURST = 100
REST = 0.002
MOST = 50e-6


def rows() -> Iterator[Row]:
    changing, still = [], []
    with ready_client() as (client, url), _publisher(url) as publisher:
        _window(client)
        for _ in range(ROUNDS):
            changing.append(_while_changing(client, publisher))
            still.append(_window(client))
    what = f"`client.get(unit)` in {THREADS} threads, {PER_SECOND} changes a second"
    slow, rare = zip(*changing, strict=True)
    yield Row(
        f"{what}, p99",
        "the same without changes",
        Rounds(slow, tuple(window[0] for window in still)),
        Bound(2),
    )
    yield Row(f"{what}, p99.9", "the bound", Rounds(rare, (MOST,) * ROUNDS), Bound(1), every=True)


def _while_changing(client: Client, publisher: "subprocess.Popen[str]") -> tuple[float, float]:
    assert publisher.stdin is not None  # noqa: S101 - both are pipes
    assert publisher.stdout is not None  # noqa: S101
    before = client.status().revision or 0
    print(PER_SECOND, file=publisher.stdin, flush=True)
    found = _window(client)
    publisher.stdout.readline()
    if (client.status().revision or 0) < before + PER_SECOND / 2:
        raise RuntimeError("the client did not follow the changes")
    return found


def _window(client: Client) -> tuple[float, float]:
    """The 99th and the 99.9th percentile of single calls, by the clock on the wall, in a second."""
    taken: list[int] = []
    until = time.monotonic() + 1

    def read() -> None:
        get = client.get
        mine = []
        while time.monotonic() < until:
            for _ in range(BURST):
                began = perf_counter_ns()
                get(UNIT)
                mine.append(perf_counter_ns() - began)
            time.sleep(REST)
        taken.extend(mine)

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.sort()
    return taken[len(taken) * 99 // 100] / 1e9, taken[len(taken) * 999 // 1000] / 1e9


@contextmanager
def _publisher(url: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "benchmarks.publisher", url, ENVIRONMENT]
    with subprocess.Popen(
        command, cwd=ROOT, env=ENVIRON, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the publisher did not start")
        yield process
