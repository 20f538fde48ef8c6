"""The commands that docs/client.md shows to an app's developer."""

import shlex
from pathlib import Path

from promptops import Client
from promptops.live.store import Store
from tests.cli.apps import App
from tests.cli.projects import Project, on_redis
from tests.snippets import snippets
from tests.waiting import eventually


def typed(project: Project, chapter: str, cache: Path, digest: str = "") -> list[tuple[int, str]]:
    """Each command of a chapter, for a unit that is there; exit code and output."""
    (lines,) = snippets("client.md", chapter, "sh")
    shown = lines.replace("support-triage", "greeter").replace("/var/cache/helpdesk", str(cache))
    shown = shown.replace("DIGEST", digest)
    done = [project.installed(*shlex.split(line)[1:]) for line in shown.splitlines()]
    return [(each.code, each.out + each.err) for each in done]


def test_a_bundle_starts_a_client(deployed: Project, tmp_path: Path) -> None:
    assert [code for code, _ in typed(deployed, "When the store is away", tmp_path)] == [0]
    bundle = deployed.root / "prompts.bundle"
    with Client(None, environment="production", cache="", bundle=bundle) as client:
        client.wait_ready(5)
        assert client.get("greeter").digest == deployed.digest("greeter")


@on_redis
def test_who_serves_what_is_listed_and_confirmed(
    three_apps: list[App], deployed: Project, store: Store, tmp_path: Path
) -> None:
    deployed.says("greeter", "Good evening.")
    deployed.deploy(store, "greeter")
    (listed, who), (code, said) = typed(deployed, "Who serves what", tmp_path)
    assert (listed, code) == (0, 0)
    assert all(app.name in who for app in three_apps)
    assert "3 of 3 clients confirmed" in said


def test_a_pin_is_followed_and_lifted(
    deployed: Project, store: Store, store_url: str, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    morning = deployed.digest("greeter")
    seen: list[str] = []
    with Client(store_url, environment="production", cache=cache, poll=0.05) as client:
        client.wait_ready(5)
        assert eventually(lambda: cache.exists() and any(cache.iterdir()))
        deployed.says("greeter", "Good evening.")
        deployed.deploy(store, "greeter")
        evening = deployed.digest("greeter")
        assert eventually(lambda: client.get("greeter").digest == evening)
        client.on_change(lambda _: seen.append(client.get("greeter").digest))
        done = typed(deployed, "Pins", cache, morning)
        assert [code for code, _ in done] == [0, 0], done
        assert eventually(lambda: seen == [morning, evening])
