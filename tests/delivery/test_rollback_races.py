"""A rollback and a deploy of the same unit at the same time: neither is lost in silence."""

import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from promptops.live.store import Store, entries
from tests.chains import assert_whole
from tests.delivery.publishers import go_back, publish, publish_at
from tests.deployments import digest


@pytest.mark.soak(short=100, full=1_000)
def test_whoever_loses_says_to_whom(
    store: Store, store_url: str, processes: ProcessPoolExecutor, times: int
) -> None:
    both = 0
    for number in range(times):
        publish(store, f"good {number}", f"good-{number}")
        publish(store, f"bad {number}", f"bad-{number}")
        known = store.read().head
        assert known is not None
        moment = time.monotonic() + 0.01
        running = (
            processes.submit(go_back, store_url, moment, f"back-{number}"),
            processes.submit(publish_at, store_url, moment, f"next {number}", f"next-{number}"),
        )
        back, ahead = (each.result(timeout=60) for each in running)
        new = [entry.operation for entry in entries(store) if entry.revision > known.revision]
        live = store.read().pointers["greeter"].digest
        # Each was told the truth of what it did, and by whom it was overtaken.
        assert (back == "") == (f"back-{number}" in new)
        assert (ahead == "") == (f"next-{number}" in new)
        assert all("was faster: revision" in said for said in (back, ahead) if said)
        assert len(new) >= 1
        both += len(new) == 2
        if new[0] == f"next-{number}":
            assert live == digest("greeter", f"next {number}")
        elif len(new) == 1:
            assert live == digest("greeter", f"good {number}")
        else:
            # It came later, and went back from what had been deployed in between.
            assert live == digest("greeter", f"bad {number}")
    assert both < times  # they raced
    head = store.read().head
    assert head is not None
    assert_whole(store, head.revision)
