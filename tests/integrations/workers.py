"""Real worker processes under gunicorn, and which sockets processes have in common."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
POLL = 1.0
LISTENS = "0A"


@dataclass(frozen=True, slots=True)
class Workers:
    """A running app: its port, the master's process and those of the workers."""

    port: int
    master: int
    pids: frozenset[int]


@contextmanager
def under_gunicorn(
    app: str, number: int, log: Path, variables: Mapping[str, str]
) -> Iterator[Workers]:
    """The app under `gunicorn --preload` with uvicorn workers, until all of them have started."""
    command = [sys.executable, "-m", "gunicorn", app, "--preload", "--workers", str(number)]
    command += ["--worker-class", "uvicorn_worker.UvicornWorker", "--bind", "127.0.0.1:0"]
    # As behind a proxy, which keeps connections: with 2 s a busy machine would lose requests.
    command += ["--keep-alive", "30"]
    with log.open("w") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, cwd=ROOT, env={**os.environ, **variables}
        )
    try:
        started = "Application startup complete"
        assert eventually(lambda: log.read_text().count(started) == number, 30), log.read_text()
        listening = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", log.read_text())
        assert listening is not None, log.read_text()
        yield Workers(int(listening[1]), process.pid, children(process.pid))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def children(pid: int) -> frozenset[int]:
    return frozenset(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def connections(pid: int) -> set[str]:
    """The inodes of a process' sockets, without those on which it only listens."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except FileNotFoundError:  # closed meanwhile
            continue
        if target.startswith("socket:"):
            found.add(target.removeprefix("socket:[").removesuffix("]"))
    return found - _listening()


def _listening() -> set[str]:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {line[9] for line in lines if line[3] == LISTENS}
