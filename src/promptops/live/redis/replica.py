"""What is known of replicas: whether the server that answers is one that lost its primary, and says
what may be old; how many have what was written.

Nothing else tells the first: such a replica answers as it did before, and no hint comes for what it
misses.
"""

import time
from typing import Any

import redis

from promptops.errors import StoreError
from promptops.live.address import Address
from promptops.live.redis.connection import answer, call
from promptops.live.store import REPLICAS_WITHIN, Replicas

ASK_EVERY = 10


class Role:
    """What ROLE says: asked at every tenth read, every one of a replica, never after a refusal."""

    def __init__(self) -> None:
        self._reads = 0
        self._replica = False
        self._permitted = True

    def lost_its_primary(self, connection: Any) -> bool:
        """False also where nobody may ask."""
        due = self._replica or self._reads % ASK_EVERY == 0
        self._reads += 1
        if not (due and self._permitted):
            return False
        try:
            said = call(connection, "ROLE")
        except redis.ResponseError:
            self._permitted = False
            return False
        self._replica = said[0] == b"slave"
        return self._replica and said[3] != b"connected"


def confirmed_by(asked: int, address: Address, connection: Any) -> Replicas:
    """How many replicas have what this very connection wrote: WAIT knows of no other.

    Raises nothing: what was written stands, whatever becomes of the question.
    """
    began = time.monotonic()
    confirmed, why = None, ""
    try:
        milliseconds = round(REPLICAS_WITHIN * 1000)
        confirmed = answer(address, lambda: call(connection, "WAIT", asked, milliseconds))
    except StoreError as error:
        why = error.message
    return Replicas(asked, confirmed, time.monotonic() - began, why)
