"""gunicorn --preload: the client was made in the master, and every worker follows."""

import json
import time
from itertools import combinations
from pathlib import Path
from urllib.request import urlopen

import pytest

from promptops.live.store import Store
from tests.deployments import deploy, digest
from tests.integrations.workers import POLL, Workers, connections, under_gunicorn
from tests.waiting import eventually

NEEDS = ("fastapi", "gunicorn", "uvicorn_worker")
APP = "tests.integrations.preloaded:app"


@pytest.fixture
def backend() -> str:
    return "valkey"


def test_every_worker_follows_within_two_polls_over_connections_of_its_own(
    store: Store, store_url: str, tmp_path: Path
) -> None:
    deploy(store, greeter="Hello")
    with under_gunicorn(APP, 2, tmp_path / "log", {"PROMPTOPS_STORE": store_url}) as workers:
        everybody = {workers.master, *workers.pids}
        assert eventually(lambda: {each.pid for each in store.clients()} == everybody)
        for one, other in combinations(everybody, 2):
            assert connections(one)
            assert not connections(one) & connections(other)
        served_by_all(workers, "Hello")
        deploy(store, greeter="Good morning")
        assert served_by_all(workers, "Good morning") <= 2 * POLL
    assert store.clients() == [], "the master says goodbye at its end"


def served_by_all(workers: Workers, text: str) -> float:
    """Seconds until each worker has answered with it."""
    began = time.monotonic()
    wanted, seen = digest("greeter", text), set[int]()
    while seen < workers.pids:
        assert time.monotonic() < began + 20, f"only {seen} of {workers.pids} serve {text}"
        with urlopen(f"http://127.0.0.1:{workers.port}/", timeout=5) as answer:
            said = json.load(answer)
        if said["digest"] == wanted:
            seen.add(said["pid"])
    return time.monotonic() - began
