"""An app that asks for its prompt all the time, whatever happens meanwhile."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from promptops import Client

READS_AT_ONCE = 100


@contextmanager
def reading_all_the_time(client: Client) -> Iterator[list[float]]:
    """Seconds that a `get` of greeter takes; none may fail, or give another release."""
    live = client.get("greeter").digest
    seconds: list[float] = []
    wrong: list[object] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                began = time.perf_counter()
                for _ in range(READS_AT_ONCE):
                    found = client.get("greeter")
                seconds.append((time.perf_counter() - began) / READS_AT_ONCE)
                if found.digest != live or not found.request()["messages"]:
                    wrong.append(found)
            except Exception as error:  # noqa: BLE001 - the point is that there is none
                wrong.append(error)
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seconds
    finally:
        stop.set()
        reader.join()
    assert wrong == []
