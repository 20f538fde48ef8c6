"""The story of docs/night.md, typed as the page has it."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptops import Client
from promptops.live.store import Store
from tests.cli.projects import Ended, Project, on_redis
from tests.client.herd import Herd
from tests.client.waiting import until
from tests.snippets import snippets

LIMITS = {
    "title": "Every call has a limit",
    "type": "object",
    "required": ["params"],
    "properties": {"params": {"required": ["max_tokens"]}},
}


SAFE = """\
safe: {prompt: {version: "1.0.0-safe", messages: [{role: system, text: Say hello.}]}}
"""


def change(project: Project, params: str, prompt: str) -> None:
    manifest = project.root / "manifests/greeter/manifest.yaml"
    manifest.write_text(re.sub(r"params:.*", f"params: {params}", manifest.read_text(), count=1))
    project.write("manifests/greeter/system.md", prompt + "\n")
    project.commit(prompt)


def typed(project: Project, chapter: str) -> Iterator[Ended]:
    for part in snippets("night.md", chapter, "sh"):
        here = part.replace("support-triage", "greeter").replace("/var/lib/prompts", "cache")
        for line in here.splitlines():
            yield project.run(*shlex.split(line)[1:])


@pytest.fixture
def night(git_project: Project, store: Store) -> Project:
    """greeter had a limit at revision 1, and has none at revision 2; it has a safe release."""
    manifest = git_project.root / "manifests/greeter/manifest.yaml"
    manifest.write_text(manifest.read_text() + SAFE)
    (git_project.root / "manifests/farewell/manifest.yaml").unlink()
    (git_project.root / "manifests/farewell/system.md").unlink()
    change(git_project, "{temperature: 0.2, max_tokens: 300}", "Good morning.")
    git_project.deploy(store)
    change(git_project, "{temperature: 0.2}", "Good evening.")
    git_project.deploy(store)
    git_project.git("checkout", "--quiet", "-b", "limits")
    git_project.write("policies/limits.json", json.dumps(LIMITS))
    settings = Path(git_project.root / "promptops.yaml")
    settings.write_text(settings.read_text() + "policy: [policies/limits.json]\n")
    change(git_project, "{temperature: 0.2, max_tokens: 200}", "Good day.")
    return git_project


@on_redis
def test_the_night_goes_as_the_page_says(night: Project, store: Store, store_url: str) -> None:
    first = store.history()[-1].changes[0].after
    red, accepted = typed(night, "A pull request")
    assert (red.code, accepted.code) == (1, 0)
    assert "greeter could not go back to" in red.out
    assert "'max_tokens' is missing in params" in red.out
    assert "reason: revision 1 stays reachable" in accepted.out

    night.git("checkout", "--quiet", "main")
    night.git("merge", "--quiet", "limits")
    deployed, status = typed(night, "The deployment")
    assert (deployed.code, status.code) == (0, 0)
    assert "greeter: way back: to revision 1, " in status.out
    assert "revision 1 stays reachable" in store.history(limit=1)[0].reason
    bad = store.read().pointers["greeter"].digest

    with Herd(store_url, 21):
        (back,) = typed(night, "3 a.m.")
        assert back.code == 0
        assert "21 of 21 clients confirmed" in back.out
        assert re.search(r"skipped greeter: \w+ blocked: .*'max_tokens' is missing", back.err)
        assert store.read().pointers["greeter"].digest == first

        cache = night.root / "cache"
        with Client(store_url, environment="production", cache=cache, presence=False) as client:
            client.wait_ready(10)
            assert_safe_and_back(night, client)

        held = next(morning := typed(night, "The next morning"))
        assert (held.code, store.read().pointers["greeter"].digest) == (0, first)
        assert f"skipped greeter: {bad.removeprefix('sha256:')[:12]} held" in held.err
        change(night, "{temperature: 0.2, max_tokens: 200}", "Good day to you.")
        fixed = next(morning)
        assert fixed.code == 0
        assert "21 of 21 clients confirmed" in fixed.out
    assert store.read().pointers["greeter"].digest == night.digest("greeter")


def assert_safe_and_back(night: Project, client: Client) -> None:
    """Safe mode through the freeze, the pin instead of it, and back; as the client serves it."""

    def says(text: str) -> bool:
        return client.get("greeter").messages[0].content == text

    steps = typed(night, "When even that is in doubt")
    assert next(steps).code == 0
    safe = next(steps)
    assert (safe.code, "21 of 21 clients confirmed" in safe.out) == (0, True)
    until(lambda: says("Say hello."))
    assert next(steps).code == 0
    until(lambda: client.status().pins)
    assert [done.code for done in steps] == [0, 0, 0]
    until(lambda: says("Good morning.\n"))
