"""The FastAPI integration in an app under uvicorn."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError

import pytest

from promptops.live.store import Store
from tests.deployments import deploy
from tests.waiting import eventually

NEEDS = ("fastapi", "uvicorn")
ROOT = Path(__file__).parents[2]


@contextmanager
def served(store_url: str, log: Path) -> Iterator[str]:
    """The app's address; ends it as a deployment of the app does, with SIGTERM."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "tests.integrations.app:app", "--port", "0"],
            stderr=errors,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PROMPTOPS_STORE": store_url, "PROMPTOPS_ENV": "production"},
        )
    try:
        assert eventually(lambda: "running on" in log.read_text(), 20), log.read_text()
        address = re.search(r"http://127\.0\.0\.1:\d+", log.read_text())
        assert address is not None
        yield address.group()
    finally:
        process.terminate()
        process.wait(10)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http, and our own
        return str(answer.read().decode())


def test_a_request_is_answered_from_what_is_live_and_follows(
    embedded: Store, embedded_url: str, tmp_path: Path
) -> None:
    deploy(embedded, greeter="Hello")
    with served(embedded_url, tmp_path / "log") as app:
        assert get(f"{app}/greet/Zoe") == '"Hello"'
        deploy(embedded, greeter="Good morning")
        assert eventually(lambda: get(f"{app}/greet/Zoe") == '"Good morning"')
        assert 'promptops_revision{environment="production"} 2\n' in get(f"{app}/metrics")
        assert len(embedded.clients()) == 1
    assert embedded.clients() == [], "the lifespan closes the client"
    assert "Application shutdown complete" in (tmp_path / "log").read_text()


def test_an_app_starts_without_prompts_and_answers_503_until_there_are_some(
    embedded: Store, embedded_url: str, tmp_path: Path
) -> None:
    with served(embedded_url, tmp_path / "log") as app:
        with pytest.raises(HTTPError) as refused:
            get(f"{app}/greet/Zoe")
        with refused.value as error:
            assert (error.code, error.headers["Retry-After"]) == (503, "1")
        assert 'promptops_ready{environment="production"} 0\n' in get(f"{app}/metrics")
        deploy(embedded, greeter="Hello")
        assert eventually(
            lambda: 'promptops_ready{environment="production"} 1\n' in get(f"{app}/metrics"), 10
        )
        assert get(f"{app}/greet/Zoe") == '"Hello"'


def test_a_unit_that_is_not_deployed_yet_is_a_503_too(
    embedded: Store, embedded_url: str, tmp_path: Path
) -> None:
    deploy(embedded, farewell="Bye")
    with served(embedded_url, tmp_path / "log") as app:
        with pytest.raises(HTTPError) as refused:
            get(f"{app}/greet/Zoe")
        with refused.value as error:
            assert error.code == 503
            assert "no unit 'greeter' is live in production" in error.read().decode()
