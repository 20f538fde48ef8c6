"""A bounded load of requests over connections that are kept, and what the answers say."""

import json
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from typing import Any, Self

PATIENCE = 5.0


class Load:
    """Asks each worker over `lines` connections, `rate` times a second over each, until closed.

    `seconds` has how long each answer took, `failed` what went wrong, `first` when a worker first
    served a revision, by the monotonic clock. `objection` says what is wrong with an answer.
    """

    def __init__(
        self,
        port: int,
        workers: Collection[int],
        objection: Callable[[Mapping[str, Any]], str],
        lines: int = 2,
        rate: float = 25.0,
    ) -> None:
        self.seconds: list[float] = []
        self.failed: list[str] = []
        self.first: dict[tuple[int, int], float] = {}
        self._port = port
        self._workers = workers
        self._objection = objection
        self._lines = lines
        self._rate = rate
        self._closing = threading.Event()
        self._exit = ExitStack()

    def __enter__(self) -> Self:
        for line in self._lines_to_each():
            thread = threading.Thread(target=self._ask_again_and_again, args=(line,))
            thread.start()
            self._exit.callback(line.close)
            self._exit.callback(thread.join)
        self._exit.callback(self._closing.set)
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def await_served(self, revision: int, until: float) -> dict[int, float]:
        """When each worker first served it; those that did not by then are missing."""
        while True:
            first = {pid: self.first.get((pid, revision), math.inf) for pid in self._workers}
            served = {pid: at for pid, at in first.items() if at <= until}
            if len(served) == len(first) or time.monotonic() > until:
                return served
            time.sleep(0.005)

    def _lines_to_each(self) -> list[HTTPConnection]:
        """Which worker takes a connection is chance, so try until everyone has enough."""
        found: dict[int, list[HTTPConnection]] = {pid: [] for pid in self._workers}
        while any(len(lines) < self._lines for lines in found.values()):
            line = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
            lines = found[self._ask(line)["worker"]]
            if len(lines) < self._lines:
                lines.append(line)
            else:
                line.close()
        return [line for lines in found.values() for line in lines]

    def _ask_again_and_again(self, line: HTTPConnection) -> None:
        newest = 0
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                newest = self._note(self._ask(line), began, newest)
            except (OSError, HTTPException, ValueError, LookupError) as error:
                self.failed.append(f"{type(error).__name__}: {error}")
                line.close()  # the next request opens it again
            self._closing.wait(max(0.0, began + 1 / self._rate - time.monotonic()))

    def _note(self, answer: Mapping[str, Any], began: float, newest: int) -> int:
        """The revision of an answer; raises ValueError when something is wrong with it."""
        now, revision = time.monotonic(), int(answer["revision"])
        self.seconds.append(now - began)
        self.first.setdefault((answer["worker"], revision), now)
        if objection := self._objection(answer):
            raise ValueError(objection)
        if revision < newest:
            raise ValueError(f"revision {revision} after {newest}")
        return revision

    @staticmethod
    def _ask(line: HTTPConnection) -> Any:
        line.request("GET", "/")
        answer = line.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(f"{answer.status} {body[:200]!r}")
        return json.loads(body)
