"""The processes of a drill: apps with a client, and commands that move the scratch environment.

What they need goes to them over their standard input, because an address may hold a password, and
other users see the arguments of a process. They end with it, also when the drill is killed.
"""

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from promptops.delivery.undisturbed import undisturbed
from promptops.errors import OutcomeUnknown, PromptopsError
from promptops.live.address import Address
from promptops.live.moves import Intent
from promptops.live.records import Head

APP = "promptops-drill"
TIME_TO_END = 5.0

Process = subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Order:
    """What to do in an environment: make `wanted` (unit → digest) live, or roll `units` back."""

    address: Address
    environment: str
    intent: Intent
    wanted: Mapping[str, str] | None
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """What a command did: the new head, what is live now of what it moved, when it swapped."""

    head: Head
    live: Mapping[str, str]
    swapped: float


@contextmanager
def clients(address: Address, environment: str, count: int) -> Iterator[list[Process]]:
    """So many apps, each a process of its own; none is left at the end."""
    running: list[Process] = []
    try:
        for _ in range(count):
            with undisturbed():
                running.append(_start("client", stdout=subprocess.DEVNULL))
            _tell(running[-1], (address, environment))
        yield running
    finally:
        with undisturbed():
            _end(running)


def move(order: Order, seconds: float) -> Moved:
    """Carried out by a process of its own, as a command is. Raises what it ran into."""
    with undisturbed():
        process = _start("move", stdout=subprocess.PIPE)
    try:
        said, _ = process.communicate(pickle.dumps(order), seconds)
    except subprocess.TimeoutExpired as error:
        raise OutcomeUnknown(f"a command of the drill did not end in {seconds:g} s") from error
    finally:
        with undisturbed():
            _end([process])
    if process.returncode:
        raise OutcomeUnknown(f"a command of the drill ended with {process.returncode}")
    answer = pickle.loads(said)  # noqa: S301 - written by a process of our own
    if isinstance(answer, PromptopsError):
        raise answer
    return _moved(answer)


def _moved(answer: object) -> Moved:
    if not isinstance(answer, Moved):
        raise OutcomeUnknown("a command of the drill changed nothing")
    return answer


def _start(name: str, stdout: int) -> Process:
    # Settings of apps on this machine, a pin or a cache, are not for the apps of a drill.
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PROMPTOPS")}
    return subprocess.Popen(
        # -P: a folder where somebody types commands is no place to import from.
        [sys.executable, "-P", "-m", f"promptops.delivery.drill.{name}"],
        env=variables,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=None if os.environ.get("PROMPTOPS_DEBUG") else subprocess.DEVNULL,
        start_new_session=True,
    )


def _tell(process: Process, facts: Any) -> None:
    assert process.stdin is not None  # noqa: S101 - it was asked for above
    with suppress(BrokenPipeError):  # it has ended, which is seen by its silence
        process.stdin.write(pickle.dumps(facts))
        process.stdin.flush()


def _end(running: list[Process]) -> None:
    """All at once, then each: who does not leave by itself is killed, and cannot write any more."""
    for process in running:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
    until = time.monotonic() + TIME_TO_END
    for process in running:
        try:
            process.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
