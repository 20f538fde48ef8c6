"""The plugin in a pytest of its own, as every project that has promptops gets it."""

import subprocess
import sys
from pathlib import Path

from tests.client.test_importing import DEPENDENCIES, imported, run

TEST_OF_AN_APP = """
from promptops import Client

client = Client("sqlite:////nowhere/at/all.db", environment="production")

def app(name):
    return client.get("greeter").render(name=name)

def test_pins(prompts):
    prompts.pin("greeter", text="Hi {{ name }}")
    assert app("Zoe") == [{"role": "user", "content": "Hi Zoe"}]
    assert [call.inputs for call in prompts.calls] == [{"name": "Zoe"}]

def test_has_a_store(prompts):
    prompts.store.deploy("greeter", text="Hello")
    assert prompts.client().get("greeter").render()[0]["content"] == "Hello"

def test_an_app_that_is_made_in_the_test_follows_that_store(prompts):
    prompts.store.deploy("greeter", text="Hello")
    with Client.from_env() as made:
        made.wait_ready(5)
        assert made.get("greeter").render()[0]["content"] == "Hello"

def test_nothing_is_left(prompts):
    assert prompts.calls == []
    assert prompts.store.read().head is None
"""


def test_a_project_with_promptops_has_the_fixture(tmp_path: Path) -> None:
    (tmp_path / "test_app.py").write_text(TEST_OF_AN_APP)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_plugin_loads_nothing_but_itself_and_the_errors() -> None:
    loaded = imported("import pytest, promptops.pytest_plugin") - imported("import pytest")
    assert {name for name in loaded if not name.startswith("promptops")} == set()
    assert loaded <= {
        "promptops",
        "promptops.errors",
        "promptops.version",
        "promptops.pytest_plugin",
    }
    assert not loaded & (DEPENDENCIES | {"sqlite3"})


def test_the_plugin_is_loaded_in_five_milliseconds() -> None:
    def milliseconds() -> float:
        report = run("import pytest, promptops.pytest_plugin", flags=("-X", "importtime")).stderr
        lines = [line for line in report.splitlines() if line.endswith("promptops.pytest_plugin")]
        return int(lines[0].split("|")[1]) / 1000

    assert min(milliseconds() for _ in range(3)) < 5
