"""SDKs, in a process of their own, and a provider that listens to them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from tests.sdk.provider import Provider, provider

Sent = Callable[..., list[tuple[str, Any]]]


@pytest.fixture(scope="session")
def installed() -> None:
    """The SDKs; in CI a check that cannot run has failed, a laptop is told."""
    missing = [name for name in ("anthropic", "litellm", "openai") if find_spec(name) is None]
    if missing:
        why = f"{', '.join(missing)} not installed: make .venv/ready-sdk"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(f"NOT RUN: {why}")


@pytest.fixture
def listening() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture
def sent(installed: None, listening: Provider) -> Sent:
    """Path and body of each request, for calls with their arguments."""

    def send(*calls: tuple[str, dict[str, Any]]) -> list[tuple[str, Any]]:
        told = [[call, listening.url, arguments] for call, arguments in calls]
        done = subprocess.run(
            [sys.executable, "-m", "tests.sdk.calling"],
            input=json.dumps(told),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == ['{"team": "billing"}'] * len(calls)
        return listening.got

    return send
