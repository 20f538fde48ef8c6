"""Going back by command while Redis fails over behind its sentinels, with an app that looks on."""

from collections.abc import Iterator

import pytest

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project
from tests.conftest import Opener
from tests.failover import Watched, watched
from tests.waiting import eventually


@pytest.fixture
def servers() -> Iterator[Watched]:
    with watched() as servers:
        yield servers


@pytest.fixture
def store_url(servers: Watched) -> str:
    return servers.url


@pytest.fixture
def app(deployed_twice: Project, store: Store, store_url: str) -> Iterator[App]:
    """Serves revision 2."""
    app = App(store_url, "helpdesk")
    app.wait_until_present(store)
    yield app
    app.end()


def test_rollback_finds_the_new_primary_and_so_does_the_app(
    deployed_twice: Project, app: App, servers: Watched, opened: Opener
) -> None:
    assert eventually(servers.in_step)
    servers.primary.kill()
    # Longer than an operator waits for the new primary is what a busy machine may take.
    eventually(servers.promoted, 10)
    done = deployed_twice.run("rollback", "greeter", "--env", "production", "--wait=20", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["clients"]["confirmed"] == done.json["clients"]["present"] == 1
    assert opened(servers.url).read().head == Head(1, 3)


def test_rollback_in_the_second_of_the_crash_ends_well_or_says_that_nothing_happened(
    deployed_twice: Project, servers: Watched, opened: Opener
) -> None:
    assert eventually(servers.in_step)
    servers.primary.kill()
    done = deployed_twice.run("rollback", "greeter", "--env", "production")
    assert eventually(servers.promoted, 10)
    head = opened(servers.url).read().head
    assert (done.code, head) in {(0, Head(1, 3)), (4, Head(1, 2))}, done.err
    if done.code == 4:
        assert done.err.startswith(f"error: {servers.url}/0 does not answer: ")
