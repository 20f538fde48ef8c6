"""A signal at any moment of a deploy: whatever its exit code says is so."""

import random
import signal
import time

import pytest

from promptops.live.store import Store
from tests.chains import assert_whole
from tests.cli.projects import Project, end_of, on_redis


@on_redis
@pytest.mark.soak(short=20, full=200)
def test_the_exit_code_never_lies(deployed: Project, store: Store, times: int) -> None:
    deploy = ("deploy", "greeter", "--env", "production", "--allow-older")
    commits = [deployed.says("greeter", f"Good evening {number}.") for number in (1, 2)]
    began = time.monotonic()
    assert deployed.run(*deploy, "--commit", commits[0]).code == 0
    lasts = time.monotonic() - began
    dice = random.Random(20261121)  # noqa: S311 - the same dice every time
    codes = []
    for point in range(times):
        before = store.read()
        commit = commits[before.pointers["greeter"].commit == commits[0]]
        operation = f"point-{point}"
        process = deployed.start(*deploy, "--commit", commit, "--operation", operation)
        # Half of them where the store is written to, which is at the end.
        time.sleep(lasts * (dice.uniform(0.7, 1.1) if point % 2 else dice.uniform(0.0, 1.0)))
        number = dice.choice((signal.SIGINT, signal.SIGTERM))
        process.send_signal(number)
        ended = end_of(process)
        after = store.read()
        happened = store.history(limit=1)[0].operation == operation
        assert happened == (after.head != before.head)
        codes.append(ended.code)
        if ended.code == 0:
            assert happened
        elif ended.code == 5:
            assert f"promptops history --operation {operation}" in ended.err or happened
        else:
            # Before Python answers signals itself it ends by them, or by its own word for that.
            starting = ended.code == 1 and "Fatal Python error: init_import_site" in ended.err
            assert starting or ended.code in {128 + number, -number}
            assert not happened
            assert after == before
    assert len({*codes}) > 1, codes
    head = store.read().head
    assert head is not None
    assert_whole(store, head.revision)
