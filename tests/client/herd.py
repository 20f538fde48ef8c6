"""Hundreds of apps in processes of their own, forked from a warm parent that has no client yet."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

# Every child says at once what it serves, with the time: the clock is one for all processes.
_HERD = """
import gc, logging, os, sys, time
import promptops.live.redis.store
from promptops import Client

url, count, hint = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "hint"
logging.getLogger("promptops").disabled = True
gc.freeze()
children = []
for number in range(count):
    child = os.fork()
    if child == 0:
        client = Client(url, environment="production", app=f"app-{number}", hint=hint)

        def say(_=None):
            live = client.get("greeter")
            line = f"{number} {live.digest} {time.monotonic()}\\n"
            os.write(1, line.encode())

        client.wait_ready(60)
        client.on_change(say)
        say()
        os.read(0, 1)
        client.close()
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
"""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How long after a moment the clients served a release, in seconds."""

    median: float
    p99: float
    last: float

    @classmethod
    def of(cls, times: list[float]) -> Self:
        ordered = sorted(times)
        return cls(ordered[len(ordered) // 2], ordered[int(0.99 * (len(ordered) - 1))], ordered[-1])


class Herd:
    """`count` apps, all ready when `with` begins and gone when it ends."""

    def __init__(self, url: str, count: int, *, hint: bool = True) -> None:
        self.count = count
        self._serves: dict[int, tuple[str, float]] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _HERD, url, str(count), "hint" if hint else "no"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()

    def __enter__(self) -> Self:
        self._until(lambda: len(self._serves) == self.count, 60, "ready")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._listening.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def arrival(self, digest: str, since: float, seconds: float = 60) -> Arrival:
        """Wait until all serve it, and say how long after `since` that was."""

        def all_serve_it() -> bool:
            return all(served == digest for served, _ in list(self._serves.values()))

        self._until(all_serve_it, seconds, digest)
        return Arrival.of([at - since for _, at in self._serves.values()])

    def _until(self, holds: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert self._process.poll() is None, "the apps have died"
            assert time.monotonic() < deadline, f"not all are {what} after {seconds:g} s"
            time.sleep(0.01)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            number, digest, at = line.split()
            self._serves[int(number)] = (digest.decode(), float(at))
