"""Publishers that are killed, and what they leave behind; runs in a process without threads."""

import contextlib
import os
import random
import signal
import time
from functools import partial
from pathlib import Path

from promptops.delivery.deploy import Conditions, deploy
from promptops.delivery.deployment import Deployment
from promptops.delivery.rollback import rollback
from promptops.errors import Refused
from promptops.live.moves import Proposal
from promptops.live.opening import open_store
from promptops.live.records import Head, State
from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.chains import assert_whole
from tests.deployments import digest, intent, release


def publish(store: Store, text: str, operation: str, *, resume: bool = False) -> Deployment:
    """greeter says the text."""
    releases = {"greeter": (digest("greeter", text), release("greeter", text))}
    return deploy(store, releases, intent(operation), Conditions(create=True), resume=resume)


def publish_times(url: str, unit: str, times: int) -> None:
    """A unit of one's own says this and that, among others who publish theirs."""
    store = open_store(url, "production")
    for number in range(times):
        text = f"Hello {number}"
        releases = {unit: (digest(unit, text), release(unit, text))}
        done = None
        while done is None:
            # Who loses ten times in a row is told to try again.
            with contextlib.suppress(Refused):
                done = deploy(store, releases, intent(), Conditions(create=True))
    store.close()


def publish_together(url: str, text: str, operation: str, meeting: Path) -> str:
    """Who was faster; empty when it was done. Reads, and goes on when the other has read too."""
    store = open_store(url, "production")
    store.put(release("greeter", text))  # or the one who has nothing to put is always faster
    releases = {"greeter": (digest("greeter", text), release("greeter", text))}
    agree = partial(_agree, meeting / "ahead", meeting / "back", 0.0)
    try:
        deploy(store, releases, intent(operation), Conditions(agree=agree))
    except Refused as refused:
        return refused.message
    finally:
        store.close()
    return ""


def go_back_together(
    url: str, operation: str, meeting: Path, later: float
) -> tuple[str | None, list[str]]:
    """Where greeter went, and what was displaced; `later` are seconds after both have read."""
    store = open_store(url, "production")
    agree = partial(_agree, meeting / "back", meeting / "ahead", later)
    try:
        done = rollback(store, ("greeter",), None, intent(operation), agree=agree)
    finally:
        store.close()
    went = done.entry.changes[0].after if done.entry else None
    return went, [each.change.after for each in done.displaced]


def _agree(mine: Path, other: Path, later: float, _: State, proposal: Proposal) -> Proposal:
    """Two people look at what is about to happen, and agree at the same moment."""
    mine.touch()
    until = time.monotonic() + 30
    while not other.exists():
        assert time.monotonic() < until
        time.sleep(0)
    time.sleep(later)
    return proposal


def kill_publishers(url: str, environment: str, points: int) -> tuple[int, int]:
    """Kill one after the other, each at a random moment of what it does.

    Asserts what must hold after each; how many had published, and how many had been told so.
    """
    dice = random.Random(environment)  # noqa: S311 - the same moments every time
    store = open_store(url, environment)
    publish(store, "Hello", "first")
    lasts = max(_published(url, environment, f"Hello {number}")[1] for number in range(3))
    happened = told = 0
    for point in range(points):
        head = store.read().head
        assert head is not None
        text = f"Hello {point} times"
        was_told, _ = _published(url, environment, text, dice.uniform(0, lasts))
        has_happened = _happened(store, head, text)
        assert has_happened or not was_told
        happened, told = happened + has_happened, told + was_told
        again = publish(store, text, text, resume=True)
        assert again.repeated == has_happened
        assert again.head == store.read().head == Head(1, head.revision + 1)
    assert_whole(store, points + 4)
    store.close()
    return happened, told


def _published(
    url: str, environment: str, text: str, killed_after: float = 60
) -> tuple[bool, float]:
    """Whether a process of its own was told that the text is live, and how long it lived."""
    reader, writer = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            publish(open_store(url, environment), text, text)
            os.write(writer, b"told")
        finally:
            os._exit(0)
    os.close(writer)
    if killed_after < 60:
        time.sleep(killed_after)
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    lived = time.monotonic() - began
    told = os.read(reader, 4) == b"told"
    os.close(reader)
    return told, lived


def _happened(store: Store, before: Head, text: str) -> bool:
    """Whether the deployment is there as a whole; that nothing of it is, if not."""
    state = store.read()
    assert state.head in {before, Head(1, before.revision + 1)}
    live = state.pointers["greeter"]
    data = store.release(live.digest)
    assert data is not None
    assert digest_of(data) == live.digest
    (newest,) = store.history(limit=1)
    assert state.head == Head(1, newest.revision)
    assert live.revision == newest.revision
    assert [change.after for change in newest.changes] == [live.digest]
    assert (newest.operation == text) == (live.digest == digest("greeter", text))
    assert (newest.operation == text) == (state.head != before)
    return newest.operation == text
