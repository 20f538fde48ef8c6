"""What docs/client.md shows, from top to bottom, in one app."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from promptops import AnswerError, Client, NotReady, Stale
from promptops.client.state import State
from promptops.testing import Prompts
from tests.deployments import release
from tests.snippets import DOCS, snippets
from tests.waiting import eventually

ANSWER = {"type": "object", "properties": {"steps": {"type": "array"}}, "required": ["steps"]}


class Provider:
    """Stands for any SDK's client: remembers the arguments of the last call."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.chat = self.completions = self.responses = self.messages = self

    def __call__(self) -> "Provider":
        return self

    def create(self, **request: Any) -> None:
        self.asked = request

    completion = create


@pytest.fixture
def app(
    prompts: Prompts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    """The names of an app whose first chapter was run."""
    prompts.store.deploy("support-triage", text="Route: {{ ticket }} {{ context }}")
    monkeypatch.setenv("PROMPTOPS_STORE", prompts.store.url)
    (start,) = snippets("client.md", "Start")
    start = start.replace('"/var/cache/helpdesk"', repr(str(tmp_path / "cache")))
    start = start.replace('"production"', repr(prompts.store.environment))
    names: dict[str, Any] = {
        "log": logging.getLogger("helpdesk"),
        "ticket": "It burns",
        "context": "",
        "Stale": Stale,
        "AnswerError": AnswerError,
    }
    exec(start, names)  # noqa: S102 - it is our own page
    yield names
    names["client"].close()


def typed(app: dict[str, Any], chapter: str) -> dict[str, Any]:
    exec(snippets("client.md", chapter)[0], app)  # noqa: S102
    return app


def test_an_app_starts_and_reads(app: dict[str, Any], tmp_path: Path) -> None:
    assert typed(app, "Read")["messages"] == [{"role": "user", "content": "Route: It burns "}]
    assert app["client"].status().source == "store"
    assert eventually(lambda: any((tmp_path / "cache").glob("*")))


def test_every_shape_can_be_asked_for(app: dict[str, Any]) -> None:
    typed(app, "Read")
    provider = Provider()
    app |= {"OpenAI": provider, "Anthropic": provider, "litellm": provider, "context": ""}
    (calls,) = snippets("client.md", "The call of your provider")
    for line in calls.replace("ticket=ticket", "ticket=ticket, context=context").splitlines():
        exec(line, app)  # noqa: S102
        assert "It burns" in str(provider.asked), line


def test_an_answer_that_does_not_fit_is_logged(
    app: dict[str, Any], prompts: Prompts, caplog: pytest.LogCaptureFixture
) -> None:
    schema = json.loads(release("support-triage", "Go")) | {"output": {"schema": ANSWER}}
    prompts.pin("support-triage", release=schema)
    app |= {"live": app["client"].get("support-triage"), "text": '{"steps": 7}'}
    typed(app, "Checking an answer")
    assert "does not fit its schema: steps is a number, not " in caplog.text


def test_an_old_answer_is_refused_on_request_only(app: dict[str, Any]) -> None:
    assert typed(app, "When the store is away")["live"].unit == "support-triage"
    client = app["client"]
    client._refresher.checked -= 301
    with pytest.raises(Stale):
        client.get("support-triage", max_age=300)
    assert client.get("support-triage").unit == "support-triage"


def test_the_status_is_logged_when_it_is_not_ready(
    app: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    typed(app, "How is it?")
    assert "prompts:" not in caplog.text
    app["client"].close()
    typed(app, "How is it?")
    assert "prompts: STALE (the client is closed)" in caplog.text
    table = re.findall(r"^\| `(\w+)` \|", (DOCS / "client.md").read_text("utf-8"), re.MULTILINE)
    assert set(State.__args__) <= set(table)  # type: ignore[attr-defined]


def test_a_change_is_logged(
    app: dict[str, Any], prompts: Prompts, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    typed(app, "When something changes")
    prompts.store.deploy("support-triage", text="Other")
    assert eventually(lambda: "prompts at revision 2: support-triage" in caplog.text)


def test_a_release_that_this_app_cannot_fill_is_refused(
    app: dict[str, Any], prompts: Prompts
) -> None:
    client = app["client"]
    before = client.get("support-triage").digest
    prompts.store.deploy("support-triage", text="{{ ticket }} for {{ customer }}")
    assert eventually(lambda: "support-triage" in client.status().refused)
    assert client.get("support-triage").digest == before
    assert client.status().refused["support-triage"].code == "C606"


async def _ready(client: Client) -> None:
    await client.ready(5)


def test_asyncio_awaits_the_same_client(app: dict[str, Any]) -> None:
    asyncio.run(_ready(app["client"]))


def test_nothing_but_a_wrong_argument_raises_at_the_start() -> None:
    client = Client("redis://127.0.0.1:1/0", environment="production")
    with pytest.raises(NotReady), client:
        client.wait_ready(0.2)
