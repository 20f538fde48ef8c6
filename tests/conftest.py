"""Stores for tests: SQLite in a folder of the test's own, Valkey, and Redis where it is there.

Servers are shared by the tests of a worker, and every test has a namespace of its own in them; a
test that stops, fills or reconfigures a server takes `redis_server`, which is private.

Backends are shown to be alike in `tests/live`. What uses a store elsewhere takes SQLite and Valkey,
and Redis as well with `--twins`, or where the test is about the server itself.

A test of chance says how often it tries: `@pytest.mark.soak(short=200, full=10_000)`, and takes
`times`. With `--soak` those tests run alone, in full.
"""

import itertools
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from promptops.live import memory
from promptops.live.address import parse_address
from promptops.live.opening import open_store
from promptops.live.store import OPERATOR, Store, Timeouts
from tests.servers import LASTING, SERVERS, Server, sqlite_dump, start_cluster

_namespaces = (f"test{number}" for number in itertools.count(1))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="the tests of chance alone, in full")
    parser.addoption("--twins", action="store_true", help="also what a twin shows that always runs")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    soak, twins = config.getoption("soak"), config.getoption("twins")
    left_out = {
        item
        for item in items
        if (soak and not item.get_closest_marker("soak")) or (not twins and _is_twin(item))
    }
    config.hook.pytest_deselected(items=[*left_out])
    items[:] = [item for item in items if item not in left_out]


def _is_twin(item: pytest.Item) -> bool:
    """Whether Valkey, or the workflow's template, shows the same in this run."""
    if item.path.parent.name == "live" or item.path.name in {"test_acl.py", "test_doctor.py"}:
        return False
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    others = {parameters.get(name) for name in ("backend", "shared_server", "workflows")}
    return not others.isdisjoint({"redis", "this repository"})


@pytest.fixture
def times(request: pytest.FixtureRequest) -> int:
    """How often a test of chance tries."""
    marker = request.node.get_closest_marker("soak")
    return int(marker.kwargs["full" if request.config.getoption("soak") else "short"])


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[Callable[[str], Server]]:
    """By kind, valkey, redis or cluster; started when first asked for."""
    running: dict[str, Server] = {}

    def server(kind: str) -> Server:
        if kind not in running:
            cluster = kind == "cluster"
            running[kind] = (
                start_cluster(options=LASTING)
                if cluster
                else Server(SERVERS[kind], LASTING).start()
            )
        return running[kind]

    yield server
    for each in running.values():
        each.close()


@pytest.fixture
def redis_server() -> Iterator[Server]:
    """A Valkey of the test's own, to stop, kill and fill."""
    server = Server()
    try:
        yield server.start()
    finally:
        server.close()


@pytest.fixture(params=list(SERVERS))
def shared_server(
    request: pytest.FixtureRequest, shared_servers: Callable[[str], Server]
) -> Server:
    """A server that others use too: look at keys of your own namespace only."""
    return shared_servers(request.param)


@pytest.fixture
def redis_url(shared_server: Server) -> str:
    """The address of an empty namespace, once per kind of server."""
    return f"{shared_server.url}?ns={next(_namespaces)}"


@pytest.fixture(params=["sqlite", *SERVERS])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def store_url(backend: str, tmp_path: Path, shared_servers: Callable[[str], Server]) -> str:
    """The address of an empty store, once per backend."""
    if backend == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    if backend == "memory":
        return f"memory:{next(_namespaces)}"
    server = shared_servers(backend)
    url = f"redis+cluster://127.0.0.1:{server.port}" if backend == "cluster" else server.url
    return f"{url}?ns={next(_namespaces)}"


@pytest.fixture
def contents(
    backend: str, store_url: str, shared_servers: Callable[[str], Server]
) -> Callable[[], object]:
    """Everything that the store holds at this moment, to compare before with after."""
    address = parse_address(store_url)
    if backend == "sqlite":
        return partial(sqlite_dump, Path(address.path))
    if backend == "memory":
        return partial(memory.contents, address.path)
    return partial(shared_servers(backend).dump, f"{{{address.namespace}:*")


class Opener(Protocol):
    """`open_store`, with the environment and the patience that most tests want."""

    def __call__(
        self, url: str, environment: str = "production", timeouts: Timeouts = OPERATOR
    ) -> Store: ...


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens stores, and closes them at the end of the test."""
    stores: list[Store] = []

    def open_and_remember(
        url: str, environment: str = "production", timeouts: Timeouts = OPERATOR
    ) -> Store:
        stores.append(open_store(url, environment, timeouts))
        return stores[-1]

    yield open_and_remember
    for store in stores:
        store.close()


@pytest.fixture(scope="session")
def processes() -> Iterator[ProcessPoolExecutor]:
    """Eight other processes; they run functions of modules, and start in milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["promptops.live.redis", "promptops.live.sqlite"])
    with ProcessPoolExecutor(8, mp_context=context) as pool:
        yield pool


@pytest.fixture
def store(store_url: str, opened: Opener) -> Store:
    """The environment production, empty, once per backend."""
    return opened(store_url)
