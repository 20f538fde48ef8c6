"""Releases are deleted only while the head is the one at which nobody needed them."""

from promptops.live.records import Head
from promptops.live.store import Store
from tests.deployments import deploy, digest


def test_they_go_while_the_head_stands(store: Store) -> None:
    head = deploy(store, greeter="Hello")
    deploy(store, greeter="Good morning")
    old = digest("greeter", "Hello")
    assert not store.forget_releases([old], head)
    assert not store.forget_releases([old], Head(2, 2))
    assert store.release(old) is not None
    assert store.forget_releases([old], Head(1, 2))
    assert store.releases() == [digest("greeter", "Good morning")]
