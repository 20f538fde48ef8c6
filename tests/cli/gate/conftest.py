"""A change on a branch, which somebody wants to merge."""

import pytest

from promptops.live.store import Store
from tests.cli.projects import Project


@pytest.fixture
def changed(deployed: Project) -> Project:
    """main is live; on a branch greeter says Good evening."""
    deployed.git("switch", "--quiet", "--create", "change")
    deployed.says("greeter", "Good evening.")
    return deployed


@pytest.fixture
def held(changed: Project, store: Store) -> Project:
    """Good evening was live and is held; the branch says so again."""
    changed.deploy(store)
    changed.rollback(store, "greeter")
    return changed
