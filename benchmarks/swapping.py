"""The swap of our Redis backend against the cheapest script that redis-py can run."""

import time
from collections.abc import Iterator

import redis

from benchmarks.rounds import alternate
from benchmarks.servers import redis_server
from benchmarks.table import Bound, Row
from benchmarks.unit import ENVIRONMENT, deploy, proposed, release, swapped
from promptops.live.moves import Proposal
from promptops.live.opening import open_store
from promptops.live.records import Head, State

ROUNDS = 3000


def rows() -> Iterator[Row]:
    """Single calls in turn: in a loop of one kind, a call takes 22 or 36 µs by whether the kernel
    has put client and server on one core, and that changes from minute to minute."""
    with redis_server() as server:
        store = open_store(server.url, ENVIRONMENT)
        deploy(store, 0)
        digests = [store.put(release(number)) for number in range(2)]
        steps = _steps(store.read(), digests)
        bare = redis.Redis(port=server.port)
        sha = bare.script_load("return 1")

        def swap() -> float:
            state, proposal = steps.pop()
            began = time.perf_counter()
            swapped(store, state, proposal)
            return time.perf_counter() - began

        def evalsha() -> float:
            began = time.perf_counter()
            bare.evalsha(sha, 0)
            return time.perf_counter() - began

        measured = alternate(swap, evalsha, ROUNDS)
        yield Row("swap on Redis", "redis-py, `EVALSHA` of `return 1`", measured, Bound(2.5))
        bare.close()
        store.close()


def _steps(state: State, digests: list[str]) -> list[tuple[State, Proposal]]:
    """Every deployment of the run, the last one first, decided before the clock starts."""
    steps = []
    for _ in range(ROUNDS + 1):
        head = state.head or Head(1, 0)
        proposal = proposed(state, digests[head.revision % 2])
        steps.append((state, proposal))
        state = State(Head(head.epoch, head.revision + 1), proposal.pointers)
    return steps[::-1]
