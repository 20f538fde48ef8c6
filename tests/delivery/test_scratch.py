"""Who may have the scratch environment of a drill: one, in whatever order two reach for it."""

import itertools
import threading
from typing import Any

from promptops.delivery.drill.scratch import Scratch
from promptops.errors import Refused
from promptops.live.address import SCRATCH
from promptops.live.store import Store
from promptops.testing import MemoryStore

STEPS = 5  # announced, looked, removed what was left, announced, looked


class InTurn(threading.Thread):
    """One that takes the scratch environment of a store, each step when it is told to."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.took = False
        self._store = store
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self.start()

    def step(self) -> None:
        self._turn.release()
        self._done.acquire()

    def run(self) -> None:
        try:
            Scratch(self).take()
            self.took = True
        except Refused:
            pass
        finally:
            self._done.release(STEPS)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return found

        def in_turn(*arguments: object) -> object:
            self._turn.acquire()
            try:
                return found(*arguments)
            finally:
                self._done.release()

        return in_turn


def test_of_two_at_once_one_at_most_takes_it() -> None:
    took = []
    for first in itertools.combinations(range(2 * STEPS), STEPS):
        store = MemoryStore(environment="production")
        store.environment += SCRATCH
        both = [InTurn(store), InTurn(store)]
        for number in range(2 * STEPS):
            both[number not in first].step()
        for each in both:
            each.join()
        took.append(sum(each.took for each in both))
        store.forget()
    assert set(took) == {0, 1}
