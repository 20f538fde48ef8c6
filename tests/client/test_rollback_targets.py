"""A rollback to any of the last fifty releases is a new revision, and every client takes it."""

import random

from promptops.delivery.hold import hold
from promptops.delivery.rollback import rollback
from promptops.live.store import Store
from tests.client.conftest import Starter
from tests.client.waiting import until_served
from tests.deployments import deploy, digest, intent

CHANCE = random.Random(27)  # noqa: S311 - no secret


def test_a_rollback_to_any_of_the_last_fifty_releases_is_taken(
    embedded: Store, embedded_url: str, started: Starter
) -> None:
    for number in range(51):
        deploy(embedded, greeter=f"Hello {number}")
    client = started(embedded_url, poll=0.2)
    targets = list(range(50))
    CHANCE.shuffle(targets)
    for count, number in enumerate(targets, start=1):
        wanted, left = digest("greeter", f"Hello {number}"), client.get("greeter").digest
        done = rollback(embedded, ("greeter",), wanted, intent())
        assert done.head is not None
        until_served(client, done.head.revision)
        assert client.get("greeter").digest == wanted
        assert client.get("greeter").revision == done.head.revision
        hold(embedded, "greeter", left, intent(), lift=True)
        until_served(client, done.head.revision + 1)
        assert client.status().rejected == 0, f"after {count} rollbacks"
    assert client.status().state == "READY"
