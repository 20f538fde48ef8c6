"""promptops with a person at a terminal, who reads what it asks and answers once."""

import os
import pty
import select
import signal
import subprocess
import time

from tests.cli.projects import PROMPTOPS, Ended, Project

QUESTION = b"go on? [y/N] "


class Terminal:
    """A command whose standard streams are a pseudo-terminal; `seen` is what it shows."""

    def __init__(self, project: Project, *arguments: str, **variables: str) -> None:
        self._ours, theirs = pty.openpty()
        self.seen = b""
        self._process = subprocess.Popen(
            [PROMPTOPS, *arguments],
            cwd=project.root,
            env=project.variables | {"TERM": "dumb"} | variables,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def until_asked(self) -> "Terminal":
        while QUESTION not in self.seen:
            assert self._more(20), self.seen.decode()
        return self

    def answer(self, keys: str) -> Ended:
        os.write(self._ours, keys.encode())
        return self.end()

    def kill(self, number: signal.Signals) -> Ended:
        self._process.send_signal(number)
        return self.end()

    def end(self) -> Ended:
        while self._more(20):
            pass
        os.close(self._ours)
        code = self._process.wait(20)
        return Ended(code, self.seen.decode().replace("\r\n", "\n"), "")

    def _more(self, seconds: float) -> bool:
        """Read on; False at the end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not select.select([self._ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(self._ours, 1 << 16)
            except OSError:  # the other end is closed
                return False
            self.seen += part
            return bool(part)
        raise AssertionError(f"silent for {seconds} s: {self.seen.decode()}")
