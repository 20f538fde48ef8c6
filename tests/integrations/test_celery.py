"""Celery's prefork pool: the client was made before the fork, and every child follows."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from promptops.live.store import Store
from tests.deployments import deploy, digest
from tests.integrations.workers import POLL, ROOT, children, connections
from tests.waiting import eventually

NEEDS = ("celery",)
# Both children are busy with it before the deployment: it comes to them, not they to it.
ASK = """
import json, sys
from tests.integrations.tasks import client, follow
client.close()
asked = [follow.delay(sys.argv[1]) for _ in range(2)]
print(json.dumps([each.get(timeout=30) for each in asked]))
"""


@pytest.fixture
def backend() -> str:
    return "valkey"


def test_every_child_follows_within_two_polls_over_connections_of_its_own(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    for folder in ("letters", "control", "results"):
        (tmp_path / folder).mkdir()
    deploy(store, greeter="Hello")
    variables = {**os.environ, "PROMPTOPS_STORE": store_url, "MAIL": str(tmp_path)}
    with prefork(tmp_path / "log", variables) as worker:
        everybody = {worker, *children(worker)}
        assert len(everybody) == 3
        assert eventually(lambda: {each.pid for each in store.clients()} == everybody, 10)
        asking = [sys.executable, "-c", ASK, digest("greeter", "Good morning")]
        with subprocess.Popen(asking, cwd=ROOT, env=variables, stdout=subprocess.PIPE) as asked:
            assert eventually(lambda: (tmp_path / "log").read_text().count("received") == 2, 20)
            changed = time.monotonic()
            deploy(store, greeter="Good morning")
            assert asked.stdout is not None
            said = json.loads(asked.stdout.read())
        assert {worker, *(pid for pid, _, _ in said)} == everybody
        assert max(at for _, at, _ in said) - changed <= 2 * POLL
        theirs = [set(sockets) for _, _, sockets in said]
        assert all(theirs)
        assert not theirs[0] & theirs[1]
        assert not (theirs[0] | theirs[1]) & connections(worker)


@contextmanager
def prefork(log: Path, variables: Mapping[str, str]) -> Iterator[int]:
    """A worker whose pool are two forked processes; its process id."""
    command = [sys.executable, "-m", "celery", "--app", "tests.integrations.tasks", "worker"]
    command += ["--pool", "prefork", "--concurrency", "2", "--loglevel", "INFO"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    with log.open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=ROOT, env=variables)
    try:
        assert eventually(lambda: "ready." in log.read_text(), 30), log.read_text()
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)
