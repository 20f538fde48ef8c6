"""Clients of a store in memory, and the packages of the group `integrations`."""

import importlib.util
import os

import pytest

from promptops import Client
from promptops.testing import Prompts
from tests.client.conftest import embedded, embedded_url

__all__ = ["embedded", "embedded_url"]


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> None:
    """What a test's module needs; in CI a check that cannot run has failed, a laptop is told."""
    needs = getattr(request.module, "NEEDS", ())
    missing = [name for name in needs if not _there(name)]
    if not missing:
        return
    why = f"{' and '.join(missing)} not installed: pip install --group integrations"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(f"NOT RUN: {why}")


@pytest.fixture
def client(prompts: Prompts) -> Client:
    """greeter says Hello to a name."""
    prompts.store.deploy("greeter", text="Hello {{ name }}")
    return prompts.client()


def _there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # nor the package that it would be in
        return False
