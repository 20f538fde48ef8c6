"""Patience with an end."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether it holds now or at some moment of the next seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
