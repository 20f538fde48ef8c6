"""Apps with a client, the environments that they read, and somebody who breaks these."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from promptops import Client
from promptops.live.address import parse_address
from promptops.live.store import Store
from tests.client.sabotage import RedisSaboteur, Saboteur, SqliteSaboteur
from tests.conftest import Opener
from tests.deployments import deploy
from tests.servers import Server


class Starter(Protocol):
    """`Client`, with the environment that tests have, and ready unless told otherwise."""

    def __call__(
        self,
        url: str | None,
        *,
        app: str = "helpdesk",
        cache: Path | None = None,
        bundle: Path | None = None,
        inputs: Mapping[str, Sequence[str]] | None = None,
        presence: bool = True,
        hint: bool = True,
        poll: float = 2.0,
        ready: bool = True,
    ) -> Client: ...


@pytest.fixture
def started() -> Iterator[Starter]:
    """Starts clients, and closes them at the end of the test."""
    clients: list[Client] = []

    def start(
        url: str | None,
        *,
        app: str = "helpdesk",
        cache: Path | None = None,
        bundle: Path | None = None,
        inputs: Mapping[str, Sequence[str]] | None = None,
        presence: bool = True,
        hint: bool = True,
        poll: float = 2.0,
        ready: bool = True,
    ) -> Client:
        client = Client(
            url,
            environment="production",
            app=app,
            cache=cache or "",
            bundle=bundle or "",
            inputs=inputs,
            presence=presence,
            hint=hint,
            poll=poll,
        )
        clients.append(client)
        if ready:
            client.wait_ready(10)
        return client

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def deployed(store: Store) -> Store:
    """greeter says Hello and farewell says Bye, since revision 1; once per backend."""
    deploy(store, greeter="Hello", farewell="Bye")
    return store


@pytest.fixture
def client(deployed: Store, store_url: str, started: Starter) -> Client:
    """The client of an app, following `deployed` by hint and every 0.05 s."""
    return started(store_url, poll=0.05)


@pytest.fixture
def saboteur(backend: str, store_url: str, shared_servers: Callable[[str], Server]) -> Saboteur:
    address = parse_address(store_url)
    if backend == "sqlite":
        return SqliteSaboteur(Path(address.path))
    return RedisSaboteur(shared_servers(backend), address.namespace)


@pytest.fixture
def embedded_url(tmp_path: Path) -> str:
    """An empty store in a file, for tests in which the backend does not matter."""
    return f"sqlite:///{tmp_path}/embedded.db"


@pytest.fixture
def embedded(embedded_url: str, opened: Opener) -> Store:
    """The environment production of that file."""
    return opened(embedded_url)


@pytest.fixture
def on_redis(redis_server: Server, opened: Opener) -> Store:
    """greeter says Hello and farewell says Bye, on a server of the test's own."""
    store = opened(redis_server.url)
    deploy(store, greeter="Hello", farewell="Bye")
    return store
