"""The recipes of the documentation, in the real frameworks."""

import asyncio
import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from promptops.testing import MemoryStore
from tests.snippets import snippets

NEEDS = ("django", "fastapi", "flask")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryStore]:
    """support-triage says Route and the ticket; the app finds it by its environment."""
    store = MemoryStore()
    store.deploy("support-triage", text="Route: {{ ticket }}")
    monkeypatch.setenv("PROMPTOPS_STORE", store.url)
    monkeypatch.setenv("PROMPTOPS_ENV", store.environment)
    yield store
    store.forget()


def defined(chapter: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "helpdesk"}
    exec(snippets("client.md", chapter)[0], names)  # noqa: S102 - it is our own page
    return names


def test_the_recipe_for_fastapi_answers(store: MemoryStore) -> None:
    app = defined("FastAPI")["app"]

    async def ask() -> list[dict[str, Any]]:
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        request = {
            "type": "http",
            "method": "POST",
            "path": "/triage",
            "query_string": b"ticket=It+burns",
            "headers": [],
        }
        async with app.router.lifespan_context(app) as state:
            await app(request | {"state": dict(state or {})}, receive, send)
        return said

    said = asyncio.run(ask())
    assert said[0]["status"] == 200
    assert json.loads(said[1]["body"]) == [{"role": "user", "content": "Route: It burns"}]


def test_the_recipe_for_flask_answers(store: MemoryStore) -> None:
    app = defined("Flask")["create_app"]()
    client = app.extensions["promptops"]
    client.wait_ready(5)
    answer = app.test_client().get("/triage?ticket=It+burns")
    assert answer.json == [{"role": "user", "content": "Route: It burns"}]
    client.close()


def test_the_recipe_for_django_answers(store: MemoryStore) -> None:
    import django
    from django.apps import apps
    from django.conf import settings
    from django.test import RequestFactory

    page = ModuleType("helpdesk")
    page.__file__ = __file__
    page.__dict__.update(defined("Django") | {"__file__": __file__})
    sys.modules["helpdesk"] = sys.modules["helpdesk.apps"] = page
    settings.configure(INSTALLED_APPS=["helpdesk.apps.Prompts"], ALLOWED_HOSTS=["*"])
    django.setup()
    client = apps.get_app_config("helpdesk").client
    client.wait_ready(5)
    answer = page.triage(RequestFactory().get("/triage", {"ticket": "It burns"}))
    assert b"Route: It burns" in answer.content
    client.close()
