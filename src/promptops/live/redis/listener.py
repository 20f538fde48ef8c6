"""The hint of Redis: a channel that is listened to, and checked for being alive."""

import os
import random
import threading
import time
from functools import partial
from typing import Any

from promptops.errors import StoreUnreachable
from promptops.live.address import Address
from promptops.live.redis.connection import answer

SILENCE = 2.0
PONG_WITHIN = 1.0
SLICE = 0.25


class RedisListener:
    """The channel of hints over a connection of its own.

    A half-open connection loses messages for ever without an error, so silence is broken with our
    own PING, and a PONG that does not come in time raises StoreUnreachable. Only the time in which
    somebody waited here counts: a busy machine, or a poll that takes long, is no silence.
    """

    def __init__(self, connection: Any, address: Address, channel: str) -> None:
        """Subscribe; raises StoreUnreachable."""
        self._connection = connection
        self._address = address
        answer(address, lambda: _subscribe(connection, channel))
        self._heard = time.monotonic()
        # Not all at the same moment, because all heard the same hint before.
        self._patience = SILENCE * random.uniform(0.8, 1)  # noqa: S311
        self._asked = False
        self._waited = 0.0
        self._closed = False
        self._lost = ""
        self._waiting = threading.Lock()
        self._process = os.getpid()

    def wait(self, seconds: float) -> bool:
        # redis-py connects a lost connection again, without the subscription: for ever deaf.
        if self._lost:
            raise StoreUnreachable(self._lost)
        try:
            with self._waiting:
                return self._hears(time.monotonic() + seconds)
        except StoreUnreachable as error:
            self._lost = error.message
            raise
        finally:
            if self._closed:
                self._disconnect()

    def _hears(self, deadline: float) -> bool:
        while not self._closed:
            now = time.monotonic()
            if now >= deadline:
                return False
            patience = min(SLICE, deadline - now)
            if answer(self._address, partial(self._connection.can_read, timeout=patience)):
                message = answer(self._address, self._connection.read_response)
                self._heard, self._asked = time.monotonic(), False
                if message[0] == b"message":
                    return True
            else:
                self._check_pulse(patience)
        return False

    def _check_pulse(self, waited: float) -> None:
        """After nothing was heard for so many seconds."""
        if not self._asked and time.monotonic() - self._heard > self._patience:
            answer(self._address, lambda: self._connection.send_command("PING"))
            self._asked, self._waited = True, 0.0
        elif self._asked:
            self._waited += waited
            if self._waited >= PONG_WITHIN:
                raise StoreUnreachable("the channel of changes went silent")

    def close(self) -> None:
        self._closed = True
        self._disconnect()

    def _disconnect(self) -> None:
        """Now, or at the end of the `wait` that uses the connection. A forked child has no such
        `wait`, and the lock of its parent's.
        """
        if self._process != os.getpid():
            self._connection.disconnect()
        elif self._waiting.acquire(blocking=False):
            try:
                self._connection.disconnect()
            finally:
                self._waiting.release()


def _subscribe(connection: Any, channel: str) -> None:
    connection.connect()
    connection.send_command("SUBSCRIBE", channel)
    connection.read_response()
