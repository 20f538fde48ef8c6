"""Wait for what another thread or process does."""

import time
from collections.abc import Callable, Sized

from promptops import Client

PATIENCE = 15.0


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> float:
    """Look until the condition holds, and return the monotonic time at which it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so within {seconds:g} s"
        time.sleep(0.001)
    return time.monotonic()


def until_served(client: Client, revision: int, seconds: float = PATIENCE) -> float:
    """The monotonic time at which the client served the environment's revision."""
    return until(lambda: client.status().revision == revision, seconds)


def until_refused(client: Client, times: int) -> None:
    """Wait for so many more polls that ended in an error."""
    before = client.status().errors
    until(lambda: client.status().errors >= before + times)


def until_polled(client: Client, times: int) -> None:
    """Wait for so many more polls that the store answered."""
    for _ in range(times):
        before = client._refresher.checked
        until(lambda before=before: client._refresher.checked != before)  # type: ignore[misc]


def until_count(things: Sized, count: int) -> None:
    until(lambda: len(things) == count)
