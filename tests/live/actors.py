"""What other processes do in these tests."""

import os
import resource
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from promptops.live import moves
from promptops.live.opening import open_store
from promptops.live.records import Entry, Head, Pointer, State
from promptops.live.store import CLIENT, Store, Swap
from tests.deployments import intent, release


def wait_until(moment: float) -> None:
    """`moment` is of time.monotonic(), which all processes of a machine share."""
    while time.monotonic() < moment:
        time.sleep(0)


def swap_at(
    url: str, moment: float, expected: Head | None, entry: Entry, pointers: Mapping[str, Pointer]
) -> tuple[Swap, str]:
    """How the swap ended, and which operation then stands at the end of the history."""
    store = open_store(url, "production")
    store.read()
    wait_until(moment)
    swap = store.swap(expected, entry, pointers)
    newest = store.history(limit=1)[0].operation
    store.close()
    return swap, newest


def deploy_often(url: str, unit: str, times: int, moment: float) -> list[int]:
    """The revisions that this process won, each after as many tries as it took."""
    store = open_store(url, "production")
    digests = [store.put(release(unit, text)) for text in ("Good morning", "Good evening")]
    wait_until(moment)
    won: list[int] = []
    state = store.read()
    while len(won) < times:
        live = state.pointers.get(unit)
        wanted = {unit: digests[live is not None and live.digest == digests[0]]}
        proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
        assert proposal.entry is not None
        last = store.history(limit=1)
        entry = replace(proposal.entry, previous=last[0].link if last else "")
        swap = store.swap(state.head, entry, proposal.pointers)
        if swap.outcome == "won":
            won.append(proposal.entry.revision)
        state = caught_up(store, state)
    store.close()
    return won


def caught_up(store: Store, state: State) -> State:
    """The state of now, from one of before and what changed since."""
    changed = store.read(state.head)
    if changed.whole:
        return changed
    return State(changed.head, {**state.pointers, **changed.pointers})


def watch(url: str, last: int, incremental: bool) -> tuple[int, int]:
    """Read until revision `last`; how many revisions were seen, and how many reads had units
    of two different deployments in them.
    """
    store = open_store(url, "production")
    seen, mixed = set(), 0
    state = store.read()
    while state.head is None or state.head.revision < last:
        state = caught_up(store, state) if incremental else store.read()
        seen.add(state.head)
        revisions = {pointer.revision for pointer in state.pointers.values()}
        mixed += bool(state.head and revisions != {state.head.revision})
    store.close()
    return len(seen), mixed


def hear(url: str, ready: str, times: int) -> list[float]:
    """The moments at which a listener woke up with something new to read."""
    store = open_store(url, "production", CLIENT)
    listener = store.listen()
    while listener.wait(0.1):
        pass
    head = store.read().head
    woken: list[float] = []
    Path(ready).touch()
    while len(woken) < times and listener.wait(10):
        moment = time.monotonic()
        if store.read().head != head:
            head = store.read().head
            woken.append(moment)
            Path(ready).touch()
    listener.close()
    store.close()
    return woken


def fork_while_listening(url: str, ready: str) -> tuple[str, bool]:
    """What a child says that closes the listener it was born with; whether the parent hears."""
    store = open_store(url, "production", CLIENT)
    listener = store.listen()
    socket = os.fstat(listener._connection._sock.fileno()).st_ino  # type: ignore[attr-defined]
    heard: list[bool] = []
    thread = threading.Thread(target=lambda: heard.append(listener.wait(10)))
    thread.start()
    time.sleep(0.05)
    child = os.fork()
    if child == 0:
        listener.close()
        shared = any(_inode(number) == socket for number in range(100))
        os._exit(int(shared))
    _, status = os.waitpid(child, 0)
    Path(ready).touch()
    thread.join()
    listener.close()
    store.close()
    return f"the child has {'no' if status == 0 else 'a'} socket", heard == [True]


def _inode(number: int) -> int | None:
    try:
        return os.fstat(number).st_ino
    except OSError:
        return None


def memory_to_read(url: str, digest: str) -> tuple[str, int]:
    """What reading a release ended with, and by how many bytes the peak of memory grew."""
    store = open_store(url, "production")
    store.read()
    before = _peak()
    try:
        outcome = f"{len(store.release(digest) or b'')} bytes"
    except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
        outcome = str(error)
    store.close()
    return outcome, _peak() - before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
