"""An app in a process of its own, which serves what is live in production until it is ended."""

import os
import signal
import subprocess
import sys
import time

from promptops.live.presence import Presence
from promptops.live.store import Store

_APP = """
import sys
from promptops import Client

with Client(sys.argv[1], environment="production", app=sys.argv[2]) as client:
    client.wait_ready(10)
    sys.stdin.read()
"""


class App:
    def __init__(self, url: str, name: str, **variables: str) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, "-c", _APP, url, name],
            stdin=subprocess.PIPE,
            env={**os.environ, **variables},
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_present(self, store: Store) -> Presence:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for client in store.clients():
                if client.pid == self.pid and client.revision:
                    return client
            time.sleep(0.01)
        raise AssertionError(f"{self.name} does not serve after 10 s")

    def stop(self) -> None:
        """Hang it."""
        self._process.send_signal(signal.SIGSTOP)

    def end(self) -> None:
        self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
