"""What the pytest fixture `prompts` is."""

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from os import PathLike
from typing import Any, Self

from promptops.client.client import Client
from promptops.client.live import LiveRelease
from promptops.testing.memory import MemoryStore
from promptops.testing.pin import pinned
from promptops.testing.record import Call, recording


class Prompts:
    """Pins until the test ends, everything that was rendered in it, and a store of its own.

    An app that makes its client from the environment in the test follows that store.
    """

    calls: list[Call]

    def __init__(self) -> None:
        self.store = MemoryStore()
        self._until_the_end = ExitStack()

    def pin(
        self,
        unit: str,
        *,
        text: str | None = None,
        file: str | PathLike[str] | None = None,
        release: bytes | Mapping[str, Any] | LiveRelease | None = None,
        environment: str = "",
    ) -> LiveRelease:
        """`pinned` until the end of the test."""
        pin = pinned(unit, text=text, file=file, release=release, environment=environment)
        return self._until_the_end.enter_context(pin)

    def client(self, inputs: Mapping[str, Iterable[str]] | None = None) -> Client:
        """A client of `store`, ready when something was deployed to it."""
        where = self.store.environment
        client = Client(self.store.url, environment=where, app="test", inputs=inputs, poll=0.05)
        self._until_the_end.enter_context(client)
        if self.store.read().head is not None:
            client.wait_ready(5)
        return client

    def _set(self, variable: str, value: str) -> None:
        before = os.environ.get(variable)
        os.environ[variable] = value
        if before is None:
            self._until_the_end.callback(os.environ.pop, variable, None)
        else:
            self._until_the_end.callback(os.environ.__setitem__, variable, before)

    def __enter__(self) -> Self:
        self._until_the_end.callback(self.store.forget)
        self._set("PROMPTOPS_STORE", self.store.url)
        self._set("PROMPTOPS_ENV", self.store.environment)
        self.calls = self._until_the_end.enter_context(recording())
        return self

    def __exit__(self, *exception: object) -> None:
        self._until_the_end.close()
