"""Several processes at one environment at once."""

import time
from concurrent.futures import ProcessPoolExecutor
from itertools import chain

import pytest

from promptops.live import moves
from promptops.live.records import Entry, Head, State
from promptops.live.store import Store, entries
from tests.chains import assert_whole
from tests.deployments import deploy, intent, release
from tests.live import actors

ROUNDS = 10


def soon() -> float:
    return time.monotonic() + 0.05


@pytest.mark.parametrize("kind", ["the first deployment", "a later deployment"])
def test_one_of_two_racing_deployers_wins_and_the_other_learns_who(
    store: Store, store_url: str, processes: ProcessPoolExecutor, kind: str
) -> None:
    if kind == "a later deployment":
        deploy(store, greeter="Hello")
    for number in range(ROUNDS if kind == "a later deployment" else 1):
        state = store.read()
        wanted = {f"operation-{text}-{number}": text for text in ("a", "b")}
        moment = soon()
        running = []
        for operation, text in wanted.items():
            digest = store.put(release("greeter", f"{text} {number}"))
            proposal = moves.deploy(
                state, {"greeter": digest}, intent(operation), skip_held=False, request=""
            )
            assert proposal.entry is not None
            running.append(
                processes.submit(
                    actors.swap_at,
                    store_url,
                    moment,
                    state.head,
                    proposal.entry,
                    dict(proposal.pointers),
                )
            )
        (one, one_saw), (two, two_saw) = (each.result(timeout=30) for each in running)

        assert sorted([one.outcome, two.outcome]) == ["lost", "won"]
        assert one.head == two.head == store.read().head
        assert one_saw == two_saw == list(wanted)[0 if one.outcome == "won" else 1]
        assert len(store.history()) == (0 if state.head is None else state.head.revision) + 1


@pytest.mark.soak(short=200, full=500)
def test_eight_processes_leave_a_history_without_gap_or_duplicate(
    store: Store, store_url: str, processes: ProcessPoolExecutor, times: int
) -> None:
    moment = soon()
    running = [
        processes.submit(actors.deploy_often, store_url, f"unit-{number}", times, moment)
        for number in range(8)
    ]
    won = [each.result(timeout=300) for each in running]

    last = 8 * times
    assert [len(revisions) for revisions in won] == [times] * 8
    assert sorted(chain.from_iterable(won)) == list(range(1, last + 1))
    assert_whole(store, last)
    assert store.read().head == Head(1, last)
    history = list(entries(store))
    for number, revisions in enumerate(won):
        mine = [entry.revision for entry in reversed(history) if touches(entry, f"unit-{number}")]
        assert mine == revisions


def touches(entry: Entry, unit: str) -> bool:
    return any(change.unit == unit for change in entry.changes)


@pytest.mark.soak(short=150, full=10_000)
@pytest.mark.parametrize("incremental", [False, True])
def test_a_deployment_of_several_units_is_seen_whole_or_not_at_all(
    store: Store, store_url: str, processes: ProcessPoolExecutor, incremental: bool, times: int
) -> None:
    units = [f"unit-{number}" for number in range(20)]
    digests = [store.put(release("shared", text)) for text in ("Good morning", "Good evening")]
    watchers = [processes.submit(actors.watch, store_url, times, incremental) for _ in range(2)]
    state = State(None)
    for number in range(times):
        wanted = dict.fromkeys(units, digests[number % 2])
        proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
        assert proposal.entry is not None
        state = State(
            store.swap(state.head, proposal.entry, proposal.pointers).head, proposal.pointers
        )
        time.sleep(0.001)
    for each in watchers:
        seen, mixed = each.result(timeout=30)
        assert mixed == 0
        assert seen > 10
