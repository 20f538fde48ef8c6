"""Situations of one store."""

import pytest

from promptops.live.store import Store
from tests.deployments import deploy


@pytest.fixture
def deployed(store: Store) -> Store:
    """greeter says Hello."""
    deploy(store, greeter="Hello")
    return store
