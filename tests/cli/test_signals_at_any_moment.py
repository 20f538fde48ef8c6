"""A signal at any moment of a deploy: whatever its exit code says is so."""

import random
import signal
import time

import pytest

from promptops.live.store import Store
from tests.chains import assert_whole
from tests.cli.projects import Project, on_redis


@on_redis
@pytest.mark.soak(short=20, full=200)
def test_the_exit_code_never_lies(deployed: Project, store: Store, times: int) -> None:
    deploy = ("deploy", "greeter", "--env", "production", "--allow-older")
    commits = [deployed.says("greeter", f"Good evening {number}.") for number in (1, 2)]
    lasts = {}
    for commit, begun in zip(commits, (deployed.installed, deployed.run), strict=True):
        began = time.monotonic()
        assert begun(*deploy, "--commit", commit).code == 0
        lasts[begun == deployed.installed] = time.monotonic() - began
    dice = random.Random(20261121)  # noqa: S311 - the same dice every time
    codes = []
    for point in range(times):
        before = store.read()
        commit = commits[before.pointers["greeter"].commit == commits[0]]
        operation = f"point-{point}"
        # One in four also while Python starts and imports, the others where the work is done.
        installed = point % 4 == 0
        ended = deployed.signalled(
            number := dice.choice((signal.SIGINT, signal.SIGTERM)),
            lasts[installed] * dice.uniform(0.0, 1.1),
            *(*deploy, "--commit", commit, "--operation", operation),
            installed=installed,
        )
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
