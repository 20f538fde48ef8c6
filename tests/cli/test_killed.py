"""kill -9 in the middle of a deploy, wherever the middle is: all of it happened, or nothing."""

import random
import signal
import time

import pytest

from promptops.live.records import Head
from promptops.live.store import Store, entries
from tests.cli.projects import Project


def assert_consistent(store: Store) -> Head:
    """Head, history and pointers tell the same story; the head."""
    state = store.read()
    assert state.head is not None
    history = list(entries(store))
    assert [entry.revision for entry in history] == list(range(state.head.revision, 0, -1))
    assert len({entry.operation for entry in history}) == len(history)
    for unit, pointer in state.pointers.items():
        last = next(
            (entry, change) for entry in history for change in entry.changes if change.unit == unit
        )
        assert (last[0].revision, last[1].after) == (pointer.revision, pointer.digest)
        assert store.release(pointer.digest) is not None
    return state.head


@pytest.mark.soak(short=30, full=200)
@pytest.mark.parametrize("backend", ["sqlite", "valkey"], indirect=True)
def test_a_killed_deploy_happened_or_did_not(deployed: Project, store: Store, times: int) -> None:
    deploy = ("deploy", "--all", "--env", "production", "--allow-older", "--commit")
    commits = []
    for number in (1, 2):
        deployed.write("manifests/greeter/system.md", f"Good evening {number}.\n")
        deployed.write("manifests/farewell/system.md", f"Bye {number}.\n")
        commits.append(deployed.commit(f"both say {number}"))
    # As long as it takes undisturbed, so that kills fall everywhere in it.
    lasts = {}
    for commit, begun in zip(commits, (deployed.installed, deployed.run), strict=True):
        started = time.monotonic()
        assert begun(*deploy, commit).code == 0
        lasts[begun == deployed.installed] = time.monotonic() - started
    dice = random.Random(20261121)  # noqa: S311 - the same dice every time
    head, happened = assert_consistent(store), 0
    for point in range(times):
        # The one that is not live, so that there is something to do.
        commit = commits[store.read().pointers["greeter"].commit == commits[0]]
        # One in four also while Python starts and imports, the others where the work is done.
        installed = point % 4 == 0
        after = lasts[installed] * dice.uniform(0.0, 1.1)
        deployed.signalled(signal.SIGKILL, after, *deploy, commit, installed=installed)
        now = assert_consistent(store)
        assert now.revision in {head.revision, head.revision + 1}
        if now != head:
            happened += 1
            assert {live.commit for live in store.read().pointers.values()} == {commit}
        head = now
    # The kills fell on both sides of the swap, so some must have fallen close to it.
    assert 0 < happened < times
    deployed.says("greeter", "Good grief.")
    status = deployed.run("status", "--env", "production", "--json")
    assert (status.code, status.json["revision"]) == (0, head.revision)
    assert len(deployed.run("history", "--env", "production", "--json").json["entries"]) <= 50
    further = deployed.run("deploy", "--all", "--env", "production", "--json")
    assert (further.code, further.json["revision"]) == (0, head.revision + 1)
    assert_consistent(store)


def test_ctrl_c_comes_too_late_when_the_result_was_told(deployed: Project, store: Store) -> None:
    """While the process ends: 130 would say that nothing was changed."""
    for revision in (2, 3, 4):
        deployed.says("greeter", f"Good evening {revision}.")
        process = deployed.start("deploy", "greeter", "--env", "production")
        assert process.stdout is not None
        told = process.stdout.readline()
        time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert told == f"production is at revision {revision} (deploy)\n"
        assert process.returncode == 0
        assert store.read().head == Head(1, revision)
