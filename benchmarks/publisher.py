"""A publisher beside an app: for every line of its standard input, so many changes at 100 a second.

Run as `python -m benchmarks.publisher URL ENVIRONMENT`; answers each line when it is done.
"""

import sys
import time

from benchmarks.unit import proposed, release, swapped
from promptops.live.opening import open_store

PER_SECOND = 100


def publish(url: str, environment: str) -> None:
    store = open_store(url, environment)
    digests = [store.put(release(number)) for number in range(1, 3)]
    live = 0
    print("ready", flush=True)
    for line in sys.stdin:
        due = time.monotonic()
        for _ in range(int(line)):
            live = 1 - live
            state = store.read()
            swapped(store, state, proposed(state, digests[live]))
            due += 1 / PER_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
        print("done", flush=True)


if __name__ == "__main__":
    publish(*sys.argv[1:])
