"""Event loops and clocks of an app: neither disturbs a client, nor does it disturb them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from promptops.live.store import Store
from tests.deployments import deploy

# An event loop that does nothing but look how late it is woken, in three rounds: by the clock, and
# by the processor time that the client's thread took meanwhile, to which no other process adds.
LOOP = """
import asyncio, sys, time
from promptops import Client

def others():
    return time.process_time() - time.thread_time()

async def main():
    client = await Client(sys.argv[1], environment="production", poll=0.2).ready()
    print("ready", flush=True)
    for _ in range(3):
        gaps, taken, seen, until = [], [], set(), time.monotonic() + 1
        before, used = time.perf_counter(), others()
        while time.monotonic() < until:
            await asyncio.sleep(0.001)
            now, by_now = time.perf_counter(), others()
            gaps.append(now - before)
            taken.append(by_now - used)
            before, used = now, by_now
            seen.add(client.get("greeter").revision)
        print(sorted(gaps)[-len(gaps) // 50], max(taken), len(seen), flush=True)

asyncio.run(main())
"""
# Somebody sets the clock of the machine forth and back.
CLOCK = """
import sys, time
real, offset = time.time, 0.0
time.time = lambda: real() + offset
time.time_ns = lambda: int((real() + offset) * 1e9)
from promptops import Client
client = Client(sys.argv[1], environment="production", cache=sys.argv[2], poll=0.5)
client.wait_ready(20)
print("ready", flush=True)
for line in sys.stdin:
    wanted, offset = int(line.split()[0]), float(line.split()[1])
    until = time.monotonic() + 20
    while client.get("greeter").revision < wanted and time.monotonic() < until:
        time.sleep(0.001)
    served = time.monotonic()
    time.sleep(0.6)  # once more round, under the clock that it is now
    status = client.status()
    print(served, status.state, status.age < 2, status.errors, status.restarts, flush=True)
"""
DAY = 86_400


@contextmanager
def app(program: str, *arguments: str) -> Iterator[tuple[IO[str], IO[str]]]:
    """What a program reads and says, once it is ready."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", program, *arguments], stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process.stdin, process.stdout
        process.stdin.close()


def test_an_event_loop_is_not_held_up_while_changes_arrive(store: Store, store_url: str) -> None:
    deploy(store, greeter="Hello")
    with app(LOOP, store_url) as (_, said):
        until = time.monotonic() + 3
        number = 0
        while time.monotonic() < until:
            number += 1
            deploy(store, greeter=f"Hello {number} " + "x" * 20_000)
            time.sleep(0.02)
        rounds = [line.split() for line in said]
    gaps, taken, seen = zip(*rounds, strict=True)
    # Some fifty changes come among less than a thousand turns, so each of them is in the slowest
    # two per cent; in the best round no other process is in the way.
    assert min(map(float, gaps)) <= 0.02
    assert max(map(float, taken)) <= 0.02
    assert all(int(each) > 10 for each in seen)


def test_a_clock_that_is_set_forth_or_back_by_a_day_changes_nothing(
    store: Store, store_url: str, tmp_path: object
) -> None:
    deploy(store, greeter="Hello")
    with app(CLOCK, store_url, f"{tmp_path}/cache") as (told, said):
        for number, offset in enumerate((DAY, -DAY, 0, -DAY, DAY), start=2):
            told.write(f"{number} {offset}\n")
            told.flush()
            time.sleep(0.1)
            swapped = time.monotonic()
            deploy(store, greeter=f"Hello {number}")
            served, *how = said.readline().split()
            assert float(served) - swapped <= 0.5 + 1
            assert how == ["READY", "True", "0", "0"]
