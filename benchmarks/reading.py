"""`client.get(unit)` against a dictionary, Langfuse's cache and the services for feature flags."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.flags import growthbook, growthbook_kept, launchdarkly
from benchmarks.rounds import alternate, loop
from benchmarks.servers import langfuse_sdk, redis_server
from benchmarks.table import Bound, Row
from benchmarks.unit import ENVIRONMENT, TEXT, UNIT, deploy
from promptops import Client
from promptops.live.opening import open_store

ROUNDS = 301


def rows() -> Iterator[Row]:
    with ready_client() as (client, _), langfuse_sdk(UNIT, TEXT) as langfuse:
        units = {UNIT: client.get(UNIT)}

        def look_up(unit: str) -> object:
            return units[unit]

        ours = loop(f"client.get({UNIT!r})", {"client": client}, 2000)
        yield Row(
            "`client.get(unit)`",
            "`dict[key]` in a function call",
            alternate(ours, loop(f"look_up({UNIT!r})", {"look_up": look_up}, 2000), ROUNDS),
            Bound(3),
        )
        cached = loop(f"sdk.get_prompt({UNIT!r}, type='chat')", {"sdk": langfuse}, 200)
        yield Row(
            "`client.get(unit)`",
            "Langfuse SDK, `get_prompt` from its cache",
            alternate(ours, cached, ROUNDS),
            Bound(20, faster=True),
        )
        with launchdarkly(UNIT, TEXT) as variation:
            for peer, theirs, bound in (
                ("LaunchDarkly SDK, `variation`", variation, Bound(100, faster=True)),
                (
                    "GrowthBook SDK, a user's feature",
                    growthbook(UNIT, TEXT),
                    Bound(100, faster=True),
                ),
                ("GrowthBook SDK, one user's instance kept", growthbook_kept(UNIT, TEXT), None),
            ):
                yield Row("`client.get(unit)`", peer, alternate(ours, theirs, ROUNDS), bound)


@contextmanager
def ready_client() -> Iterator[tuple[Client, str]]:
    """A client that serves the unit, polling and listening as in an app; and the store's URL."""
    with redis_server() as server:
        store = open_store(server.url, ENVIRONMENT)
        deploy(store, 0)
        with Client(server.url, environment=ENVIRONMENT, app="benchmarks") as client:
            client.wait_ready(5)
            yield client, server.url
        store.close()
