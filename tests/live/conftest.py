"""Situations of one store."""

import pytest

from promptops.live.store import Store
from tests.deployments import deploy
from tests.servers import SERVERS


@pytest.fixture(params=["sqlite", *SERVERS, "cluster"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def deployed(store: Store) -> Store:
    """greeter says Hello."""
    deploy(store, greeter="Hello")
    return store
