"""How long after a swap many client processes on this machine serve the new release."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.processes import ENVIRON, ROOT
from benchmarks.rounds import Rounds
from benchmarks.servers import redis_server
from benchmarks.table import Bound, Row
from benchmarks.unit import ENVIRONMENT, UNIT, deploy, proposed, release, swapped
from promptops.live.opening import open_store
from promptops.live.store import Store
from tests.servers import Server

CLIENTS = 50
SWAPS = 30
POLL = 2.0  # the client's default
PATIENCE = 60.0


def rows() -> Iterator[Row]:
    with redis_server() as server:
        store = open_store(server.url, ENVIRONMENT)
        live = deploy(store, 0)
        with followers(server.url) as reports:
            reports.when_served(live)
            _await_subscriptions(server)
            slowest = tuple(_slowest(store, reports, number) for number in range(1, SWAPS + 1))
        store.close()
    yield Row(
        f"swap → the slowest of {CLIENTS} client processes serves it (Redis, hint)",
        "one poll interval",
        Rounds(slowest, (POLL,) * SWAPS),
        Bound(0.25),
        every=True,
    )


def _slowest(store: Store, reports: "Reports", number: int) -> float:
    """Seconds from sending one swap until the last client serves it."""
    digest = store.put(release(number))
    state = store.read()
    proposal = proposed(state, digest)
    time.sleep(0.4)  # let them come to rest after the swap before
    sent = time.monotonic()
    swapped(store, state, proposal)
    return max(reports.when_served(digest)) - sent


class Reports:
    """What the followers write into one pipe: `process digest time`, line by line."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._rest = ""

    def when_served(self, digest: str) -> list[float]:
        """The monotonic times at which all of the processes first served a digest."""
        until = time.monotonic() + PATIENCE
        served: dict[str, float] = {}
        while len(served) < CLIENTS:
            for process, found, at in self._next(until):
                if found == digest:
                    served.setdefault(process, float(at))
        return list(served.values())

    def _next(self, until: float) -> Iterator[list[str]]:
        if not select.select([self._pipe], [], [], max(0.0, until - time.monotonic()))[0]:
            raise RuntimeError(f"not every client serves the release after {PATIENCE:g} s")
        *lines, self._rest = (self._rest + os.read(self._pipe, 1 << 16).decode()).split("\n")
        yield from (line.split() for line in lines)


@contextmanager
def followers(url: str) -> Iterator[Reports]:
    """The client processes; they end when their standard input does."""
    readable, writable = os.pipe()
    command = [sys.executable, "-m", "benchmarks.follower", url, ENVIRONMENT, UNIT]
    with ExitStack() as stack:
        stack.callback(os.close, readable)
        try:
            for _ in range(CLIENTS):
                # Leaving a Popen closes its input and waits for its end.
                stack.enter_context(
                    subprocess.Popen(
                        command, cwd=ROOT, env=ENVIRON, stdin=subprocess.PIPE, stdout=writable
                    )
                )
        finally:
            os.close(writable)
        yield Reports(readable)


def _await_subscriptions(server: Server) -> None:
    """Until every client listens to the channel of hints."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        channels = server.ask("PUBSUB", "CHANNELS")
        if channels and sum(server.ask("PUBSUB", "NUMSUB", *channels)[1::2]) == CLIENTS:
            return
        time.sleep(0.05)
    raise RuntimeError("not every client listens to the channel of hints")
