"""Whole releases for tests that look at what a client makes of them."""

from collections.abc import Mapping

from promptops.live import moves
from promptops.live.records import Head
from promptops.live.store import Store
from promptops.manifest.canonical import canonical_bytes
from promptops.manifest.document import Json
from tests.deployments import intent


def triage(**changes: Json) -> dict[str, Json]:
    """The document of a unit that has everything; `changes` replace top-level members."""
    whole: dict[str, Json] = {
        "apiVersion": "promptops/v1",
        "unit": "support-triage",
        "model": {"provider": "openai", "id": "gpt-4o-mini-2024-07-18", "version": "2024-07-18"},
        "params": {"temperature": 0.2, "max_tokens": 300, "stop": ["\n\n", "END"]},
        "prompt": {
            "id": "support-triage-router",
            "version": "1.4.0",
            "messages": [
                {"role": "system", "content": "Route the ticket."},
                {"role": "user", "content": "Ticket:\n{{ ticket }}\n\nContext:\n{{ context }}"},
            ],
            "examples": [
                {"role": "user", "content": "Ticket:\nIt burns"},
                {"role": "assistant", "content": "emergency"},
            ],
        },
        "inputs": {
            "ticket": {"type": "string", "maxLength": 40},
            "context": {"type": "string", "default": "none"},
        },
        "retriever": {"index": "kb-support", "version": "2026-11-01", "top_k": 5},
    }
    return whole | changes


def put_live(store: Store, *documents: Json) -> Head:
    """Deploy these documents, each under its unit's name."""
    found = [document for document in documents if isinstance(document, dict)]
    return point(store, {str(each["unit"]): store.put(canonical_bytes(each)) for each in found})


def point(store: Store, wanted: Mapping[str, str]) -> Head:
    """Make digests live whose bytes are in the store already, whatever these are."""
    state = store.read()
    proposal = moves.deploy(state, wanted, intent(), skip_held=False, request="point")
    assert proposal.entry is not None
    swap = store.swap(state.head, proposal.entry, proposal.pointers)
    assert swap.outcome == "won"
    assert swap.head is not None
    return swap.head
