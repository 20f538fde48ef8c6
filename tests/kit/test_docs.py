"""What the documentation says of tests and conversations."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from promptops import Client
from promptops.testing import Prompts
from tests.snippets import snippets
from tests.waiting import eventually

APP = """
from types import SimpleNamespace
from promptops import Client

client = Client("memory:", environment="test")

def triage(ticket):
    return client.get("support-triage").render(ticket=ticket)[0]["content"]

app = SimpleNamespace(triage=triage)
"""


def test_the_tests_of_the_page_on_testing_pass(tmp_path: Path) -> None:
    (tmp_path / "test_app.py").write_text(APP + "\n".join(snippets("testing.md")), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=60,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_the_conversation_of_the_page_survives_a_deployment_only(prompts: Prompts) -> None:
    store = prompts.store
    store.deploy("support-triage", text="Route: {{ ticket }}")
    session: dict[str, str] = {}
    with Client(store.url, environment=store.environment, poll=0.05) as client:
        client.wait_ready(5)

        def turn() -> str:
            names: dict[str, Any] = {"client": client, "session": session}
            exec(snippets("client.md", "Conversations")[0], names)  # noqa: S102
            return str(names["live"].messages[0].content)

        assert turn() == "Route: {{ ticket }}"
        second = store.deploy("support-triage", text="Other")
        assert eventually(lambda: client.get("support-triage").digest == second)
        assert turn() == "Route: {{ ticket }}"
        session.clear()
        assert turn() == "Other"
        store.rollback("support-triage")
        assert eventually(lambda: turn() == "Route: {{ ticket }}")
