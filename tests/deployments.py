"""Releases and deployments for tests that need no manifest and no git."""

from collections.abc import Mapping
from uuid import uuid4

from promptops.live import moves, moves_of_rollback
from promptops.live.moves import Intent
from promptops.live.records import Head, State
from promptops.live.store import Store, Swap
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.digest import digest_of

AT = "2026-11-20T10:00:00Z"


def release(unit: str, text: str) -> bytes:
    """A whole release whose prompt is `text`."""
    return canonical_bytes(
        {
            "apiVersion": "promptops/v1",
            "unit": unit,
            "model": {"provider": "openai", "id": "gpt-4o-mini-2024-07-18", "version": "1"},
            "params": {"temperature": 0.2},
            "prompt": {
                "id": unit,
                "version": "1",
                "messages": [{"role": "system", "content": text}],
                "examples": [],
            },
            "inputs": {},
        }
    )


def digest(unit: str, text: str) -> str:
    return digest_of(release(unit, text))


def intent(operation: str | None = None, reason: str = "") -> Intent:
    """Wanted by a test; every call is an operation of its own unless one is named."""
    return Intent(operation or uuid4().hex, "tester", AT, reason, commit="c0ffee")


def try_to_deploy(
    store: Store, texts: Mapping[str, str], expected: Head | None, operation: str | None = None
) -> Swap:
    """Put the releases (unit → text) and swap to them, on the head that somebody read."""
    wanted = {unit: store.put(release(unit, text)) for unit, text in texts.items()}
    proposal = moves.deploy(
        State(expected, store.read().pointers),
        wanted,
        intent(operation),
        skip_held=False,
        request=moves.request_of("deploy", wanted),
    )
    assert proposal.entry is not None, "the texts are live already"
    return store.swap(expected, proposal.entry, proposal.pointers)


def deploy(store: Store, operation: str | None = None, **texts: str) -> Head:
    """`deploy(store, greeter="Hello")`: make the text live, and return the new head."""
    swap = try_to_deploy(store, texts, store.read().head, operation)
    assert swap.outcome == "won"
    assert swap.head is not None
    return swap.head


def deploy_times(store: Store, times: int, unit: str = "greeter") -> Head:
    """A unit says one of two things in turn, in `times` deployments."""
    digests = [store.put(release(unit, text)) for text in ("Good morning", "Good evening")]
    state = store.read()
    for number in range(times):
        wanted = {unit: digests[number % 2]}
        proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="")
        assert proposal.entry is not None
        swap = store.swap(state.head, proposal.entry, proposal.pointers)
        assert swap.outcome == "won"
        state = State(swap.head, {**state.pointers, **proposal.pointers})
    assert state.head is not None
    return state.head


def rollback(store: Store, *units: str) -> Head:
    """Each unit to its previous release, in one deployment."""
    state = store.read()
    history = store.history()
    targets = {
        unit: moves_of_rollback.previous(state.pointers[unit], unit, history) for unit in units
    }
    proposal = moves_of_rollback.rollback(state, targets, intent(), request="rollback")
    assert proposal.entry is not None
    swap = store.swap(state.head, proposal.entry, proposal.pointers)
    assert swap.outcome == "won"
    assert swap.head is not None
    return swap.head
