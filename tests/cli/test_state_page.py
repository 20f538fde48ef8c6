"""The commands of docs/state.md, as they stand there."""

import shlex

from promptops.live.records import Head
from promptops.live.store import Store
from tests.cli.projects import Project, on_redis
from tests.client.sabotage import Saboteur
from tests.snippets import snippets


def typed(project: Project, chapter: str) -> list[int]:
    lines = [line for part in snippets("state.md", chapter, "sh") for line in part.splitlines()]
    return [project.here(*shlex.split(line)[1:]).code for line in lines]


@on_redis
def test_the_page_does_what_it_says(rolled_back: Project, store: Store, saboteur: Saboteur) -> None:
    assert typed(rolled_back, "Is it what was written?") == [0, 0]
    assert typed(rolled_back, "What was live then?") == [0, 0]
    assert typed(rolled_back, "An export, every night") == [0]
    saboteur.wipe()
    assert typed(rolled_back, "Bringing it back") == [0, 0, 0]
    assert store.read().head == Head(3, 5)
