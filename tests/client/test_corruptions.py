"""Releases that were tampered with at random: every one is refused and counted, none is served."""

import random

import pytest

from promptops.live.store import Store
from promptops.manifest.digest import digest_of
from tests.client.conftest import Starter
from tests.client.releases import point
from tests.client.sabotage import Saboteur
from tests.client.waiting import until, until_served
from tests.deployments import release

CHANCE = random.Random(25)  # noqa: S311 - no secret


def tampered(data: bytes) -> bytes:
    """One byte changed, some cut off, or some more."""
    at = CHANCE.randrange(len(data))
    kind = CHANCE.randrange(3)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ CHANCE.randrange(1, 256)]) + data[at + 1 :]
    return data[:at] if kind == 1 else data + CHANCE.randbytes(CHANCE.randrange(1, 40))


@pytest.mark.soak(short=20, full=1000)
def test_every_corruption_is_refused_and_counted(
    deployed: Store, store_url: str, started: Starter, saboteur: Saboteur, times: int
) -> None:
    client = started(store_url, poll=0.05)
    before = client.get("greeter")
    for number in range(1, times + 1):
        data = release("greeter", f"Hello {number}")
        wanted = digest_of(data)
        saboteur.overwrite(wanted, tampered(data))
        head = point(deployed, {"greeter": wanted})
        until_served(client, head.revision)
        until(lambda number=number: client.status().rejected == number)  # type: ignore[misc]
        assert client.status().code == "C602"
        assert client.get("greeter") is before
