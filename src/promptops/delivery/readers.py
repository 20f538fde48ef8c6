"""Which of the present clients cannot read what is about to be deployed."""

import re

from promptops.errors import StoreError
from promptops.live.presence import Presence
from promptops.live.store import Store
from promptops.manifest.release import READ_SINCE


def too_old(store: Store) -> list[Presence]:
    """Those of a promptops that does not know the format of releases which this one builds."""
    needed = _numbers(READ_SINCE)
    try:
        # An empty version is a stranger's: nothing is known of it.
        return [client for client in store.clients() if () < _numbers(client.version) < needed]
    except StoreError:
        # Presence is a second, optional permission; a deployment does not depend on it.
        return []


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d{1,9}(\.\d{1,9})*", version)
    return tuple(map(int, found[0].split("."))) if found else ()
